"""Who is asking: access tokens are JWTs of one issuer (RFC 9068), checked the same way everywhere."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
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


@dataclass(frozen=True, kw_only=True)
class TokenVerifier:
    """Takes access tokens of one issuer for one audience."""

    issuer: str
    audience: str
    keys: SigningKeys

    async def verify(self, token: str) -> Identity:
        """Tell who a token speaks for; raises `UnauthenticatedProblem` without saying which check failed.

        Raises `KeysUnavailableProblem` where the issuer's keys can't be had.
        """
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
            return Identity(
                user_id=UUID(claims["sub"]),
                instance_id=UUID(claims["instance"]),
                authenticated_at=datetime.fromtimestamp(int(claims["auth_time"]), UTC),
                expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
            )
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            raise UnauthenticatedProblem(
                "The access token is not valid for this service, or it has expired.",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            ) from None


def current_identity(request: Request) -> Identity:
    """Give the caller, as the identity middleware has verified it."""
    identity: Identity = request.scope["identity"]
    return identity
