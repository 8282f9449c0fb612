"""What the receiver's answer means: one table of HTTP statuses."""

from collections.abc import Collection, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from services.billing_bridge.keeping import RECEIPT_CHARACTERS_AT_MOST, kept, storable
from services.billing_bridge.outcomes import Outcome, Verdict
from services.billing_bridge.posting import Answer

ASK_AGAIN: Final = frozenset({425, 429})
"""Refusals of the moment: the request was turned away before it was looked at."""
MAYBE_TAKEN: Final = frozenset({408, 409})
"""It may have been taken. 409 that names no duplicate: the first request with this key is not done yet."""
NOT_FOUND: Final = 404
GONE: Final = 410


def outcome_of(answer: Answer, *, hidden: Collection[str], now: datetime) -> Outcome:
    """Read the answer to a push. `hidden` is left out of what is kept of it."""
    content = _json_object(answer.body)
    verdict = _verdict(answer.status, content)
    return Outcome(
        verdict=verdict,
        reason=None if verdict is Verdict.ACCEPTED else f"The receiver answered {answer.status}.",
        http_status=answer.status,
        receipt_id=_receipt_id(content) if verdict is Verdict.ACCEPTED else None,
        answer=kept(answer.body, hidden),
        retry_after_seconds=_retry_after(answer.headers.get("retry-after"), now),
        pauses_connection=answer.status == GONE,
    )


def is_acceptance(answer: Answer) -> bool:
    """Tell whether the answer accepts the charge."""
    return _verdict(answer.status, _json_object(answer.body)) is Verdict.ACCEPTED


def outcome_of_look_up(answer: Answer, *, hidden: Collection[str]) -> Outcome:
    """Read the answer to the question whether a charge has arrived: 200 yes, 404 no, all else is no word."""
    verdicts = {200: Verdict.ACCEPTED, NOT_FOUND: Verdict.NOT_TAKEN}
    verdict = verdicts.get(answer.status, Verdict.UNKNOWN)
    return Outcome(
        verdict=verdict,
        reason=None if verdict is Verdict.ACCEPTED else f"Looked up: the receiver answered {answer.status}.",
        http_status=answer.status,
        receipt_id=_receipt_id(_json_object(answer.body)) if verdict is Verdict.ACCEPTED else None,
        answer=kept(answer.body, hidden),
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
    return storable(str(receipt))[:RECEIPT_CHARACTERS_AT_MOST]


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
