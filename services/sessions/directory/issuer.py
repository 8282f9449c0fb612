"""The built-in issuer of access tokens, for one machine; refused in production."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from shared.identifiers import new_id

ALGORITHM: Final = "EdDSA"


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Makes access tokens (RFC 9068) for users whose password was right."""

    name: str
    audience: str
    key_id: str
    key: Ed25519PrivateKey

    def token_for(
        self,
        *,
        user_id: UUID,
        instance_id: UUID,
        log_in_id: UUID | None = None,
        authenticated_at: datetime | None = None,
        at: datetime,
        expires_at: datetime,
    ) -> str:
        """Make an access token; roles are not in it, services know them from the directory.

        Without `authenticated_at` it is a service account's, which signs nothing.
        """
        claims: dict[str, Any] = {
            "iss": self.name,
            "aud": self.audience,
            "sub": str(user_id),
            "instance": str(instance_id),
            "iat": at,
            "exp": expires_at,
            "jti": str(new_id()),
        }
        if log_in_id is not None:
            claims["sid"] = str(log_in_id)
        if authenticated_at is not None:
            claims["auth_time"] = int(authenticated_at.timestamp())
        return self._signed(claims, kind="at+jwt")

    def id_token_for(
        self,
        *,
        user_id: UUID,
        client_id: UUID,
        log_in_id: UUID,
        nonce: str | None,
        authenticated_at: datetime,
        at: datetime,
        expires_at: datetime,
    ) -> str:
        """Tell a client who has logged in and when (OpenID Connect Core 1.0, 2); it opens nothing here."""
        claims: dict[str, Any] = {
            "iss": self.name,
            "aud": str(client_id),
            "sub": str(user_id),
            "sid": str(log_in_id),
            "iat": at,
            "exp": expires_at,
            "auth_time": int(authenticated_at.timestamp()),
        }
        return self._signed(claims if nonce is None else claims | {"nonce": nonce}, kind="JWT")

    def _signed(self, claims: dict[str, Any], *, kind: str) -> str:
        headers = {"kid": self.key_id, "typ": kind}
        return jwt.encode(claims, self.key, algorithm=ALGORITHM, headers=headers)

    def public_keys(self) -> dict[str, Any]:
        """Give the JWKS (RFC 7517) by which services check the tokens."""
        public = json.loads(OKPAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": self.key_id, "alg": ALGORITHM, "use": "sig"}]}


def new_signing_key(path: Path) -> None:
    """Write a new private key that only this user can read."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def open_issuer(path: Path, *, name: str, audience: str) -> Issuer:
    """Read the issuer's private key."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("the issuer's key must be an Ed25519 key in PEM")
    return Issuer(name=name, audience=audience, key_id="embedded-1", key=key)
