"""What a group is, and when it meets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.sessions.templates.recurrence import days_of_rule


class Modality(StrEnum):
    """How a group meets."""

    IN_PERSON = "in_person"
    TELEHEALTH = "telehealth"


@dataclass(frozen=True, kw_only=True)
class OccurrenceChange:
    """One occurrence that was moved or cancelled, the series being as it was (TPL-5)."""

    location_id: UUID
    on: date
    """The day on which the series has it."""
    moved_to: date | None
    """The day on which it is held instead, the same one too; None: it is cancelled."""
    starts_at: time | None


@dataclass(frozen=True, kw_only=True)
class Template:
    """A group: its title, where and when it meets, and how it is billed (TPL-2)."""

    id: UUID
    home_id: UUID
    """The location at which it was made: ids of its sessions there are made without a location."""
    location_ids: tuple[UUID, ...]
    """Where it meets now: one occurrence, and one session, for each of them."""
    title: str
    description: str
    first_on: date
    starts_at: time
    """Wall-clock time of each location: 9:00 stays 9:00 over a daylight-saving change."""
    duration_minutes: int
    recurrence: str | None
    """RFC 5545 rule; None: once, on `first_on`."""
    leader_ids: tuple[UUID, ...]
    enabled: bool
    notes_required: bool
    """Whether a present patient needs an individual note before signing (DOC-4)."""
    billing: Mapping[str, Any] | None
    caseload: bool = False
    """One session per therapist and occurrence, for that therapist's caseload (TPL-4)."""
    topic: str = ""
    note: str = ""
    """Topic and group note that a session begins with."""
    capacity: int | None = None
    """How many patients a session takes; beyond it they wait (SCH-6)."""
    modality: Modality = Modality.IN_PERSON
    link: str | None = None
    exceptions: tuple[date, ...] = ()
    """Days of the rule on which the group does not meet: EXDATE of RFC 5545."""
    changes: tuple[OccurrenceChange, ...] = ()

    def meets_as(self, other: "Template") -> bool:
        """Whether it meets when and where another one does, and for whom."""
        return all(getattr(self, name) == getattr(other, name) for name in _WHEN_AND_WHERE)

    def place_of(self, location_id: UUID | None) -> UUID:
        """Give where a patient of a location sits in a caseload group: there, or at its first one (TPL-4)."""
        return location_id if location_id in self.location_ids else self.location_ids[0]


_WHEN_AND_WHERE: Final = (
    "location_ids",
    "first_on",
    "starts_at",
    "duration_minutes",
    "recurrence",
    "exceptions",
    "enabled",
    "caseload",
)


@dataclass(frozen=True, kw_only=True)
class WeeklyOccurrence:
    """A template's meeting on one day of the week, Monday being 1 (SCH-1)."""

    template_id: UUID
    weekday: int


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A named choice of weekly occurrences, all of them at one location."""

    id: UUID
    location_id: UUID
    title: str
    occurrences: tuple[WeeklyOccurrence, ...]


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """One meeting of a group."""

    on: date
    """The day on which the series has it: with the template, the meeting's identity."""
    held_on: date
    """The date at the location, another one than `on` when it was moved."""
    starts_at: datetime


def occurrences(
    template: Template, location_id: UUID, zone: ZoneInfo, *, since: date, until: date
) -> Iterator[Occurrence]:
    """Give the meetings held from `since` to `until`, both included, as they fall at one location (TPL-3).

    A time that a clock change skips is the one an hour later; of one that it repeats, the first is meant.
    """
    changed = {change.on: change for change in template.changes if change.location_id == location_id}
    for day in _days(template, since, until):
        if day not in changed:
            yield _occurrence(zone, on=day, held_on=day, starts_at=template.starts_at)
    for change in changed.values():
        held_on = change.moved_to
        if held_on is not None and since <= held_on <= until and meets_on(template, change.on):
            starts_at = change.starts_at or template.starts_at
            yield _occurrence(zone, on=change.on, held_on=held_on, starts_at=starts_at)


def meets_on(template: Template, day: date) -> bool:
    """Whether the series has an occurrence on that day, moved or cancelled ones included."""
    return next(_days(template, day, day), None) is not None


def _occurrence(zone: ZoneInfo, *, on: date, held_on: date, starts_at: time) -> Occurrence:
    # `fold` is 0 as it stands: RFC 5545 means the first of two, and the offset before a gap.
    local = datetime.combine(held_on, starts_at, tzinfo=zone)
    return Occurrence(on=on, held_on=held_on, starts_at=local.astimezone(UTC))


def _days(template: Template, since: date, until: date) -> Iterator[date]:
    return (day for day in _days_of_rule(template, since, until) if day not in template.exceptions)


def _days_of_rule(template: Template, since: date, until: date) -> Iterator[date]:
    if template.recurrence is None:
        if since <= template.first_on <= until:
            yield template.first_on
        return
    # The rule counts in wall-clock days, so it knows nothing of daylight saving.
    yield from days_of_rule(template.recurrence, template.first_on, since=since, until=until)
