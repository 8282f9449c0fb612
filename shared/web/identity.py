"""Who is asking: access tokens are JWTs of one issuer (RFC 9068), checked the same way everywhere."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

import jwt
from fastapi import Request

from shared.web.problems import UnauthenticatedProblem

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


class SigningKeys(Protocol):
    """Where the issuer's public keys come from."""

    def key_for(self, token: str) -> jwt.PyJWK:
        """Find the key that a token names; raises `jwt.PyJWTError`."""


class KeysInFile:
    """The keys of an issuer on the same machine."""

    def __init__(self, path: Path) -> None:
        self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(json.loads(path.read_text())).keys}

    def key_for(self, token: str) -> jwt.PyJWK:
        """Find the key that a token names."""
        try:
            return self._keys[jwt.get_unverified_header(token)["kid"]]
        except KeyError:
            raise jwt.InvalidKeyError from None


class KeysAtAddress:
    """The keys of an OIDC issuer, fetched over https and kept for five minutes."""

    def __init__(self, address: str) -> None:
        self._client = jwt.PyJWKClient(address, cache_keys=True, lifespan=300, timeout=5)

    def key_for(self, token: str) -> jwt.PyJWK:
        """Find the key that a token names."""
        return self._client.get_signing_key_from_jwt(token)


@dataclass(frozen=True, kw_only=True)
class TokenVerifier:
    """Takes access tokens of one issuer for one audience."""

    issuer: str
    audience: str
    keys: SigningKeys

    def verify(self, token: str) -> Identity:
        """Tell who a token speaks for; raises `UnauthenticatedProblem` without saying which check failed."""
        try:
            claims = jwt.decode(
                token,
                self.keys.key_for(token),
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


def signing_keys(place: str) -> SigningKeys:
    """Read keys from an https address or a file."""
    return KeysAtAddress(place) if place.startswith("https://") else KeysInFile(Path(place))


def current_identity(request: Request) -> Identity:
    """Give the caller, as the identity middleware has verified it."""
    identity: Identity = request.scope["identity"]
    return identity
