"""Nobody can sit in two groups at once: which meetings overlap (SCH-4). Plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """When somebody would sit in which session."""

    session_id: UUID
    template_id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    """Exclusive: the next one may begin at this moment."""

    @property
    def words(self) -> str:
        """Say which one it is, for a refusal."""
        return f"{self.title} ({self.starts_at:%Y-%m-%dT%H:%MZ} to {self.ends_at:%H:%MZ})"


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Two sessions at once; `first` begins first."""

    first: Meeting
    second: Meeting


def clashes(new: Iterable[Meeting], existing: Iterable[Meeting]) -> list[Clash]:
    """Give every overlap of a new meeting with another new one or with one that is there, by start.

    A session that is named twice is one and does not clash with itself; what overlaps among the existing
    ones is not new and not reported.
    """
    new = list(new)
    fresh = {one.session_id for one in new}
    meetings = {one.session_id: one for one in [*existing, *new]}
    found, running = list[Clash](), list[Meeting]()
    for meeting in sorted(meetings.values(), key=lambda one: (one.starts_at, one.ends_at, one.session_id)):
        running = [one for one in running if one.ends_at > meeting.starts_at]
        found += [
            Clash(first=one, second=meeting)
            for one in running
            if one.session_id in fresh or meeting.session_id in fresh
        ]
        running.append(meeting)
    return found
