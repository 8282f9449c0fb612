"""The issuer of access tokens: whether its public keys can be had."""

import json
from pathlib import Path
from typing import Any

import httpx2

from deploy.operations.checks.findings import NETWORK_SECONDS, Finding, broken
from deploy.operations.where import Where


def look_at_issuer(where: Where) -> Finding:
    """Fetch the keys as the APIs do."""
    place = where.settings.token_keys
    mend = "See OPENCIRCLE_TOKEN_KEYS: nobody can log in without the issuer's keys."
    try:
        keys = _keys_at(place)
    except (httpx2.HTTPError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return broken("issuer", f"its keys can't be had at {place} ({type(error).__name__})", mend)
    usable = [key for key in keys if key.get("kid")]
    if not usable:
        return broken("issuer", f"there is no key with a `kid` at {place}", mend)
    return Finding(check="issuer", says=f"keys at {place}: {len(usable)}")


def _keys_at(place: str) -> list[dict[str, Any]]:
    if place.startswith("https://"):
        answer = httpx2.get(place, timeout=NETWORK_SECONDS, follow_redirects=False, trust_env=False)
        text = answer.raise_for_status().text
    else:
        text = Path(place).read_text()
    keys: list[dict[str, Any]] = json.loads(text)["keys"]
    return keys
