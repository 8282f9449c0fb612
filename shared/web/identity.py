"""Who is asking: access tokens are JWTs of one issuer (RFC 9068), checked the same way everywhere."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import jwt
from fastapi import Request

from shared.web.problems import UnauthenticatedProblem
from shared.web.signing_keys import SigningKeys

ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")
"""An allowlist; `none` and the shared-secret algorithms are not on it."""

CLOCK_LEEWAY_SECONDS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A user of one instance, as the issuer vouches for."""

    user_id: UUID
    instance_id: UUID
    authenticated_at: datetime
    """When the user last proved who they are, not when the token was made."""
    expires_at: datetime
    """When the token expires, which ends what it has opened."""
    context_class: str | None = None
    """`acr`: how well the issuer says that they proved it."""
    methods: frozenset[str] = frozenset()
    """`amr`: by which means (RFC 8176)."""
    log_in_id: UUID | None = None
    """Which log-in of the built-in issuer the token comes from; None: another issuer's."""


KNOWN_FOR_SECONDS: Final = 60
"""So long a token is known: a key that its issuer withdraws is trusted for a minute more."""
KNOWN_AT_MOST: Final = 10_000


Claims = Mapping[str, Any]
Whose = Callable[[Claims], Awaitable[tuple[UUID, UUID]]]
"""Gives the ids of the user and of the instance that a token speaks for."""

NEVER: Final = datetime.fromtimestamp(0, UTC)
"""When somebody has proved who they are of whom the issuer does not say so: too long ago to sign."""


@dataclass(frozen=True, kw_only=True)
class OwnIds:
    """Tokens that name OpenCircle's own ids."""

    subject_claim: str = "sub"
    instance_claim: str = "instance"

    async def __call__(self, claims: Claims) -> tuple[UUID, UUID]:
        """Read both."""
        return UUID(claims[self.subject_claim]), UUID(claims[self.instance_claim])


@dataclass(frozen=True, kw_only=True)
class TokenVerifier:
    """Takes access tokens of one issuer for one audience.

    A token that has been checked is known for a minute, or until it expires: checking its signature costs as
    much as all other middleware together.
    """

    issuer: str
    audience: str
    keys: SigningKeys
    whose: Whose = OwnIds()
    """Asked once for each token that is checked: what it says holds for as long as the token is known."""
    clock: Callable[[], float] = time.time
    """Seconds since 1970."""
    _known: dict[bytes, tuple[Identity, float]] = field(default_factory=dict, init=False, repr=False)

    async def verify(self, token: str) -> Identity:
        """Tell who a token speaks for; raises `UnauthenticatedProblem` without saying which check failed.

        Raises `KeysUnavailableProblem` where the issuer's keys can't be had.
        """
        name, now = hashlib.sha256(token.encode()).digest(), self.clock()
        identity, known_until = self._known.get(name, (None, now))
        if identity is None or now >= known_until:
            identity = await self._checked(token)
            if len(self._known) >= KNOWN_AT_MOST:
                self._known.clear()
            self._known[name] = (identity, min(identity.expires_at.timestamp(), now + KNOWN_FOR_SECONDS))
        return identity

    async def _checked(self, token: str) -> Identity:
        try:
            claims = jwt.decode(
                token,
                await self.keys.key_for(token),
                algorithms=ALGORITHMS,
                audience=self.audience,
                issuer=self.issuer,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
            user_id, instance_id = await self.whose(claims)
            return Identity(
                user_id=user_id,
                instance_id=instance_id,
                authenticated_at=_moment(claims["auth_time"]) if "auth_time" in claims else NEVER,
                context_class=_text(claims.get("acr")),
                methods=frozenset(filter(None, map(_text, claims.get("amr") or ()))),
                expires_at=_moment(claims["exp"]),
                log_in_id=_log_in_id(claims.get("sid")),
            )
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
            raise UnauthenticatedProblem(
                "The access token is not valid for this service, or it has expired.",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            ) from None


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _log_in_id(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        # Another issuer's own.
        return None


def current_identity(request: Request) -> Identity:
    """Give the caller, as the identity middleware has verified it."""
    identity: Identity = request.scope["identity"]
    return identity
