"""When patients would sit in which sessions, as far ahead as overlaps are looked for (SCH-4)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_

from services.sessions.directory.models import CARE_TEAM_MEMBER, PATIENT
from services.sessions.scheduling.domain import PlannedSession, Status
from services.sessions.scheduling.generation import planned_sessions
from services.sessions.scheduling.models import ASSIGNMENT, SESSION
from services.sessions.scheduling.overlaps import Meeting
from services.sessions.scheduling.repository import load_zones
from services.sessions.templates.domain import Template, WeeklyOccurrence
from services.sessions.templates.models import SCHEDULE, SCHEDULE_OCCURRENCE
from services.sessions.templates.repository import load_enabled_templates
from shared.database.transactions import Transaction

LOOKED_AHEAD: Final = timedelta(days=366)
"""Beyond the last start: in a year all monthly series meet, and most weekly ones of different intervals."""

BEGINS_WITHIN: Final = timedelta(days=366)
"""So far ahead a caseload group's beginning is looked for: no session is made later than that."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Sessions of one template at one location that somebody is assigned to."""

    template_id: UUID
    location_id: UUID
    weekday: int | None
    """ISO 8601, of the day on which the series has it; None: all days."""
    starts_on: date
    ends_on: date | None
    therapist_id: UUID | None = None
    first_on: date = date.min
    """From when on the series goes, where that may be later."""

    @property
    def begins_on(self) -> date:
        """The day from which on it comes to something."""
        return max(self.starts_on, self.first_on)


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """The sessions of all templates in some days; each template is looked through once."""

    templates: Mapping[UUID, Template]
    zones: Mapping[UUID, ZoneInfo]
    since: date
    until: date
    _sessions: dict[tuple[UUID, UUID, UUID | None], list[PlannedSession]] = field(default_factory=dict)

    def meetings(self, claims: Iterable[Claim]) -> Iterator[Meeting]:
        """Give what the claims come to."""
        for claim in claims:
            for one in self._of(claim.template_id, claim.location_id, claim.therapist_id):
                day = (one.moved_from or one.held_on).isoweekday()
                runs = claim.starts_on <= one.held_on <= (claim.ends_on or date.max)
                if runs and claim.weekday in {None, day}:
                    yield meeting_of(one)

    def _of(self, template_id: UUID, location_id: UUID, therapist_id: UUID | None) -> list[PlannedSession]:
        key = (template_id, location_id, therapist_id)
        if key not in self._sessions:
            self._sessions[key] = list(self._planned(*key))
        return self._sessions[key]

    def _planned(
        self, template_id: UUID, location_id: UUID, therapist_id: UUID | None
    ) -> Iterator[PlannedSession]:
        template = self.templates.get(template_id)
        if template is not None and location_id in template.location_ids:
            yield from planned_sessions(
                template,
                location_id,
                self.zones[location_id],
                since=self.since,
                until=self.until,
                therapists={therapist_id: None} if therapist_id else {},
            )


def meeting_of(session: Any) -> Meeting:
    """Give when a planned session, or a row of one, takes place."""
    ends_at = session.starts_at + timedelta(minutes=session.duration_minutes)
    return Meeting(
        session_id=session.id,
        template_id=session.template_id,
        title=session.title,
        starts_at=session.starts_at,
        ends_at=ends_at,
    )


async def load_timetable(db: Transaction, *, since: date, until: date) -> Timetable:
    """Give the timetable of all templates that yield sessions."""
    templates = {one.id: one for one in await load_enabled_templates(db)}
    return Timetable(templates=templates, zones=await load_zones(db), since=since, until=until)


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What some patients have: parts of series, and single sessions."""

    series: Mapping[UUID, Sequence[Claim]]
    single: Mapping[UUID, Sequence[Meeting]]

    @property
    def last_start(self) -> date:
        """The last day on which any of it begins."""
        return max((one.begins_on for many in self.series.values() for one in many), default=date.min)


async def load_claims(
    db: Transaction, patient_ids: Collection[UUID], *, since: date, without: Collection[UUID] = ()
) -> Claims:
    """Give what patients have from a day on, caseload groups included, some assignments left out."""
    one = ASSIGNMENT
    rows = await db.all(
        db.rows_of(one).where(
            one.c.patient_id.in_(patient_ids),
            or_(one.c.ends_on.is_(None), one.c.ends_on >= since),
            one.c.id.not_in(without),
        )
    )
    weekly = await _weekly(db, {row.schedule_id for row in rows if row.schedule_id})
    meetings = await load_meetings(db, {row.session_id for row in rows if row.session_id})
    series: dict[UUID, list[Claim]] = {}
    single: dict[UUID, list[Meeting]] = {}
    for row in rows:
        if row.session_id is not None:
            single.setdefault(row.patient_id, []).extend(
                meetings[row.session_id] for _ in range(row.session_id in meetings)
            )
            continue
        group = (row.template_id, row.location_id, None)
        parts = weekly.get(row.schedule_id, []) if row.schedule_id else [group]
        series.setdefault(row.patient_id, []).extend(
            Claim(
                template_id=template_id,
                location_id=location_id,
                weekday=weekday,
                starts_on=row.starts_on,
                ends_on=row.ends_on,
            )
            for template_id, location_id, weekday in parts
        )
    for patient_id, claims in (await _caseload_claims(db, patient_ids, since)).items():
        series.setdefault(patient_id, []).extend(claims)
    return Claims(series=series, single=single)


async def _weekly(db: Transaction, ids: Collection[UUID]) -> dict[UUID, list[tuple[UUID, UUID, int | None]]]:
    entry = SCHEDULE_OCCURRENCE
    named = db.rows_of(entry, entry, SCHEDULE.c.location_id).join(
        SCHEDULE, SCHEDULE.c.id == entry.c.schedule_id
    )
    weekly: dict[UUID, list[tuple[UUID, UUID, int | None]]] = {}
    for row in await db.all(named.where(entry.c.schedule_id.in_(ids))):
        part = (row.template_id, row.location_id, row.weekday)
        weekly.setdefault(row.schedule_id, []).append(part)
    return weekly


async def load_meetings(db: Transaction, session_ids: Collection[UUID]) -> dict[UUID, Meeting]:
    """Give when single sessions are, but for cancelled ones."""
    held = (SESSION.c.id.in_(session_ids), SESSION.c.status != Status.CANCELLED.value)
    return {row.id: meeting_of(row) for row in await db.all(db.rows_of(SESSION).where(*held))}


async def _caseload_claims(
    db: Transaction, patient_ids: Collection[UUID], since: date
) -> dict[UUID, list[Claim]]:
    care = CARE_TEAM_MEMBER
    primary = db.rows_of(care, care.c.patient_id, care.c.user_id, PATIENT.c.location_id)
    primary = primary.join(PATIENT, PATIENT.c.id == care.c.patient_id)
    rows = await db.all(primary.where(care.c.primary_therapist, care.c.patient_id.in_(patient_ids)))
    templates = [one for one in await load_enabled_templates(db) if one.caseload] if rows else []
    return {
        row.patient_id: [
            Claim(
                template_id=one.id,
                location_id=one.place_of(row.location_id),
                weekday=None,
                starts_on=since,
                ends_on=None,
                therapist_id=row.user_id,
                first_on=min(one.first_on, since + BEGINS_WITHIN),
            )
            for one in templates
        ]
        for row in rows
    }


def claims_of(
    occurrences: Iterable[WeeklyOccurrence], *, location_id: UUID, starts_on: date, ends_on: date | None
) -> list[Claim]:
    """Give what a schedule of a location claims."""
    return [
        Claim(
            template_id=one.template_id,
            location_id=location_id,
            weekday=one.weekday,
            starts_on=starts_on,
            ends_on=ends_on,
        )
        for one in occurrences
    ]


async def patients_of_schedule(db: Transaction, schedule_id: UUID, *, since: date) -> list[Any]:
    """Give the assignments to a schedule that have not ended by a day."""
    one = ASSIGNMENT
    running = or_(one.c.ends_on.is_(None), one.c.ends_on >= since)
    mine = db.rows_of(one).where(one.c.schedule_id == schedule_id, running)
    return list(await db.all(mine.order_by(one.c.patient_id)))
