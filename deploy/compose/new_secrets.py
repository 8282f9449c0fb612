"""Makes every secret of `docker-compose.yml`, once: `python3 -m deploy.compose.new_secrets`.

Needs nothing but Python. A file that exists is never replaced: to change one secret, delete its file first
and read in docs/operations.md what else has to know the new one.
"""

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "secrets"
DATABASES: Final = {
    "sessions": "sessions",
    "charts": "charts",
    "billing": "billing_bridge",
    "printing": "printing",
}
"""Which database the secrets of a prefix point to. Its owner has the same name and migrates; who serves owns
nothing, and its name ends in `_service`."""

PASSWORD_BYTES: Final = 24
KEY_BYTES: Final = 32
ED25519_IN_PKCS8: Final = bytes.fromhex("302e020100300506032b657004220420")
"""RFC 8410, section 7."""


def new_secrets() -> dict[str, str]:
    """Make the text of each secret, by the name of its file."""
    broker = _password()
    return _database_urls() | {
        "postgres_password": _password(),
        "valkey_users": f"user default on nopass resetkeys resetchannels -@all +ping\n"
        f"user opencircle on >{broker} ~* &* +@all -@dangerous +info\n",
        "opencircle_broker_url": f"redis://opencircle:{broker}@valkey:6379/0",
        "opencircle_message_keys": _key_ring(),
        "opencircle_field_keys": _key_ring(),
        "opencircle_billing_connection_keys": _key_ring(),
        "opencircle_anchor_key": _signing_key(),
    }


def _database_urls() -> dict[str, str]:
    roles = {
        f"opencircle_{prefix}_{secret}": (f"{name}{ending}", name)
        for prefix, name in DATABASES.items()
        for secret, ending in (("owner_url", ""), ("database_url", "_service"))
    }
    return {
        secret: f"postgresql+asyncpg://{role}:{_password()}@postgres:5432/{name}"
        for secret, (role, name) in roles.items()
    }


def _password() -> str:
    # URL-safe: the same text stands in a URL and in SQL.
    return secrets.token_urlsafe(PASSWORD_BYTES)


def _key_ring() -> str:
    return f"k1:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _signing_key() -> str:
    """Make an Ed25519 private key: any 32 random bytes are one, and PKCS #8 has the same bytes before."""
    text = base64.b64encode(ED25519_IN_PKCS8 + secrets.token_bytes(KEY_BYTES)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"


def write_secrets(folder: Path, texts: Mapping[str, str]) -> None:
    """Write them; raises `FileExistsError` before the first, rather than replace one.

    The folder keeps other users of this host out. The files themselves are readable, because each
    container reads those mounted into it as a user of its own.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in texts:
        if (folder / name).exists():
            raise FileExistsError(folder / name)
    for name, text in texts.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o444)
            file.write(text)


def main() -> None:
    """Write what is missing altogether."""
    try:
        write_secrets(FOLDER, new_secrets())
    except FileExistsError as error:
        sys.exit(f"opencircle: {error} is there already; nothing was written.")
    sys.stdout.write(f"Secrets are in {FOLDER}. Keep a copy where a thief of this host does not find it.\n")


if __name__ == "__main__":
    main()
