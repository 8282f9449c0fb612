"""Secrets as Standard Webhooks writes them: `whsec_` shared ones and `whsk_` private keys of ed25519.

Up to three, with spaces between: each signs, so that one can be taken over by the next.
"""

import base64
import binascii
import os
from typing import Final

from services.billing_bridge.connector import SecretRefusedError

SHARED: Final = "whsec_"
PRIVATE: Final = "whsk_"
FEWEST_BYTES: Final = 24
MOST_BYTES: Final = 64
NEW_BYTES: Final = 32
SEED_BYTES: Final = 32
PRIVATE_LENGTHS: Final = (SEED_BYTES, 2 * SEED_BYTES)
"""A seed alone, or followed by its public key, as some libraries write it."""
SECRETS_AT_MOST: Final = 3


def new_secret() -> str:
    """Make a secret that nobody has."""
    return SHARED + base64.b64encode(os.urandom(NEW_BYTES)).decode()


def check_secret(secret: str) -> None:
    """Raise `SecretRefusedError`, without quoting it, unless all are of the right form and length."""
    secrets = secret.split(" ")
    if len(secrets) > SECRETS_AT_MOST or not all(_is_right(one) for one in secrets):
        raise SecretRefusedError(
            f"The secret must be `{SHARED}` and the base64 of {FEWEST_BYTES} to {MOST_BYTES} bytes, or "
            f"`{PRIVATE}` and the base64 of an ed25519 seed of {SEED_BYTES} bytes; while one takes over "
            f"from another, up to {SECRETS_AT_MOST} with one space between."
        )


def _is_right(secret: str) -> bool:
    prefix = PRIVATE if secret.startswith(PRIVATE) else SHARED
    try:
        length = len(base64.b64decode(secret.removeprefix(prefix), validate=True))
    except (binascii.Error, ValueError):
        return False
    if prefix == PRIVATE:
        return length in PRIVATE_LENGTHS
    return secret.startswith(SHARED) and FEWEST_BYTES <= length <= MOST_BYTES
