"""The examples of docs/receiving-charges.md do what they say."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.billing_bridge.connectors.webhook.secrets import new_secret
from services.billing_bridge.connectors.webhook.signatures import signed_headers

PAGE = (Path(__file__).parents[6] / "docs/receiving-charges.md").read_text()
SHARED, ASYMMETRIC = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
BODY = b'{"type": "charge.made"}'
SEED = bytes(range(32))
SECRET = new_secret()
PRIVATE = "whsk_" + base64.b64encode(SEED).decode()
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()

EXAMPLES = {"shared": (SHARED, SECRET, SECRET), "ed25519": (ASYMMETRIC, PRIVATE, PUBLIC)}
IsOurs = Callable[[dict[str, str], bytes, Any], bool]


def example(text: str) -> IsOurs:
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 - our own documentation
    is_ours: IsOurs = names["is_ours"]
    return is_ours


def signed(secret: str, at: datetime | None = None) -> dict[str, str]:
    return signed_headers(BODY, key="charge-1", secret=secret, at=at or datetime.now(UTC))


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize(("text", "ours", "theirs"), EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_takes_what_we_sign_and_nothing_else(text: str, ours: str, theirs: Any) -> None:
    is_ours = example(text)
    headers = signed(f"{ours} {new_secret()}")
    assert is_ours(headers, BODY, theirs)
    assert not is_ours(headers, BODY + b" ", theirs)
    assert not is_ours(headers | {"webhook-id": "charge-2"}, BODY, theirs)
    assert not is_ours(signed(new_secret()), BODY, theirs)
    assert not is_ours(signed(ours, datetime.now(UTC) - timedelta(hours=1)), BODY, theirs)
