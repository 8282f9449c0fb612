"""Where a charge stands, and where the outcome of a push takes it (BILL-4, BILL-5)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where a charge stands on its way to the billing system (BILL-4)."""

    PENDING = "pending"
    HELD = "held"
    """Something is missing, or a person holds it back; the reason says which."""
    SENT = "sent"
    """A push has begun, and nothing is heard yet."""
    UNKNOWN = "unknown"
    """A push has begun and nobody knows whether it arrived (BILL-5)."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REVERSED = "reversed"


class Verdict(StrEnum):
    """How one push ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_TAKEN = "not_taken"
    """The other side certainly does not have it: trying again can't bill twice."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is known after one push."""

    verdict: Verdict
    reason: str | None = None
    http_status: int | None = None
    receipt_id: str | None = None
    """The other side's own name for the charge."""
    answer: str | None = None
    """The answer's beginning, without what we have to hide; never logged."""
    retry_after_seconds: float | None = None
    """How long the other side asks to be left alone."""
    without_a_turn: bool = False
    """It had to wait for others of ours too long to begin: the other side had no part in it."""
    pauses_connection: bool = False
    """The address is gone: nothing more is sent there until a person says so."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A charge's status after something happened to it."""

    status: Status
    reason: str | None = None
    next_attempt_at: datetime | None = None
    """When it may be pushed without a person asking; None is never."""
    uncertain: bool = False
    """An earlier push may have arrived, so only the same key to a receiver that deduplicates is safe."""
    receipt_id: str | None = None
    reversing: bool = False
    """What is pushed from now on is the charge's reversal (BILL-6)."""
    costs_no_try: bool = False
    """The attempt does not count in the schedule."""


WAITS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (
        0,  # the first attempt is at once; each further one waits this long after the one before
        5,
        5 * 60,
        30 * 60,
        2 * 3600,
        5 * 3600,
        10 * 3600,
        14 * 3600,
        20 * 3600,
        24 * 3600,
    )
)
"""The schedule of Standard Webhooks 1.0: ten attempts within about three days."""

LONGEST_RETRY_AFTER: Final = timedelta(hours=24)
"""A receiver that asks for more is asked again anyway: a slip of its clock must not silence billing."""

SPREAD: Final = 0.2
"""Up to a fifth is added to each wait, so that charges that failed together don't return together."""


SENT_AGAIN: Final = "It is sent again with the same key."
LOOKED_UP: Final = "It is looked up at the other side."

LOOK_UP_AFTER: Final = timedelta(minutes=1)
"""Longer than any request lives: an earlier answer that it did not arrive might be too early."""


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """What the other side is known to be able to do about a push whose outcome is unknown (BILL-5)."""

    deduplicates: bool
    """It recognises a repeated key."""
    looks_up: bool = False
    """It can be asked whether it has a charge."""


def standing_after(
    outcome: Outcome,
    *,
    tries: int,
    uncertain: bool,
    receiver: Receiver,
    looked_up: bool = False,
    now: datetime,
    chance: float,
) -> Standing:
    """Say where a charge stands after its `tries`th push since a person last released it.

    `uncertain`: an earlier push may have arrived. `looked_up`: the outcome is the answer to the question
    whether it has. `chance` is a random number from 0 up to 1.
    """
    if outcome.verdict is Verdict.ACCEPTED:
        return Standing(status=Status.ACCEPTED, receipt_id=outcome.receipt_id)
    if outcome.verdict is Verdict.REJECTED:
        return Standing(status=Status.REJECTED, reason=outcome.reason, uncertain=uncertain)
    if looked_up and outcome.verdict is Verdict.NOT_TAKEN:
        return Standing(status=Status.PENDING, reason=outcome.reason, next_attempt_at=now)
    again_at = _next_attempt(tries, outcome.retry_after_seconds, now, chance)
    if uncertain or outcome.verdict is Verdict.UNKNOWN:
        # Not taken now says nothing of the push before whose outcome is unknown.
        return _unknown(outcome, again_at, receiver, now)
    if again_at is None:
        return Standing(status=Status.HELD, reason=f"Not taken in {tries} attempts. Last: {outcome.reason}")
    return Standing(status=Status.PENDING, reason=outcome.reason, next_attempt_at=again_at)


def standing_without_a_turn(outcome: Outcome, *, uncertain: bool, since: datetime) -> Standing:
    """Leave a charge that waited for others of ours as it was, due `since` then: it keeps its place."""
    return Standing(
        status=Status.UNKNOWN if uncertain else Status.PENDING,
        reason=outcome.reason,
        next_attempt_at=since,
        uncertain=uncertain,
        costs_no_try=True,
    )


def _unknown(outcome: Outcome, again_at: datetime | None, receiver: Receiver, now: datetime) -> Standing:
    if again_at and receiver.looks_up:
        again_at, waits_for = max(again_at, now + LOOK_UP_AFTER), LOOKED_UP
    elif again_at and receiver.deduplicates:
        waits_for = SENT_AGAIN
    else:
        again_at, waits_for = None, "A person has to look it up."
    return Standing(
        status=Status.UNKNOWN,
        reason=f"{outcome.reason} {waits_for}",
        next_attempt_at=again_at,
        uncertain=True,
    )


def _next_attempt(
    tries: int, retry_after_seconds: float | None, now: datetime, chance: float
) -> datetime | None:
    if tries >= len(WAITS):
        return None
    wait = WAITS[tries] * (1 + SPREAD * chance)
    asked = min(timedelta(seconds=retry_after_seconds or 0), LONGEST_RETRY_AFTER)
    return now + max(wait, asked)


RETRACTED: Final = "Its session was retracted."


def standing_once_retracted(before: Standing, *, receiver: Receiver, now: datetime) -> Standing:
    """Say what becomes of a charge whose documentation is void (BILL-6), now that it stands as `before`.

    What the other side certainly does not have is reversed at once. What it has is reversed there. What
    it may have is asked for where that is possible, else waits for a person, unless the receiver can tell
    one push from another by its key.
    """
    if before.status in {Status.SENT, Status.REVERSED}:
        return before
    if before.uncertain and receiver.looks_up and before.status is not Status.ACCEPTED:
        reason = f"{RETRACTED} Whether the charge arrived is unknown. {LOOKED_UP}"
        at = now + LOOK_UP_AFTER
        return Standing(status=Status.UNKNOWN, reason=reason, next_attempt_at=at, uncertain=True)
    if before.status is Status.ACCEPTED or (before.uncertain and receiver.deduplicates):
        reason = f"{RETRACTED} The reversal is to be sent."
        return Standing(status=Status.PENDING, reason=reason, next_attempt_at=now, reversing=True)
    if before.uncertain:
        reason = f"{RETRACTED} Whether the charge arrived is unknown: a person has to look it up."
        return Standing(status=Status.UNKNOWN, reason=reason, uncertain=True)
    return Standing(
        status=Status.REVERSED, reason=f"{RETRACTED} It was never taken, and is not sent any more."
    )


def standing_after_reversal(after: Standing) -> Standing:
    """Read the outcome of a reversal's push, told as if it were a charge's."""
    match after.status:
        case Status.ACCEPTED:
            return replace(after, status=Status.REVERSED, reversing=True)
        case Status.REJECTED:
            reason = f"Its reversal was rejected. {after.reason}"
            return replace(after, status=Status.HELD, reason=reason, reversing=True)
        case _:
            return replace(after, reversing=True)
