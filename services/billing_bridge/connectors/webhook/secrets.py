"""Shared secrets as Standard Webhooks writes them: `whsec_` and base64 of 24 to 64 bytes."""

import base64
import binascii
import os
from typing import Final

from services.billing_bridge.connector import SecretRefusedError

PREFIX: Final = "whsec_"
FEWEST_BYTES: Final = 24
MOST_BYTES: Final = 64
NEW_BYTES: Final = 32


def new_secret() -> str:
    """Make a secret that nobody has."""
    return PREFIX + base64.b64encode(os.urandom(NEW_BYTES)).decode()


def check_secret(secret: str) -> None:
    """Raise `SecretRefusedError`, without quoting it, unless it is a secret of the right form and length."""
    try:
        content = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not secret.startswith(PREFIX) or not FEWEST_BYTES <= len(content) <= MOST_BYTES:
        raise SecretRefusedError(
            f"The secret must be `{PREFIX}` and the base64 of {FEWEST_BYTES} to {MOST_BYTES} bytes."
        )
