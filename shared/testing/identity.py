"""An issuer of access tokens for tests: real keys, real signatures, nothing to log in to."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

ISSUER: Final = "https://issuer.test"
AUDIENCE: Final = "opencircle"
KEY_ID: Final = "test"


@dataclass(frozen=True)
class TokenIssuer:
    """Signs access tokens; services verify them by the public key in the JWKS file `key_file`."""

    folder: Path
    _key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        public = json.loads(OKPAlgorithm.to_jwk(self._key.public_key()))
        self.key_file.write_text(json.dumps({"keys": [public | {"kid": KEY_ID, "alg": "EdDSA"}]}))

    @property
    def key_file(self) -> Path:
        """Where the JWKS is: the setting `OPENCIRCLE_TOKEN_KEYS`."""
        return self.folder / "jwks.json"

    def token_for(
        self, user_id: UUID, *, instance_id: UUID, auth_time: datetime | None = None, **claims: Any
    ) -> str:
        """Make a token of an hour for a user who proved who they are at `auth_time`, or just now.

        Other `claims` go first; None leaves one out.
        """
        now = datetime.now(UTC)
        usual = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "instance": str(instance_id),
            "auth_time": int((auth_time or now).timestamp()),
            "iat": now,
            "exp": now + timedelta(hours=1),
        }
        told = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(told, self._key, algorithm="EdDSA", headers={"kid": KEY_ID})
