"""AWS Signature Version 4 for S3, as far as putting and getting whole objects needs it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. Written here because the
libraries that do it bring 14 MB (botocore), or need a newer Python than ours (aws-sdk-signers).
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, kw_only=True)
class S3Keys:
    """Who signs, and for which region."""

    access_key_id: str
    secret_access_key: SecretStr
    region: str


def signed_headers(method: str, url: str, content: bytes, *, keys: S3Keys, at: datetime) -> dict[str, str]:
    """Give the headers of a request without a query, signed for a few minutes around `at` (UTC)."""
    place = urlsplit(url)
    headers = {
        "host": place.netloc,
        "x-amz-content-sha256": sha256(content).hexdigest(),
        "x-amz-date": f"{at:%Y%m%dT%H%M%SZ}",
    }
    names = ";".join(headers)  # sorted already, as the signature wants them
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join((method, quote(place.path), "", lines, names, headers["x-amz-content-sha256"]))
    scope = f"{at:%Y%m%d}/{keys.region}/s3/aws4_request"
    to_sign = "\n".join((ALGORITHM, headers["x-amz-date"], scope, sha256(canonical.encode()).hexdigest()))
    signature = hmac.digest(_key(keys, scope), to_sign.encode(), sha256).hex()
    credential = f"Credential={keys.access_key_id}/{scope}"
    authorization = f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    return headers | {"authorization": authorization}


def _key(keys: S3Keys, scope: str) -> bytes:
    key = f"AWS4{keys.secret_access_key.get_secret_value()}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), sha256)
    return key
