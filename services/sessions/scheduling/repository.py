"""Reading and writing planned sessions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, delete, func, or_, update

from services.sessions.configuration.models import INSTANCE
from services.sessions.directory.models import CARE_TEAM_MEMBER, LOCATION, PATIENT
from services.sessions.scheduling.domain import PlannedSession, Status
from services.sessions.scheduling.group_notes import sealed_session
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.sealed_columns import GROUP_NOTES
from services.sessions.stream.changes import Part, SessionChange, note_changes
from services.sessions.templates.domain import Template
from shared.database.bulk import insert_new
from shared.database.transactions import Transaction

_FACTS: Final = (
    "held_on",
    "moved_from",
    "title",
    "starts_at",
    "duration_minutes",
    "topic",
    "description",
)
"""What of a session follows its template until it starts."""


@dataclass(frozen=True, kw_only=True)
class KnownSession:
    """A session that is there already."""

    id: UUID
    template_id: UUID
    location_id: UUID
    held_on: date
    status: Status
    facts: Mapping[str, Any]


async def lock_planning(db: Transaction) -> None:
    """Wait until nobody else plans sessions or assigns patients in this instance."""
    # SQLite's writers queue at their start anyhow.
    await db.all(db.rows_of(INSTANCE, INSTANCE.c.instance_id).with_for_update())


async def load_zones(db: Transaction) -> dict[UUID, ZoneInfo]:
    """Give the time zone of each location."""
    rows = await db.all(db.rows_of(LOCATION, LOCATION.c.id, LOCATION.c.time_zone))
    return {row.id: ZoneInfo(row.time_zone) for row in rows}


@dataclass(frozen=True, kw_only=True)
class InCaseload:
    """One patient of a therapist's caseload."""

    therapist_id: UUID
    location_id: UUID | None
    until: date | None
    """The last day in treatment; None: no end known."""


async def load_caseloads(db: Transaction) -> list[InCaseload]:
    """Give all patients who have a Primary Therapist, by therapist."""
    care, patient = CARE_TEAM_MEMBER, PATIENT
    columns = (care.c.user_id, patient.c.location_id, patient.c.deceased_on, patient.c.discharged_on)
    statement = (
        db.rows_of(care, *columns)
        .join(patient, patient.c.id == care.c.patient_id)
        .where(care.c.primary_therapist)
        .order_by(care.c.user_id)
    )
    return [_in_caseload(row) for row in await db.all(statement)]


def _in_caseload(row: Any) -> InCaseload:
    # As `Patient.in_treatment_on` has it: the day of discharge counts, the day of death does not.
    dead = row.deceased_on
    alive_until = None if dead is None else date.fromordinal(max(dead.toordinal() - 1, 1))
    until = min(filter(None, (alive_until, row.discharged_on)), default=None)
    return InCaseload(therapist_id=row.user_id, location_id=row.location_id, until=until)


def therapists_at(
    template: Template, location_id: UUID, caseloads: Iterable[InCaseload]
) -> dict[UUID, date | None]:
    """Give the therapists with a caseload at a location, and the last day on which they have one (TPL-4)."""
    last: dict[UUID, date | None] = {}
    for one in caseloads:
        if template.place_of(one.location_id) == location_id:
            before = last.get(one.therapist_id, date.min)
            last[one.therapist_id] = None if one.until is None or before is None else max(one.until, before)
    return last


async def load_known_sessions(
    db: Transaction, *, since: date, moved: Collection[UUID] = ()
) -> dict[UUID, KnownSession]:
    """Give the sessions held from a day on, and the ones named whenever they are."""
    columns = (SESSION.c[name] for name in ("id", "template_id", "location_id", "status", *_FACTS))
    which = or_(SESSION.c.held_on >= since, SESSION.c.id.in_(moved))
    return {
        row.id: KnownSession(
            id=row.id,
            template_id=row.template_id,
            location_id=row.location_id,
            held_on=row.held_on,
            status=Status(row.status),
            facts=GROUP_NOTES.opened(db.fields, {name: getattr(row, name) for name in _FACTS}, row=row.id),
        )
        for row in await db.all(db.rows_of(SESSION, *columns).where(which))
    }


async def started_on(db: Transaction, template_id: UUID, on: date, places: Collection[UUID]) -> list[Status]:
    """Give in which statuses an occurrence's started sessions are, by the day that the series has it on.

    None of its sessions starts until the transaction ends.
    """
    rows = db.rows_of(SESSION, SESSION.c.status).where(
        SESSION.c.template_id == template_id,
        SESSION.c.location_id.in_(places),
        func.coalesce(SESSION.c.moved_from, SESSION.c.held_on) == on,
    )
    found = {Status(row.status) for row in await db.all(rows.order_by(SESSION.c.id).with_for_update())}
    return sorted(found - {Status.UPCOMING, Status.CANCELLED})


async def add_sessions(db: Transaction, sessions: Sequence[PlannedSession]) -> None:
    """Store new sessions with their leaders."""
    await insert_new(db.connection, SESSION, [_session_row(db, one) for one in sessions])
    await insert_new(db.connection, SESSION_LEADER, _leader_rows(db, sessions))
    await _note_planned(db, [one.id for one in sessions])


async def _note_planned(db: Transaction, ids: Sequence[UUID]) -> None:
    await note_changes(db, [SessionChange(session_id=one, part=Part.PLAN) for one in ids])


def _leader_rows(db: Transaction, sessions: Sequence[PlannedSession]) -> list[dict[str, Any]]:
    return [
        {"session_id": one.id, "user_id": user_id, "instance_id": db.instance_id, "position": position}
        for one in sessions
        for position, user_id in enumerate(one.leader_ids)
    ]


def planned_facts(one: PlannedSession) -> dict[str, Any]:
    """Give what of a session follows its template until it starts."""
    return {name: getattr(one, name) for name in _FACTS}


def _sealed_facts(db: Transaction, one: PlannedSession) -> dict[str, Any]:
    return sealed_session(db.fields, planned_facts(one), session_id=one.id)


def _session_row(db: Transaction, one: PlannedSession) -> dict[str, Any]:
    return _sealed_facts(db, one) | {
        "id": one.id,
        "instance_id": db.instance_id,
        "template_id": one.template_id,
        "location_id": one.location_id,
        "caseload_of": one.caseload_of,
        "status": Status.UPCOMING.value,
        "version": 1,
    }


async def follow_plan(db: Transaction, sessions: Sequence[PlannedSession]) -> None:
    """Have sessions that have not started be as planned; cancelled ones are to come again."""
    if not sessions:
        return
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in (*_FACTS, "has_topic")}
    statement = _not_started(db).values(**values, status=Status.UPCOMING.value, version=SESSION.c.version + 1)
    rows = [
        {"of_session": one.id} | {f"new_{name}": value for name, value in _sealed_facts(db, one).items()}
        for one in sessions
    ]
    await db.execute(statement, rows)
    await _note_planned(db, [one.id for one in sessions])


async def cancel_sessions(db: Transaction, ids: Sequence[UUID]) -> None:
    """Cancel sessions that have not started."""
    if ids:
        statement = _not_started(db).values(status=Status.CANCELLED.value, version=SESSION.c.version + 1)
        await db.execute(statement, [{"of_session": one} for one in ids])
        await _note_planned(db, ids)


def _not_started(db: Transaction) -> Any:
    # Somebody may start one meanwhile: then that one is left alone.
    return update(SESSION).where(
        SESSION.c.id == bindparam("of_session"),
        SESSION.c.instance_id == db.instance_id,
        # Not IN: its list is not for statements that run over many rows.
        or_(SESSION.c.status == Status.UPCOMING.value, SESSION.c.status == Status.CANCELLED.value),
    )


async def replace_leaders(db: Transaction, sessions: Sequence[PlannedSession]) -> None:
    """Give sessions of one template that have not started the leaders that are planned."""
    if not sessions:
        return
    upcoming = SESSION.c.status == Status.UPCOMING.value
    of_template = SESSION.c.template_id == sessions[0].template_id
    # Locked, lest one of them starts between its two statements.
    statement = db.rows_of(SESSION, SESSION.c.id).where(upcoming, of_template).with_for_update()
    open_ids = {row.id for row in await db.all(statement)}
    theirs = [one for one in sessions if one.id in open_ids]
    if theirs:
        gone = delete(SESSION_LEADER).where(
            SESSION_LEADER.c.session_id == bindparam("of_session"),
            SESSION_LEADER.c.instance_id == db.instance_id,
        )
        await db.execute(gone, [{"of_session": one.id} for one in theirs])
    await insert_new(db.connection, SESSION_LEADER, _leader_rows(db, theirs))
    await _note_planned(db, [one.id for one in theirs])
