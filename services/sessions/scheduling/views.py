"""Reading schedules, assignments and what they come to."""

from collections.abc import Collection
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select

from services.sessions.directory.models import LOCATION, PATIENT
from services.sessions.directory.repository import load_patients
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.enrolment import enrolments, seats_in
from services.sessions.scheduling.models import ASSIGNMENT, SESSION, SESSION_LEADER
from services.sessions.templates.models import SCHEDULE, SCHEDULE_OCCURRENCE, TEMPLATE
from shared.database.transactions import Transaction
from shared.web.cursors import Page, past
from shared.web.problems import NotFoundProblem

_SCHEDULE: Final = (SCHEDULE.c.id, SCHEDULE.c.location_id, SCHEDULE.c.title, SCHEDULE.c.version)
_ASSIGNMENT: Final = tuple(column for column in ASSIGNMENT.c if column.name != "instance_id")
_ORDER: Final = (SCHEDULE.c.title, SCHEDULE.c.id)


async def schedules(db: Transaction, *, location_id: UUID | None, cursor: str | None, limit: int) -> Page:
    """List schedule templates by title, with their occurrences."""
    statement = db.rows_of(SCHEDULE, *_SCHEDULE).where(SCHEDULE.c.deleted_at.is_(None))
    if location_id is not None:
        statement = statement.where(SCHEDULE.c.location_id == location_id)
    if cursor is not None:
        statement = statement.where(past(cursor, _ORDER))
    rows = await db.records(statement.order_by(*_ORDER).limit(limit + 1))
    page = Page.of(rows, limit=limit, keys=[column.name for column in _ORDER])
    occurrences = await _occurrences(db, [one["id"] for one in page.items])
    items = [{**one, "occurrences": occurrences.get(one["id"], [])} for one in page.items]
    return Page(items=items, next=page.next)


async def schedule(db: Transaction, schedule_id: UUID) -> dict[str, Any]:
    """Give one schedule template; raises `NotFoundProblem`."""
    living = (SCHEDULE.c.id == schedule_id, SCHEDULE.c.deleted_at.is_(None))
    found = await db.records(db.rows_of(SCHEDULE, *_SCHEDULE).where(*living))
    if not found:
        raise NotFoundProblem("There is no such schedule template.")
    return found[0] | {"occurrences": (await _occurrences(db, [schedule_id])).get(schedule_id, [])}


async def _occurrences(db: Transaction, ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    entry = SCHEDULE_OCCURRENCE
    statement = (
        db.rows_of(entry, entry.c.schedule_id, entry.c.template_id, entry.c.weekday, TEMPLATE.c.title)
        .join(TEMPLATE, TEMPLATE.c.id == entry.c.template_id)
        .where(entry.c.schedule_id.in_(ids))
        .order_by(entry.c.weekday, TEMPLATE.c.starts_at, entry.c.template_id)
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for one in await db.records(statement):
        found.setdefault(one.pop("schedule_id"), []).append(one)
    return found


async def assignment(db: Transaction, assignment_id: UUID) -> dict[str, Any]:
    """Give one assignment; raises `NotFoundProblem`."""
    found = await db.records(db.rows_of(ASSIGNMENT, *_ASSIGNMENT).where(ASSIGNMENT.c.id == assignment_id))
    if not found:
        raise NotFoundProblem("There is no such assignment.")
    return found[0]


async def assignments_of(db: Transaction, patient_id: UUID) -> list[dict[str, Any]]:
    """List a patient's assignments, the oldest first; raises `NotFoundProblem`."""
    await load_patients(db, [patient_id])
    mine = db.rows_of(ASSIGNMENT, *_ASSIGNMENT).where(ASSIGNMENT.c.patient_id == patient_id)
    return await db.records(mine.order_by(ASSIGNMENT.c.starts_on, ASSIGNMENT.c.id))


async def sessions_of_patient(
    db: Transaction, patient_id: UUID, *, since: date, until: date
) -> list[dict[str, Any]]:
    """List a patient's sessions by start; `waiting_position` is null with a place (SCH-6)."""
    await load_patients(db, [patient_id])
    days = (SESSION.c.held_on >= since, SESSION.c.held_on <= until)
    mine = await db.all(enrolments(db, PATIENT.c.id == patient_id, *days))
    ids = {row.session_id for row in mine}
    seats = await seats_in(db, ids)
    sessions = await _sessions(db, SESSION.c.id.in_(ids))
    return [one | {"waiting_position": seats[one["id"]].waiting_position_of(patient_id)} for one in sessions]


async def sessions_of_leader(
    db: Transaction, user_id: UUID, *, since: date, until: date
) -> list[dict[str, Any]]:
    """List the sessions that a user leads, by start."""
    led = select(SESSION_LEADER.c.session_id).where(
        SESSION_LEADER.c.user_id == user_id, SESSION_LEADER.c.instance_id == db.instance_id
    )
    days = (SESSION.c.held_on >= since, SESSION.c.held_on <= until)
    return await _sessions(db, SESSION.c.id.in_(led), *days)


async def _sessions(db: Transaction, *which: ColumnElement[bool]) -> list[dict[str, Any]]:
    names = (
        "id",
        "template_id",
        "location_id",
        "held_on",
        "title",
        "starts_at",
        "duration_minutes",
        "status",
    )
    statement = (
        db.rows_of(
            SESSION,
            *(SESSION.c[name] for name in names),
            TEMPLATE.c.modality,
            TEMPLATE.c.link,
            LOCATION.c.name.label("location_name"),
        )
        .join(TEMPLATE, TEMPLATE.c.id == SESSION.c.template_id)
        .join(LOCATION, LOCATION.c.id == SESSION.c.location_id)
        .where(SESSION.c.status != Status.CANCELLED.value, *which)
        .order_by(SESSION.c.starts_at, SESSION.c.title, SESSION.c.id)
    )
    return await db.records(statement)
