"""How fast, when and in which order charges go over one connection (BILL-4): rules without I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

OPENS_AFTER: Final = 10
PROBES_AFTER_SECONDS: Final = 60
CATCHES_UP: Final = timedelta(seconds=1)
"""As long as a pusher may sleep: what it slept through is no reason to be slower than is allowed."""
MINUTE: Final = timedelta(minutes=1)


class Mode(StrEnum):
    """When a charge goes for the first time."""

    AT_ONCE = "at_once"
    DAILY = "daily"


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What a connection may be told of its pace. None is no limit."""

    mode: Mode = Mode.AT_ONCE
    daily_at: time | None = None
    window_from: time | None = None
    window_until: time | None = None
    """Before `window_from` the window goes over midnight."""
    zone: str = "UTC"
    """The IANA zone of all three."""
    at_most_at_once: int | None = None
    per_minute: int | None = None
    opens_after: int = OPENS_AFTER
    """So many messages in a row not taken, or without an answer, open the breaker."""
    probes_after_seconds: int = PROBES_AFTER_SECONDS

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """Read a pace as a connection keeps it."""
        known = {one.name for one in fields(cls)}
        facts = {name: value for name, value in kept.items() if name in known}
        times = {name: _time(facts.get(name)) for name in ("daily_at", "window_from", "window_until")}
        return cls(**facts | times | {"mode": Mode(facts.get("mode", Mode.AT_ONCE))})

    @property
    def kept(self) -> dict[str, Any]:
        """Give it as a connection keeps and shows it."""
        return {
            name: f"{value:%H:%M}" if isinstance(value, time) else value for name, value in vars(self).items()
        }

    @property
    def rhythm(self) -> str | None:
        """Say when charges go, for whoever asks why one waits; None where they go at once."""
        said = []
        if self.mode is Mode.DAILY and self.daily_at:
            said.append(f"Charges go daily at {self.daily_at:%H:%M} ({self.zone}).")
        if self.window_from and self.window_until:
            window = f"{self.window_from:%H:%M} to {self.window_until:%H:%M}"
            said.append(f"Charges go from {window} ({self.zone}).")
        return " ".join(said) or None


@dataclass(frozen=True, kw_only=True)
class Line:
    """How a connection stands; what of it several pushers must share is kept in its row."""

    failures: int = 0
    """Messages in a row that were not taken, or without an answer."""
    probe_at: datetime | None = None
    """The breaker is open, and one message may try from then on; None: it is closed."""
    free_at: datetime | None = None
    """By its pace per minute the next message may go from then on."""
    under_way: int = 0
    """Messages of all pushers, as far as `needs_under_way`."""


def needs_under_way(pace: Pace, line: Line) -> bool:
    """Tell whether `room` depends on how much is under way, which costs a look."""
    return pace.at_most_at_once is not None or line.probe_at is not None


def room(pace: Pace, line: Line, *, now: datetime, at_most: int) -> int:
    """Tell how many messages may begin now, up to `at_most`."""
    if not is_open(pace, now):
        return 0
    if line.probe_at is not None:
        # Of those that were under way when it opened each says as much as a probe would.
        return min(1, at_most) if now >= line.probe_at and line.under_way == 0 else 0
    rooms = [at_most]
    if pace.at_most_at_once is not None:
        rooms.append(pace.at_most_at_once - line.under_way)
    if pace.per_minute is not None:
        rooms.append((now - _counted_from(line, now)) // (MINUTE / pace.per_minute) + 1)
    return max(min(rooms), 0)


def is_open(pace: Pace, now: datetime) -> bool:
    """Tell whether `now` is in the connection's window: its first minute is, its last is not."""
    if pace.window_from is None or pace.window_until is None:
        return True
    local = now.astimezone(ZoneInfo(pace.zone)).time()
    if pace.window_from < pace.window_until:
        return pace.window_from <= local < pace.window_until
    return local >= pace.window_from or local < pace.window_until


def first_tries_until(pace: Pace, now: datetime) -> datetime:
    """Give the moment up to which charges must have been due to go for the first time now.

    In a daily rhythm it is the last time of day that has passed. Further tries keep their own schedule.
    """
    if pace.mode is Mode.AT_ONCE or pace.daily_at is None:
        return now
    zone = ZoneInfo(pace.zone)
    today = now.astimezone(zone).date()
    days = (datetime.combine(today - timedelta(days=back), pace.daily_at, zone) for back in (0, 1))
    # Of two moments of one zone Python compares the clocks on the wall: UTC first.
    return max(day for day in (one.astimezone(now.tzinfo) for one in days) if day <= now)


def begun(pace: Pace, line: Line, *, messages: int, now: datetime) -> Line:
    """Count messages that begin now."""
    line = replace(line, under_way=line.under_way + messages)
    if pace.per_minute is None:
        return replace(line, free_at=None)
    return replace(line, free_at=_counted_from(line, now) + messages * (MINUTE / pace.per_minute))


def ended(pace: Pace, line: Line, taken: Sequence[bool], *, now: datetime) -> Line:
    """Count how messages ended, in their order: the breaker opens, stays open, or closes."""
    for one in taken:
        line = replace(line, failures=0 if one else line.failures + 1)
        if one:
            line = replace(line, probe_at=None)
        elif line.probe_at is not None or line.failures >= pace.opens_after:
            line = replace(line, probe_at=now + timedelta(seconds=pace.probes_after_seconds))
    return replace(line, under_way=max(line.under_way - len(taken), 0))


def _counted_from(line: Line, now: datetime) -> datetime:
    earliest = now - CATCHES_UP
    return max(line.free_at, earliest) if line.free_at else now


def _time(kept: str | None) -> time | None:
    return time.fromisoformat(kept) if kept else None
