"""Reading and writing planned sessions and assignments."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import and_, or_, select

from services.sessions.directory.domain import Patient
from services.sessions.directory.models import PATIENT
from services.sessions.directory.repository import find_patients
from services.sessions.scheduling.domain import PlannedSession, Status
from services.sessions.scheduling.models import ASSIGNMENT, SESSION, SESSION_LEADER
from services.sessions.templates.models import SCHEDULE_OCCURRENCE
from shared.database.bulk import insert_new
from shared.database.dialects import upsert
from shared.database.transactions import Transaction


async def add_sessions(db: Transaction, sessions: Sequence[PlannedSession]) -> None:
    """Store sessions that are not there yet, with their leaders."""
    known = await _known_ids(db, {one.held_on for one in sessions})
    new = [one for one in sessions if one.id not in known]
    await insert_new(db.connection, SESSION, [_session_row(db.instance_id, one) for one in new])
    await insert_new(
        db.connection,
        SESSION_LEADER,
        [
            {"session_id": one.id, "user_id": user_id, "instance_id": db.instance_id, "position": position}
            for one in new
            for position, user_id in enumerate(one.leader_ids)
        ],
    )


async def _known_ids(db: Transaction, days: Collection[date]) -> set[UUID]:
    # By days, not by ids: a year of a large clinic has more sessions than a statement takes parameters.
    return {
        row.id for row in await db.all(db.rows_of(SESSION, SESSION.c.id).where(SESSION.c.held_on.in_(days)))
    }


def _session_row(instance_id: UUID, one: PlannedSession) -> dict[str, object]:
    return {
        "id": one.id,
        "instance_id": instance_id,
        "template_id": one.template_id,
        "location_id": one.location_id,
        "held_on": one.held_on,
        "title": one.title,
        "starts_at": one.starts_at,
        "duration_minutes": one.duration_minutes,
        "status": Status.UPCOMING.value,
        "version": 1,
        "topic": "",
        "description": "",
    }


async def add_assignments(
    db: Transaction, *, schedule_id: UUID, patient_ids: Sequence[UUID], starts_on: date, ends_on: date | None
) -> None:
    """Assign a schedule to patients; the same assignment twice is one, with the end that was said last."""
    rows = [
        {
            "schedule_id": schedule_id,
            "patient_id": patient_id,
            "starts_on": starts_on,
            "instance_id": db.instance_id,
            "ends_on": ends_on,
        }
        for patient_id in patient_ids
    ]
    statement = upsert(db.connection, ASSIGNMENT, rows[0])
    statement = statement.on_conflict_do_update(
        index_elements=["schedule_id", "patient_id", "starts_on"],
        set_={"ends_on": statement.excluded.ends_on},
    )
    await db.execute(statement, rows)


async def expected_patients(db: Transaction, *, template_id: UUID, held_on: date) -> list[Patient]:
    """Give who is expected in a template's session on a date, by name (SCH-2, SCH-5)."""
    occurrence, assignment = SCHEDULE_OCCURRENCE, ASSIGNMENT
    running = and_(
        assignment.c.schedule_id == occurrence.c.schedule_id,
        assignment.c.instance_id == db.instance_id,
        assignment.c.starts_on <= held_on,
        or_(assignment.c.ends_on.is_(None), assignment.c.ends_on >= held_on),
    )
    assigned = (
        select(assignment.c.patient_id)
        .join_from(occurrence, assignment, running)
        .where(
            occurrence.c.instance_id == db.instance_id,
            occurrence.c.template_id == template_id,
            occurrence.c.weekday == held_on.isoweekday(),
        )
    )
    patients = await find_patients(db, PATIENT.c.id.in_(assigned))
    expected = [patient for patient in patients if patient.in_treatment_on(held_on)]
    return sorted(expected, key=lambda patient: (patient.last_name, patient.first_name, patient.id))
