"""FHIR R4 search values: references, tokens, and dates that stand for ranges (3.1.1.4)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_

from services.charts.fhir.codes import URI_SYSTEM
from services.charts.models import chart_documentation, chart_note
from shared.web.problems import InvalidProblem

_DATE: Final = re.compile(
    r"(?P<prefix>eq|ne|gt|lt|ge|le|sa|eb)?"
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<time>\d\d:\d\d(:\d\d(\.\d{1,6})?)?)(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_CONDITIONS: Final[Mapping[str, Callable[[Any, datetime, datetime], ColumnElement[bool]]]] = {
    "eq": lambda column, low, high: and_(column >= low, column < high),
    "ne": lambda column, low, high: or_(column < low, column >= high),
    "gt": lambda column, _, high: column >= high,
    "sa": lambda column, _, high: column >= high,
    "ge": lambda column, low, _: column >= low,
    "lt": lambda column, low, _: column < low,
    "eb": lambda column, low, _: column < low,
    "le": lambda column, _, high: column < high,
}


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched for; at least a patient or one note is named."""

    patient_id: UUID | None
    note_ids: Sequence[UUID] = ()
    dates: Sequence[str] = field(default=())
    """When it was signed."""
    periods: Sequence[str] = field(default=())
    """When the session began."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Give what each wish means; raises `InvalidProblem`."""
        found = [_within(chart_documentation.c.signed_at, one, name="date") for one in self.dates]
        found += [_within(chart_note.c.held_at, one, name="period") for one in self.periods]
        found += [chart_note.c.id == one for one in self.note_ids]
        if self.patient_id is not None:
            found.append(chart_note.c.patient_id == self.patient_id)
        return found


def one_patient(*, patient: str | None, subject: str | None) -> UUID | None:
    """Give the patient that both parameters name, or the one that is there; raises `InvalidProblem`.

    FHIR joins parameters by AND: two patients have no note in common, so asking for two is a mistake.
    """
    named = {patient_of(patient, name="patient"), patient_of(subject, name="subject")} - {None}
    if len(named) > 1:
        raise _invalid("subject", "the same patient as in patient, or leave one of them out")
    return next(iter(named), None)


def patient_of(reference: str | None, *, name: str) -> UUID | None:
    """Read `Patient/id` or an id alone; raises `InvalidProblem`."""
    if reference is None:
        return None
    try:
        return UUID(reference.removeprefix("Patient/"))
    except ValueError:
        raise _invalid(name, "Patient/ and a UUID, or the UUID alone") from None


def note_of(token: str | None) -> UUID | None:
    """Read an identifier, `system|value` or the value alone; raises `InvalidProblem`."""
    if token is None:
        return None
    system, bar, value = token.rpartition("|")
    right = f"{URI_SYSTEM}|urn:uuid: and the id of a note"
    if bar and system not in {"", URI_SYSTEM}:
        raise _invalid("identifier", right)
    try:
        return UUID(value.removeprefix("urn:uuid:"))
    except ValueError:
        raise _invalid("identifier", right) from None


class NoDateError(Exception):
    """A search value is no date of FHIR, or one beyond the calendar."""


def range_of(text: str) -> tuple[str, datetime, datetime]:
    """Read a date with its prefix: all moments from the first one on, up to the second one.

    A date without a zone is one of UTC. Raises `NoDateError`.
    """
    # A plus sign in an address is read as a space.
    found = _DATE.fullmatch(text.replace(" ", "+"))
    if found is None:
        raise NoDateError
    try:
        return found["prefix"] or "eq", *_span(found)
    except (ValueError, OverflowError):
        raise NoDateError from None


def _span(found: re.Match[str]) -> tuple[datetime, datetime]:
    year, month, day, time = (found[name] for name in ("year", "month", "day", "time"))
    if time:
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{time}{found['zone'] or 'Z'}").astimezone(UTC)
        return moment, moment + _precision(time)
    low = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    try:
        return low, low + timedelta(days=1) if day else _next(low, months=1 if month else 12)
    except (ValueError, OverflowError):
        # The last day of the calendar has none after it, and is what an open end is written as.
        return low, datetime.max.replace(tzinfo=UTC)


def _precision(time: str) -> timedelta:
    seconds, _, fraction = time.partition(".")
    if fraction:
        return timedelta(seconds=10 ** -len(fraction))
    return timedelta(seconds=1) if seconds.count(":") > 1 else timedelta(minutes=1)


def _next(first: datetime, *, months: int) -> datetime:
    years, month = divmod(first.month - 1 + months, 12)
    return first.replace(year=first.year + years, month=month + 1)


def _within(column: Any, text: str, *, name: str) -> ColumnElement[bool]:
    try:
        prefix, low, high = range_of(text)
    except NoDateError:
        raise _invalid(name, "a FHIR date such as ge2026-03-10 or 2026-03-10T09:00:00-05:00") from None
    return _CONDITIONS[prefix](column, low, high)


def nobody_named() -> InvalidProblem:
    """Say that a search has to name a patient or a note."""
    return _invalid("patient", "name a patient or a note: nobody reads all charts at once")


def _invalid(name: str, right: str) -> InvalidProblem:
    return InvalidProblem(
        "Some search values can't be used; see issues.",
        errors=[{"pointer": f"query:{name}", "detail": right}],
    )
