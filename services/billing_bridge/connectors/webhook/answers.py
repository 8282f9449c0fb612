"""What the receiver's answer means: one table of HTTP statuses."""

from collections.abc import Collection, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from services.billing_bridge.outcomes import Outcome, Verdict

MASK: Final = "[hidden]"
RECEIPT_CHARACTERS_AT_MOST: Final = 200

ASK_AGAIN: Final = frozenset({425, 429})
"""Refusals of the moment: the request was turned away before it was looked at."""
MAYBE_TAKEN: Final = frozenset({408, 409})
"""It may have been taken. 409 that names no duplicate: the first request with this key is not done yet."""
GONE: Final = 410


def outcome_of(
    status: int, headers: Mapping[str, str], body: bytes, *, hidden: Collection[str], now: datetime
) -> Outcome:
    """Read an answer. `hidden` is left out of what is kept of it."""
    content = _json_object(body)
    verdict = _verdict(status, content)
    return Outcome(
        verdict=verdict,
        reason=None if verdict is Verdict.ACCEPTED else f"The receiver answered {status}.",
        http_status=status,
        receipt_id=_receipt_id(content) if verdict is Verdict.ACCEPTED else None,
        answer=_kept(body, hidden),
        retry_after_seconds=_retry_after(headers.get("retry-after"), now),
        pauses_connection=status == GONE,
    )


def _verdict(status: int, content: Mapping[str, Any]) -> Verdict:
    match status:
        case _ if 200 <= status <= 299:  # noqa: PLR2004 - HTTP's own classes
            return Verdict.ACCEPTED
        case 409 if _names_a_duplicate(content):
            return Verdict.ACCEPTED
        case _ if status in ASK_AGAIN:
            return Verdict.NOT_TAKEN
        # A server that fails, or a gateway that lost it, may have booked the charge before (BILL-5).
        case _ if status in MAYBE_TAKEN or status >= 500:  # noqa: PLR2004 - HTTP's own classes
            return Verdict.UNKNOWN
        case _:
            return Verdict.REJECTED


def _names_a_duplicate(content: Mapping[str, Any]) -> bool:
    named = str(content.get("code") or content.get("type") or "")
    return content.get("duplicate") is True or named.lower().endswith("duplicate")


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


def _receipt_id(content: Mapping[str, Any]) -> str | None:
    receipt = content.get("receipt_id") or content.get("id")
    if not isinstance(receipt, str | int):
        return None
    return _storable(str(receipt))[:RECEIPT_CHARACTERS_AT_MOST]


def _kept(body: bytes, hidden: Collection[str]) -> str:
    text = _storable(body.decode("utf-8", errors="replace"))
    for secret in filter(None, hidden):
        text = text.replace(secret, MASK)
    return text


def _storable(text: str) -> str:
    # PostgreSQL takes no NUL, and control characters could forge lines on an operator's terminal.
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Read RFC 9110's `Retry-After`: seconds or a date; one that is neither is left aside."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None
