"""The API's shapes of service accounts."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import jwt
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from services.sessions.directory.answers import Answer
from services.sessions.directory.schemas import ExternalSubjectText
from shared.events.staff import Scope
from shared.web.identity import ALGORITHMS
from shared.web.shapes import Shape, Title

PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def _public_key(jwk: dict[str, Any]) -> dict[str, Any]:
    if PRIVATE_PARTS & jwk.keys():
        raise PydanticCustomError(
            "private", "must be the public key alone; this one is known now, make another"
        )
    try:
        key = jwt.PyJWK.from_dict(jwk)
    except (jwt.PyJWTError, KeyError, ValueError, TypeError):
        raise PydanticCustomError("jwk", "must be a JWK (RFC 7517)") from None
    if key.algorithm_name not in ALGORITHMS or key.Algorithm.check_key_length(key.key):
        raise PydanticCustomError("weak", "must be for EdDSA, ES256, or RS256 with 2048 bits or more")
    # Written anew: nothing is kept but the key, whatever else was sent.
    written: dict[str, Any] = key.Algorithm.to_jwk(key.key, as_dict=True)
    return written


class NewServiceAccount(Shape):
    """A system that reads by itself, and how it shows who it is: by one of the last two."""

    name: Title
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    public_key: Annotated[dict[str, Any], AfterValidator(_public_key)] | None = None
    """A JWK, for the built-in issuer: the account signs with the private key (`private_key_jwt`)."""
    external_subject: ExternalSubjectText | None = None
    """The name that another issuer's tokens have for it, with OPENCIRCLE_SUBJECTS=external."""

    @model_validator(mode="after")
    def _shows_who_it_is(self) -> Self:
        if (self.public_key is None) == (self.external_subject is None):
            raise PydanticCustomError("one", "either public_key or external_subject is needed")
        return self


class ServiceAccount(Answer):
    """A service account."""

    id: UUID
    """The client id at the built-in issuer."""
    name: str
    scopes: list[Scope]
    external_subject: str | None
    created_at: datetime
    ended_at: datetime | None


class ServiceAccounts(Answer):
    """All of them, those that have ended too."""

    items: list[ServiceAccount]
