"""Who belongs to a session: expected before its start, frozen from then on (DOC-2)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from services.sessions.directory.domain import Patient
from services.sessions.directory.models import PATIENT
from services.sessions.directory.repository import find_patients
from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.models import ROSTER_ENTRY
from services.sessions.scheduling.enrolment import expected_patients, seats_in
from shared.database.transactions import Transaction


async def patients_of(db: Transaction, session: GroupSession) -> list[Patient]:
    """Give the patients of a session, by name."""
    if session.documentation_id is None:
        return await expected_patients(db, session.id)
    frozen = select(ROSTER_ENTRY.c.patient_id).where(
        ROSTER_ENTRY.c.documentation_id == session.documentation_id,
        ROSTER_ENTRY.c.instance_id == db.instance_id,
    )
    patients = await find_patients(db, PATIENT.c.id.in_(frozen))
    return sorted(patients, key=by_name)


async def patients_of_each(db: Transaction, sessions: Sequence[GroupSession]) -> dict[UUID, list[Patient]]:
    """Give the patients of each of some sessions, by name, in three queries."""
    seats = await seats_in(db, [one.id for one in sessions if one.documentation_id is None])
    ids = {session_id: set(one.seated) for session_id, one in seats.items()}
    entry = ROSTER_ENTRY
    frozen = db.rows_of(entry, entry.c.session_id, entry.c.patient_id).where(
        entry.c.documentation_id.in_([one.documentation_id for one in sessions if one.documentation_id])
    )
    for row in await db.all(frozen):
        ids.setdefault(row.session_id, set()).add(row.patient_id)
    found = await find_patients(db, PATIENT.c.id.in_(set().union(*ids.values())))
    patients = sorted(found, key=by_name)
    return {one.id: [who for who in patients if who.id in ids.get(one.id, ())] for one in sessions}


def by_name(patient: Patient) -> tuple[str, str, UUID]:
    """Order patients as lists of people are ordered."""
    return patient.last_name, patient.first_name, patient.id
