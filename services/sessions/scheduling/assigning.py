"""Assigning patients to schedules, groups and single sessions, and ending it (SCH-2 to SCH-5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_patients
from services.sessions.directory.use_cases import permit
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.assignments import (
    drop_assignment,
    load_assignment,
    load_upcoming_session,
    set_end,
    store_assignments,
)
from services.sessions.scheduling.overlaps import Clash, Meeting, clashes
from services.sessions.scheduling.repository import load_zones, lock_planning
from services.sessions.scheduling.timetable import (
    LOOKED_AHEAD,
    Claim,
    claims_of,
    load_claims,
    load_timetable,
    meeting_of,
)
from services.sessions.templates.domain import Template
from services.sessions.templates.repository import load_living_templates, load_schedules
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.bodies import etag_of
from shared.web.identity import Identity
from shared.web.preconditions import refuse_stale, require_match
from shared.web.problems import ConflictProblem

STARTS_WITHIN: Final = timedelta(days=366)
"""Before or after today: overlaps are looked for from the start on."""

NAMED_AT_MOST: Final = 100
"""So many clashes are listed; a year of a daily group would not help anybody."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """Patients, and all that they are to be assigned to together."""

    patient_ids: Sequence[UUID]
    schedule_ids: Sequence[UUID] = ()
    template_ids: Sequence[UUID] = ()
    location_id: UUID | None = None
    """At which location of the groups; None: they have one each."""
    session_ids: Sequence[UUID] = ()
    starts_on: date | None = None
    """None: today at the location."""
    ends_on: date | None = None


async def assign(database: Database, identity: Identity, order: Order, *, clock: Clock) -> list[UUID]:
    """Enrol patients in all that is named, later sessions included; give the ids of the assignments.

    Raises `ConflictProblem`, and assigns nobody, when one of them is not in treatment (SCH-5), or
    would sit in two sessions at once: then every clash is named (SCH-4).
    """
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.ASSIGN_SCHEDULES)
        await require_group_sessions(db)
        await lock_planning(db)
        wanted = await _wanted(db, order, now=clock())
        await _require_in_treatment(db, order.patient_ids, wanted.first_day)
        patient_ids = list(dict.fromkeys(order.patient_ids))
        await require_no_clash(db, dict.fromkeys(patient_ids, wanted.claims), single=wanted.meetings)
        rows = [
            thing | {"id": new_id(), "patient_id": patient_id, "assigned_at": clock()}
            for patient_id in patient_ids
            for thing in wanted.things
        ]
        ids = await store_assignments(db, rows)
        things = {*order.schedule_ids, *order.template_ids, *order.session_ids}
        subject = next(iter(things)) if len(things) == 1 else db.instance_id
        only = patient_ids[0] if len(patient_ids) == 1 else None
        await _record(db, identity, "schedule.assigned", subject, clock(), patient_id=only)
    return ids


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    first_day: date
    claims: Sequence[Claim]
    meetings: Sequence[Meeting]
    things: Sequence[dict[str, Any]]


async def _wanted(db: Transaction, order: Order, *, now: datetime) -> _Wanted:
    schedules = await load_schedules(db, order.schedule_ids)
    templates = await load_living_templates(db, order.template_ids)
    if any(one.caseload for one in templates.values()):
        raise ConflictProblem(
            "A caseload group has its patients from the care teams; nobody is assigned to it."
        )
    groups = _groups(templates.values(), order.location_id)
    sessions = [await load_upcoming_session(db, one) for one in order.session_ids]
    zones = await load_zones(db)
    places = [*(one.location_id for one in (*schedules.values(), *sessions)), *groups.values()]
    today = now.astimezone(zones[places[0]]).date()
    starts_on = order.starts_on or today
    _require_near(starts_on, today)
    if order.ends_on is not None and order.ends_on < starts_on:
        raise ConflictProblem(f"It would end before it starts, which is on {starts_on}.")
    days = {"starts_on": starts_on, "ends_on": order.ends_on}
    claims = [
        one
        for it in schedules.values()
        for one in claims_of(it.occurrences, location_id=it.location_id, **days)  # type: ignore[arg-type]
    ]
    claims += [
        Claim(template_id=one, location_id=place, weekday=None, **days)  # type: ignore[arg-type]
        for one, place in groups.items()
    ]
    things = [_thing("schedule_id", one, **days) for one in schedules]
    things += [_thing("template_id", one, location_id=place, **days) for one, place in groups.items()]
    things += [_thing("session_id", one.id, starts_on=one.held_on) for one in sessions]
    first_days = [starts_on] if claims or schedules else []
    return _Wanted(
        first_day=max([*first_days, *(one.held_on for one in sessions)]),
        claims=claims,
        meetings=[meeting_of(one) for one in sessions],
        things=things,
    )


def _require_near(starts_on: date, today: date) -> None:
    first, last = today - STARTS_WITHIN, today + STARTS_WITHIN
    if not first <= starts_on <= last:
        raise ConflictProblem(
            f"An assignment starts within {STARTS_WITHIN.days} days of today.",
            errors=[{"pointer": "#/starts_on", "detail": f"must be between {first} and {last}"}],
        )


def _groups(templates: Iterable[Template], location_id: UUID | None) -> dict[UUID, UUID]:
    """Give at which location each of these groups is meant."""
    unclear = "say at which one by location_id: the group meets at several"
    elsewhere = "one of the groups does not meet there"
    groups: dict[UUID, UUID] = {}
    for one in templates:
        named = location_id or (one.location_ids[0] if len(one.location_ids) == 1 else None)
        if named not in one.location_ids:
            detail = unclear if named is None else elsewhere
            raise ConflictProblem(
                "A patient is assigned to a group at one of its locations.",
                errors=[{"pointer": "#/location_id", "detail": detail}],
            )
        groups[one.id] = named
    return groups


def _thing(kind: str, thing_id: UUID, **facts: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("schedule_id", "template_id", "location_id", "session_id", "ends_on"))
    return nothing | {kind: thing_id} | facts


async def _require_in_treatment(db: Transaction, patient_ids: Sequence[UUID], day: date) -> None:
    patients = await load_patients(db, patient_ids)
    gone = [number for number, one in enumerate(patient_ids) if not patients[one].in_treatment_on(day)]
    if gone:
        raise ConflictProblem(
            "Some of these patients are not in treatment on the first day; nobody was assigned.",
            errors=[
                {"pointer": f"#/patient_ids/{number}", "detail": f"is not in treatment on {day}"}
                for number in gone
            ],
        )


async def require_no_clash(
    db: Transaction,
    claims: Mapping[UUID, Sequence[Claim]],
    *,
    single: Sequence[Meeting] = (),
    without: Sequence[UUID] = (),
) -> None:
    """Raise `ConflictProblem` that lists the clashing sessions, if what patients would get overlaps (SCH-4).

    `claims` are by patient, `single` is for all of them; the assignments `without` are not counted as had.
    """
    days = [one.starts_on for many in claims.values() for one in many]
    days += [one.starts_at.date() for one in single]
    # A day earlier than the first: a session of the evening before may go on past midnight.
    since = min(days, default=date.max) - timedelta(days=1)
    had = await load_claims(db, list(claims), since=since, without=without)
    until = max([*days, had.last_start], default=since) + LOOKED_AHEAD
    timetable = await load_timetable(db, since=since, until=until)
    errors = list[dict[str, str]]()
    for number, (patient_id, wanted) in enumerate(claims.items()):
        existing = [*timetable.meetings(had.series.get(patient_id, ())), *had.single.get(patient_id, ())]
        mine = {one.session_id for one in existing}
        new = [one for one in [*timetable.meetings(wanted), *single] if one.session_id not in mine]
        errors += _named(number, clashes(new, existing))
    if errors:
        raise ConflictProblem(
            f"Nobody was assigned: sessions would overlap {len(errors)} times; errors names the first.",
            errors=errors[:NAMED_AT_MOST],
        )


def _named(number: int, found: Iterable[Clash]) -> list[dict[str, str]]:
    return [
        {
            "pointer": f"#/patient_ids/{number}",
            "detail": f"{one.first.words} overlaps {one.second.words}",
            "session_id": str(one.first.session_id),
            "overlaps_session_id": str(one.second.session_id),
        }
        for one in found
    ]


async def change_end(
    database: Database,
    identity: Identity,
    assignment_id: UUID,
    ends_on: date | None,
    *,
    if_match: str | None,
    clock: Clock,
) -> int:
    """Set the last day of an assignment; a later one is refused where sessions overlap (SCH-4, SCH-5).

    Gives its new version. Raises `PreconditionNeededProblem`, `StaleProblem` or `ConflictProblem`.
    """
    async with database.writing(identity.instance_id) as db:
        row = await _assignment(db, identity, assignment_id)
        require_match(if_match, etag_of(row.version))
        if row.session_id is not None:
            raise ConflictProblem("One session has no other end; delete the assignment.")
        if ends_on is not None and ends_on < row.starts_on:
            raise ConflictProblem("An assignment does not end before it starts; delete it instead.")
        if row.ends_on is not None and (ends_on is None or ends_on > row.ends_on):
            later = {"starts_on": row.ends_on + timedelta(days=1), "ends_on": ends_on}
            await require_no_clash(db, {row.patient_id: await _claims(db, row, **later)}, without=[row.id])
        await set_end(db, row, ends_on, at=clock())
        await _record(db, identity, "assignment.changed", row.id, clock(), patient_id=row.patient_id)
    return int(row.version) + 1


async def _claims(db: Transaction, row: Any, *, starts_on: date, ends_on: date | None) -> list[Claim]:
    if row.schedule_id is None:
        group = Claim(
            template_id=row.template_id,
            location_id=row.location_id,
            weekday=None,
            starts_on=starts_on,
            ends_on=ends_on,
        )
        return [group]
    schedule = (await load_schedules(db, [row.schedule_id]))[row.schedule_id]
    return claims_of(
        schedule.occurrences, location_id=schedule.location_id, starts_on=starts_on, ends_on=ends_on
    )


async def end_assignment(
    database: Database, identity: Identity, assignment_id: UUID, *, if_match: str | None, clock: Clock
) -> None:
    """End an assignment now: from today on the patient is expected no more; past rosters stay (SCH-5)."""
    async with database.writing(identity.instance_id) as db:
        row = await _assignment(db, identity, assignment_id)
        refuse_stale(if_match, etag_of(row.version))
        zones = await load_zones(db)
        # The earliest today of any location: nobody loses a day that has not come there yet.
        yesterday = min(clock().astimezone(zone).date() for zone in zones.values()) - timedelta(days=1)
        if row.starts_on > yesterday:
            await drop_assignment(db, row.id)
        elif row.ends_on is None or row.ends_on > yesterday:
            await set_end(db, row, yesterday, at=clock())
        await _record(db, identity, "assignment.ended", row.id, clock(), patient_id=row.patient_id)


async def _assignment(db: Transaction, identity: Identity, assignment_id: UUID) -> Any:
    await permit(db, identity, Action.ASSIGN_SCHEDULES)
    await require_group_sessions(db)
    await lock_planning(db)
    return await load_assignment(db, assignment_id)


async def _record(
    db: Transaction, identity: Identity, action: str, subject: UUID, at: datetime, *, patient_id: UUID | None
) -> None:
    await record_access(
        db, TRAIL, at=at, user_id=identity.user_id, action=action, subject=subject, patient_id=patient_id
    )
