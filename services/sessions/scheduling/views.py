"""Reading schedules, assignments and what they come to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Select, or_, select

from services.sessions.directory.models import LOCATION, PATIENT
from services.sessions.directory.repository import load_patients
from services.sessions.directory.views import begins
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.enrolment import enrolments, seats_in
from services.sessions.scheduling.models import ASSIGNMENT, SESSION, SESSION_LEADER
from services.sessions.templates.models import SCHEDULE, SCHEDULE_OCCURRENCE, TEMPLATE
from shared.database.transactions import Transaction
from shared.web.cursors import Page, past
from shared.web.problems import NotFoundProblem

_SCHEDULE: Final = (SCHEDULE.c.id, SCHEDULE.c.location_id, SCHEDULE.c.title, SCHEDULE.c.version)
_ASSIGNMENT: Final = tuple(column for column in ASSIGNMENT.c if column.name != "instance_id")
_ASSIGNMENT_ORDER: Final = (ASSIGNMENT.c.starts_on, ASSIGNMENT.c.id)
_SESSION_ORDER: Final = (SESSION.c.starts_at, SESSION.c.title, SESSION.c.id)
_ORDER: Final = (SCHEDULE.c.title, SCHEDULE.c.id)


@dataclass(frozen=True, kw_only=True)
class SchedulesWanted:
    """Which schedule templates a list is of; None: all of them."""

    title: str | None = None
    """Its beginning, in any case."""
    location_id: UUID | None = None
    template_id: UUID | None = None
    """Those that have an occurrence of this group."""


async def schedules(db: Transaction, wanted: SchedulesWanted, *, cursor: str | None, limit: int) -> Page:
    """List schedule templates by title, with their occurrences."""
    statement = db.rows_of(SCHEDULE, *_SCHEDULE).where(SCHEDULE.c.deleted_at.is_(None))
    if wanted.title is not None:
        statement = statement.where(begins(wanted.title, SCHEDULE.c.title))
    if wanted.location_id is not None:
        statement = statement.where(SCHEDULE.c.location_id == wanted.location_id)
    if wanted.template_id is not None:
        entry = SCHEDULE_OCCURRENCE
        having = db.rows_of(entry, entry.c.schedule_id).where(entry.c.template_id == wanted.template_id)
        statement = statement.where(SCHEDULE.c.id.in_(having))
    page = await _page(db, statement, _ORDER, cursor=cursor, limit=limit)
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


async def assignments_of(
    db: Transaction, patient_id: UUID, *, on: date | None, cursor: str | None, limit: int
) -> Page:
    """List a patient's assignments, or those that run on a day, the oldest first.

    Raises `NotFoundProblem`.
    """
    await load_patients(db, [patient_id])
    mine = db.rows_of(ASSIGNMENT, *_ASSIGNMENT).where(ASSIGNMENT.c.patient_id == patient_id)
    if on is not None:
        ends_on = ASSIGNMENT.c.ends_on
        mine = mine.where(ASSIGNMENT.c.starts_on <= on, or_(ends_on.is_(None), ends_on >= on))
    return await _page(db, mine, _ASSIGNMENT_ORDER, cursor=cursor, limit=limit)


async def _page(
    db: Transaction,
    statement: Select[Any],
    order: Sequence[Column[Any]],
    *,
    cursor: str | None,
    limit: int,
) -> Page:
    if cursor is not None:
        statement = statement.where(past(cursor, order))
    rows = await db.records(statement.order_by(*order).limit(limit + 1))
    return Page.of(rows, limit=limit, keys=[column.name for column in order])


async def page_of_patient(
    db: Transaction, patient_id: UUID, *, since: date, until: date, cursor: str | None, limit: int
) -> Page:
    """List a patient's sessions by start, a page at a time."""
    await load_patients(db, [patient_id])
    ids = await _ids_of_patient(db, patient_id, since=since, until=until)
    page = await _page(db, _sessions(db, SESSION.c.id.in_(ids)), _SESSION_ORDER, cursor=cursor, limit=limit)
    return Page(items=await _with_waiting(db, patient_id, page.items), next=page.next)


async def sessions_of_patient(
    db: Transaction, patient_id: UUID, *, since: date, until: date
) -> Sequence[Mapping[str, Any]]:
    """List all of a patient's sessions by start; `waiting_position` is null with a place (SCH-6)."""
    await load_patients(db, [patient_id])
    ids = await _ids_of_patient(db, patient_id, since=since, until=until)
    sessions = await db.records(_sessions(db, SESSION.c.id.in_(ids)).order_by(*_SESSION_ORDER))
    return await _with_waiting(db, patient_id, sessions)


async def _ids_of_patient(db: Transaction, patient_id: UUID, *, since: date, until: date) -> set[UUID]:
    days = (SESSION.c.held_on >= since, SESSION.c.held_on <= until)
    mine = await db.all(enrolments(db.instance_id, PATIENT.c.id == patient_id, *days))
    return {row.session_id for row in mine}


async def _with_waiting(
    db: Transaction, patient_id: UUID, sessions: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    seats = await seats_in(db, [one["id"] for one in sessions])
    return [{**one, "waiting_position": seats[one["id"]].waiting_position_of(patient_id)} for one in sessions]


async def sessions_of_leader(
    db: Transaction, user_id: UUID, *, since: date, until: date
) -> list[dict[str, Any]]:
    """List the sessions that a user leads, by start."""
    led = select(SESSION_LEADER.c.session_id).where(
        SESSION_LEADER.c.user_id == user_id, SESSION_LEADER.c.instance_id == db.instance_id
    )
    days = (SESSION.c.held_on >= since, SESSION.c.held_on <= until)
    return await db.records(_sessions(db, SESSION.c.id.in_(led), *days).order_by(*_SESSION_ORDER))


def _sessions(db: Transaction, *which: ColumnElement[bool]) -> Select[Any]:
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
    return (
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
    )
