"""Why a charge does not go on by itself, as it is now: said when it is looked at, so that it stays true."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from services.billing_bridge.outcomes import LOOKED_UP, SENT_AGAIN, Status

NUMBERED: Final = re.compile(r"\b\d+ (minutes|units|attempts)\b|\b(group of) \d+")
BROKEN: Final = "The billing system did not take what was sent last: one message at a time tries it."
BEHIND: Final = "It waits for this patient's earlier charge."
ELSEWHERE: Final = "The connection's address has changed since"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A charge and its connection, as far as they say whether it goes on."""

    system: str
    status: Status
    reason: str | None
    scheduled: bool
    reversing: bool
    connected: bool
    active: bool
    paused_because: str | None
    knows_keys: bool
    """The receiver is known to tell a repeated push from a new one, or can be asked what it has."""
    rhythm: str | None
    """When charges go over this connection; None is at once."""
    broken: bool
    """The breaker is open: one message at a time tries the line."""
    is_where_it_went: bool
    """The address is still the one of the last attempt."""
    behind: bool = False
    """An earlier charge of the same patient is not settled there yet, and the order counts."""

    @property
    def goes_by_itself(self) -> bool:
        """Tell whether it is pushed again without a person."""
        if not (self.scheduled and self.active):
            return False
        if self.status is Status.UNKNOWN:
            return self.knows_keys and self.is_where_it_went
        return self.is_where_it_went or not self.reversing

    @property
    def told(self) -> str | None:
        """Give the reason as it is true now."""
        if self.goes_by_itself:
            return " ".join(filter(None, (self.reason, *self._slowed_by))) or None
        if not self.scheduled or self.status not in {Status.PENDING, Status.UNKNOWN}:
            return self.reason
        said = (self.reason or "").replace(f" {SENT_AGAIN}", "").replace(f" {LOOKED_UP}", "")
        return f"{said} {self._hindrance}".strip()

    @property
    def _slowed_by(self) -> Iterator[str]:
        if self.broken:
            yield BROKEN
        if self.behind:
            yield BEHIND
        if self.rhythm and self.status is Status.PENDING:
            yield self.rhythm

    @property
    def _hindrance(self) -> str:
        if not self.connected:
            return f"No billing system {self.system} is connected. It goes when one is."
        if not self.is_where_it_went and (self.reversing or self.status is Status.UNKNOWN):
            what = "the reversal can't be sent there" if self.reversing else "it is not sent again"
            return f"{ELSEWHERE}: {what}. A person has to look it up."
        if self.status is Status.UNKNOWN and not self.knows_keys:
            return "The receiver is no longer known to deduplicate. A person has to look it up."
        why = f": {self.paused_because}" if self.paused_because else "."
        return f"The connection is paused{why} It goes when the connection is resumed."

    @property
    def cause(self) -> str:
        """Give the reason without the counts that differ from charge to charge: what they have in common."""
        return NUMBERED.sub(lambda found: f"… {found[1]}" if found[1] else f"{found[2]} …", self.told or "")

    @property
    def group(self) -> str:
        """Name the group of all charges of one system that stand alike for the same cause."""
        return sha256(f"{self.system}|{self.status}|{self.cause}".encode()).hexdigest()[:16]
