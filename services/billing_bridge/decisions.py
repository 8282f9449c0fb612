"""What a person may decide about a charge, and where that takes it (BILL-5, BILL-6, BILL-7)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.billing_bridge.domain import Charge, never_billable
from services.billing_bridge.outcomes import Standing, Status


class Decision(StrEnum):
    """What a person decides."""

    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    CONFIRM = "confirm"


ALLOWED: Final = {
    Decision.HOLD: frozenset({Status.PENDING, Status.UNKNOWN}),
    Decision.RELEASE: frozenset({Status.HELD, Status.UNKNOWN, Status.REJECTED}),
    Decision.CANCEL: frozenset({Status.PENDING, Status.HELD, Status.UNKNOWN, Status.REJECTED}),
    Decision.CONFIRM: frozenset({Status.UNKNOWN}),
}
DONE: Final = {
    Decision.HOLD: "held",
    Decision.RELEASE: "released",
    Decision.CANCEL: "cancelled",
    Decision.CONFIRM: "confirmed",
}


class DecisionRefusedError(Exception):
    """The charge's state does not allow the decision; the text says what would be right."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A person's decision with its reason."""

    decision: Decision
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Before:
    """Where the charge stands."""

    status: Status
    uncertain: bool
    retracted: bool
    reversing: bool


def standing_decided(before: Before, charge: Charge, decided: Decided) -> Standing:
    """Say where a decision takes a charge; raises `DecisionRefusedError`."""
    allowed = ALLOWED[decided.decision]
    if before.status not in allowed:
        names, done = ", ".join(sorted(allowed)), DONE[decided.decision]
        message = f"This charge is {before.status}; only these can be {done}: {names}."
        raise DecisionRefusedError(message)
    match decided.decision:
        case Decision.HOLD:
            return _held(before, decided)
        case Decision.RELEASE:
            return _released(before, charge, decided)
        case Decision.CANCEL:
            return _cancelled(before, decided)
        case Decision.CONFIRM:
            return _confirmed(before, decided)


def _held(before: Before, decided: Decided) -> Standing:
    return Standing(
        status=Status.HELD, reason=decided.reason, uncertain=before.uncertain, reversing=before.reversing
    )


def _released(before: Before, charge: Charge, decided: Decided) -> Standing:
    """Of a charge whose session was retracted it is the reversal that is pushed, never the charge."""
    if not before.retracted and (fault := never_billable(charge)):
        message = f"This charge can't be billed as it is: {fault}. Bill it by hand, or hold it."
        raise DecisionRefusedError(message)
    return Standing(
        status=Status.PENDING,
        reason=decided.reason,
        next_attempt_at=decided.at,
        reversing=before.retracted,
    )


def _cancelled(before: Before, decided: Decided) -> Standing:
    """Of what may have arrived the person vouches that it is not there, or was reversed by hand."""
    return Standing(status=Status.REVERSED, reason=f"Cancelled: {decided.reason}", reversing=before.reversing)


def _confirmed(before: Before, decided: Decided) -> Standing:
    """The person has found it at the other side."""
    reason = f"Found at the other side: {decided.reason}"
    if before.reversing:
        return Standing(status=Status.REVERSED, reason=reason, reversing=True)
    if before.retracted:
        return Standing(status=Status.PENDING, reason=reason, next_attempt_at=decided.at, reversing=True)
    return Standing(status=Status.ACCEPTED, reason=reason)
