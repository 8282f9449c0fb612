"""What a group is, and when it meets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr


class BadRecurrenceError(Exception):
    """The recurrence is not an RFC 5545 rule such as `FREQ=WEEKLY;BYDAY=MO,WE`."""


@dataclass(frozen=True, kw_only=True)
class Template:
    """A group: its title, where and when it meets, and how it is billed (TPL-2)."""

    id: UUID
    location_id: UUID
    title: str
    description: str
    first_on: date
    starts_at: time
    """Wall-clock time of the location: 9:00 stays 9:00 over a daylight-saving change."""
    duration_minutes: int
    recurrence: str | None
    """RFC 5545 rule; None: once, on `first_on`."""
    leader_ids: tuple[UUID, ...]
    enabled: bool
    notes_required: bool
    """Whether a present patient needs an individual note before signing (DOC-4)."""
    billing: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class WeeklyOccurrence:
    """A template's meeting on one day of the week, Monday being 1 (SCH-1)."""

    template_id: UUID
    weekday: int


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """One meeting of a group."""

    on: date
    """The date at the location: with the template, the meeting's identity."""
    starts_at: datetime


def check_recurrence(rule: str) -> None:
    """Raise `BadRecurrenceError` unless the rule is one whose meetings are whole days apart."""
    if "FREQ=" not in rule or any(
        part in rule for part in ("HOURLY", "MINUTELY", "SECONDLY", "\n", "DTSTART")
    ):
        raise BadRecurrenceError
    try:
        rrulestr(rule, dtstart=datetime(2026, 1, 1))  # noqa: DTZ001 - wall-clock time
    except (ValueError, TypeError, AttributeError):
        raise BadRecurrenceError from None


def occurrences(template: Template, zone: ZoneInfo, *, since: date, until: date) -> Iterator[Occurrence]:
    """Give the meetings from `since` to `until`, both included, as they fall at the location (TPL-3)."""
    for day in _days(template, since, until):
        local = datetime.combine(day, template.starts_at, tzinfo=zone)
        yield Occurrence(on=day, starts_at=local.astimezone(UTC))


def _days(template: Template, since: date, until: date) -> Iterator[date]:
    if template.recurrence is None:
        if since <= template.first_on <= until:
            yield template.first_on
        return
    # The rule counts in wall-clock days, so it knows nothing of daylight saving.
    rule = rrulestr(template.recurrence, dtstart=datetime.combine(template.first_on, time()))
    end = datetime.combine(until, time()) + timedelta(days=1)
    for moment in rule.xafter(datetime.combine(since, time()), inc=True):
        if moment >= end:
            return
        yield moment.date()
