import base64
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from services.billing_bridge.connectors.webhook.secrets import check_secret, new_secret
from services.billing_bridge.connectors.webhook.signatures import signed_headers

SEED = bytes(range(32))
PRIVATE = "whsk_" + base64.b64encode(SEED).decode()
BODY = '{"description": "Group — Émile"}'.encode()


def headers_by(secret: str) -> dict[str, str]:
    return signed_headers(BODY, key="charge-1", secret=secret, at=datetime.now(UTC))


def test_old_and_new_secret_both_open_what_both_have_signed() -> None:
    old, new = new_secret(), new_secret()
    headers = headers_by(f"{new} {old}")
    for secret in (old, new):
        Webhook(secret).verify(BODY, headers)


def test_a_private_key_signs_by_ed25519() -> None:
    headers = headers_by(PRIVATE)
    version, _, signature = headers["webhook-signature"].partition(",")
    content = f"charge-1.{headers['webhook-timestamp']}.".encode() + BODY
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    public.verify(base64.b64decode(signature), content)
    assert version == "v1a"
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature), content + b" ")


def test_a_shared_secret_and_a_private_key_can_sign_together() -> None:
    shared = new_secret()
    check_secret(f"{shared} {PRIVATE}")
    headers = headers_by(f"{shared} {PRIVATE}")
    Webhook(shared).verify(BODY, headers)
    assert [one.partition(",")[0] for one in headers["webhook-signature"].split()] == ["v1", "v1a"]
