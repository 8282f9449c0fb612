"""The API's shapes of front ends."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from services.sessions.directory.answers import Answer
from services.sessions.logging_in.by_code.domain import REDIRECT_URI_CHARACTERS_AT_MOST, is_redirect_uri
from shared.web.shapes import Shape, Storable, Title

REDIRECT_URIS_AT_MOST = 20


def _redirect_uri(text: str) -> str:
    if not is_redirect_uri(text):
        raise PydanticCustomError(
            "redirect_uri", "must be an https address without a fragment, or http://localhost or 127.0.0.1"
        )
    return text


RedirectUri = Annotated[
    Storable, Field(max_length=REDIRECT_URI_CHARACTERS_AT_MOST), AfterValidator(_redirect_uri)
]


class NewFrontEnd(Shape):
    """A program that people log in from: a public client of OAuth 2.1, which keeps no secret."""

    name: Title
    redirect_uris: Annotated[list[RedirectUri], Field(min_length=1, max_length=REDIRECT_URIS_AT_MOST)]
    """All that it is answered at, compared character by character."""


class FrontEnd(Answer):
    """A front end."""

    id: UUID
    """`client_id` at the built-in issuer."""
    name: str
    redirect_uris: list[str]
    created_at: datetime
    ended_at: datetime | None


class FrontEnds(Answer):
    """All of them, those that have ended too."""

    items: list[FrontEnd]
