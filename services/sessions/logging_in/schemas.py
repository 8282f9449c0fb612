"""The API's shapes of logging in."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.sessions.directory.answers import Answer
from services.sessions.directory.schemas import PASSWORD_CHARACTERS_AT_MOST, NewPassword, Password
from shared.web.shapes import Shape, Storable

LOGIN_CHARACTERS_AT_MOST = 200


class LogIn(Shape):
    """A login of the built-in issuer."""

    login: Annotated[Storable, Field(min_length=1, max_length=LOGIN_CHARACTERS_AT_MOST)]
    password: Annotated[Password, Field(max_length=PASSWORD_CHARACTERS_AT_MOST)]


class PasswordChange(Shape):
    """A new password, and the old one as a proof."""

    old_password: Annotated[Password, Field(max_length=PASSWORD_CHARACTERS_AT_MOST)]
    new_password: NewPassword


class PasswordOfAnother(Shape):
    """A new password that a Super Admin gives."""

    new_password: NewPassword


class Token(Answer):
    """An access token of the built-in issuer, and what renews it."""

    access_token: str
    token_type: str
    expires_in: int
    """Seconds."""
    refresh_token: str | None = None
    """Good once, for `POST /oauth/token`, for as long as a log-in may be idle. No service account has one."""
    scope: str | None = None
    """Of a service account; `openid` with an ID token."""
    id_token: str | None = None
    """For a front end that asked for `openid`: who has logged in, and when (OpenID Connect Core 1.0, 2)."""


class OwnLogIn(Answer):
    """A log-in of the caller that goes on."""

    id: UUID
    authenticated_at: datetime
    last_used_at: datetime
    current: bool
    """Whether the request itself comes from it."""


class OwnLogIns(Answer):
    """All log-ins of the caller that go on."""

    items: list[OwnLogIn]
