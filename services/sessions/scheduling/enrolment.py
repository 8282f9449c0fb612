"""Who is assigned to which session, by schedule, group, single session or caseload: one set-based query."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, extract, func, literal, or_, select, union_all

from services.sessions.directory.domain import Patient
from services.sessions.directory.models import CARE_TEAM_MEMBER, PATIENT
from services.sessions.directory.repository import find_patients
from services.sessions.scheduling.domain import Enrolled, Seats, seats_of
from services.sessions.scheduling.models import ASSIGNMENT, SESSION
from services.sessions.templates.models import SCHEDULE, SCHEDULE_OCCURRENCE, TEMPLATE, TEMPLATE_LOCATION
from shared.database.transactions import Transaction
from shared.web.problems import NotFoundProblem

_DAYS_IN_WEEK: Final = 7


def enrolments(instance_id: UUID | ColumnElement[Any], *which: ColumnElement[bool]) -> Any:
    """Select `session_id, patient_id, assigned_at, assignment_id` of an instance's sessions and patients.

    Who is not in treatment on the day is in none (SCH-5). `which` of them says it of SESSION and PATIENT.
    """
    kinds = (_by_schedule(), _by_group(), _by_session())
    assigned = [
        select(
            SESSION.c.id.label("session_id"),
            PATIENT.c.id.label("patient_id"),
            ASSIGNMENT.c.assigned_at,
            ASSIGNMENT.c.id.label("assignment_id"),
        )
        .select_from(SESSION)
        .join(ASSIGNMENT, and_(ASSIGNMENT.c.instance_id == instance_id, kind))
        .join(PATIENT, PATIENT.c.id == ASSIGNMENT.c.patient_id)
        .where(SESSION.c.instance_id == instance_id, _in_treatment(), *which)
        for kind in kinds
    ]
    return union_all(*assigned, _caseloads(instance_id, *which))


def _caseloads(instance_id: UUID | ColumnElement[Any], *which: ColumnElement[bool]) -> Select[Any]:
    care = CARE_TEAM_MEMBER
    # A caseload has no order and no waiting list; the patients' ids stand in for the assignments'.
    return (
        select(
            SESSION.c.id.label("session_id"),
            PATIENT.c.id.label("patient_id"),
            SESSION.c.starts_at.label("assigned_at"),
            PATIENT.c.id.label("assignment_id"),
        )
        .select_from(SESSION)
        .join(care, and_(care.c.user_id == SESSION.c.caseload_of, care.c.primary_therapist))
        .join(PATIENT, PATIENT.c.id == care.c.patient_id)
        .where(
            SESSION.c.instance_id == instance_id,
            care.c.instance_id == instance_id,
            _sits_there(),
            _in_treatment(),
            *which,
        )
    )


def _sits_there() -> ColumnElement[bool]:
    """What `Template.place_of` says: at the patient's own location, or else at the first one of the group."""
    place = TEMPLATE_LOCATION.c
    places = select(literal(1)).where(place.template_id == SESSION.c.template_id)
    first = places.where(place.location_id == SESSION.c.location_id, place.position == 0)
    own = places.where(place.location_id == PATIENT.c.location_id)
    return or_(
        SESSION.c.location_id == PATIENT.c.location_id,
        and_(first.correlate(SESSION).exists(), ~own.correlate(SESSION, PATIENT).exists()),
    )


def _in_treatment() -> ColumnElement[bool]:
    """What `Patient.in_treatment_on` says, of the day on which the session is held."""
    held_on = SESSION.c.held_on
    return and_(
        or_(PATIENT.c.admitted_on.is_(None), PATIENT.c.admitted_on <= held_on),
        or_(PATIENT.c.discharged_on.is_(None), PATIENT.c.discharged_on >= held_on),
        or_(PATIENT.c.deceased_on.is_(None), PATIENT.c.deceased_on > held_on),
    )


def _running() -> ColumnElement[bool]:
    held_on = SESSION.c.held_on
    return and_(
        ASSIGNMENT.c.starts_on <= held_on,
        or_(ASSIGNMENT.c.ends_on.is_(None), ASSIGNMENT.c.ends_on >= held_on),
    )


def _by_schedule() -> ColumnElement[bool]:
    # A moved session keeps the patients of the day on which the series has it.
    day = func.coalesce(SESSION.c.moved_from, SESSION.c.held_on, type_=SESSION.c.held_on.type)
    entry = SCHEDULE_OCCURRENCE
    named = select(literal(1)).where(
        entry.c.schedule_id == ASSIGNMENT.c.schedule_id,
        SCHEDULE.c.id == entry.c.schedule_id,
        SCHEDULE.c.location_id == SESSION.c.location_id,
        entry.c.template_id == SESSION.c.template_id,
        # ISO's Sunday is 7, SQL's is 0.
        entry.c.weekday % _DAYS_IN_WEEK == extract("dow", day),
    )
    return and_(named.correlate(ASSIGNMENT, SESSION).exists(), _running())


def _by_group() -> ColumnElement[bool]:
    there = ASSIGNMENT.c.location_id == SESSION.c.location_id
    return and_(ASSIGNMENT.c.template_id == SESSION.c.template_id, there, _running())


def _by_session() -> ColumnElement[bool]:
    return ASSIGNMENT.c.session_id == SESSION.c.id


def enrolled_counts(instance_id: UUID | ColumnElement[Any], *which: ColumnElement[bool]) -> Select[Any]:
    """Select `session_id, enrolled` of the sessions that fit: who has a place and who waits, together."""
    enrolled = enrolments(instance_id, *which).subquery()
    counted = func.count(enrolled.c.patient_id.distinct()).label("enrolled")
    return select(enrolled.c.session_id, counted).group_by(enrolled.c.session_id)


async def seats_in(db: Transaction, session_ids: Collection[UUID]) -> dict[UUID, Seats]:
    """Give who has a place in each session, and who waits (SCH-6)."""
    capacity = select(SESSION.c.id, TEMPLATE.c.capacity).join(
        TEMPLATE, TEMPLATE.c.id == SESSION.c.template_id
    )
    these = (SESSION.c.instance_id == db.instance_id, SESSION.c.id.in_(session_ids))
    capacities = {row.id: row.capacity for row in await db.all(capacity.where(*these))}
    enrolled: dict[UUID, list[Enrolled]] = {one: [] for one in capacities}
    for row in await db.all(enrolments(db.instance_id, SESSION.c.id.in_(session_ids))):
        enrolled[row.session_id].append(
            Enrolled(patient_id=row.patient_id, assigned_at=row.assigned_at, assignment_id=row.assignment_id)
        )
    return {one: seats_of(enrolled[one], capacity=capacities[one]) for one in capacities}


async def expected_patients(db: Transaction, session_id: UUID) -> list[Patient]:
    """Give who is expected in a session, by name: those with a place (SCH-2, SCH-5, SCH-6, TPL-4)."""
    seats = await seats_in(db, [session_id])
    if session_id not in seats:
        raise NotFoundProblem("There is no such group session.")
    patients = await find_patients(db, PATIENT.c.id.in_(seats[session_id].seated))
    return sorted(patients, key=lambda patient: (patient.last_name, patient.first_name, patient.id))
