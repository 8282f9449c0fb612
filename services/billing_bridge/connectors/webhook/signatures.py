"""The headers of one attempt, signed as Standard Webhooks 1.0 says: `v1` by HMAC, `v1a` by ed25519."""

import base64
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from services.billing_bridge.connectors.webhook.secrets import PRIVATE, SEED_BYTES


def signed_headers(body: bytes, *, key: str, secret: str, at: datetime) -> dict[str, str]:
    """Sign with every secret there is, so that the other side can change over from one to the next.

    The key stays the same for all attempts; time and signatures are the attempt's own.
    """
    return {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "idempotency-key": key,
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(_signature(one, key, at, body) for one in secret.split()),
    }


def _signature(secret: str, key: str, at: datetime, body: bytes) -> str:
    if not secret.startswith(PRIVATE):
        return Webhook(secret).sign(key, at, body.decode())
    seed = base64.b64decode(secret.removeprefix(PRIVATE))[:SEED_BYTES]
    content = f"{key}.{int(at.timestamp())}.".encode() + body
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(content)
    return f"v1a,{base64.b64encode(signature).decode()}"
