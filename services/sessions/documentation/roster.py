"""Who belongs to a session: expected before its start, frozen from then on (DOC-2)."""

from sqlalchemy import select

from services.sessions.directory.domain import Patient
from services.sessions.directory.models import PATIENT
from services.sessions.directory.repository import find_patients
from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.models import ROSTER_ENTRY
from services.sessions.scheduling.enrolment import expected_patients
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
    return sorted(patients, key=lambda patient: (patient.last_name, patient.first_name, patient.id))
