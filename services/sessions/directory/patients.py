"""What can be done with patients; every step is in the trail with the patient's id (PERM-8)."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from services.sessions.directory.domain import ImpossibleDatesError, Patient, check_dates
from services.sessions.directory.models import PATIENT
from services.sessions.directory.patient_rows import opened_patient, sealed_patient
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_location
from services.sessions.directory.use_cases import permit
from services.sessions.directory.versioned import add, change, lock, one
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.problems import InvalidProblem

TAKEN: Final = "Another patient has this medical record number."


async def read_patient(
    database: Database, identity: Identity, patient_id: UUID, *, clock: Clock
) -> dict[str, Any]:
    """Give a patient; raises `NotFoundProblem`."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_PATIENTS)
        patient = await one(db, PATIENT, patient_id)
        await record_patient(db, identity, "patient.seen", patient_id, clock)
    return opened_patient(db.fields, patient)


async def add_patient(
    database: Database, identity: Identity, values: Mapping[str, Any], *, clock: Clock
) -> dict[str, Any]:
    """Add a patient; raises `ConflictProblem` for a medical record number that is taken."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_PATIENTS)
        facts = {"id": new_id(), **values}
        await _check(db, facts, clock)
        sealed = sealed_patient(db.fields, facts, patient_id=facts["id"])
        added = await add(db, PATIENT, sealed, taken=TAKEN)
        await record_patient(db, identity, "patient.added", facts["id"], clock)
    return facts | {"version": added["version"]}


async def change_patient(
    database: Database,
    identity: Identity,
    patient_id: UUID,
    changes: Mapping[str, Any],
    *,
    if_match: str | None,
    clock: Clock,
) -> dict[str, Any]:
    """Change a patient: names, admission, discharge, death, location.

    Raises `NotFoundProblem`, `StaleProblem`, `InvalidProblem` or `ConflictProblem`. Who is discharged
    or has died is expected in no group from that day on (SCH-5).
    """
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_PATIENTS)
        before = opened_patient(db.fields, await lock(db, PATIENT, patient_id))
        await _check(db, {**before, **changes}, clock)
        sealed = sealed_patient(db.fields, changes, patient_id=patient_id)
        changed = await change(db, PATIENT, before, sealed, if_match=if_match, taken=TAKEN)
        await record_patient(db, identity, "patient.changed", patient_id, clock)
    return {**before, **changes, "version": changed["version"]}


async def record_patient(
    db: Transaction, identity: Identity, action: str, patient_id: UUID, clock: Clock
) -> None:
    """Write into the trail that somebody saw or changed this patient."""
    await record_access(
        db,
        TRAIL,
        at=clock(),
        user_id=identity.user_id,
        action=action,
        subject=patient_id,
        patient_id=patient_id,
    )


async def _check(db: Transaction, facts: Mapping[str, Any], clock: Clock) -> None:
    patient = Patient(**{field.name: facts[field.name] for field in fields(Patient)})
    try:
        check_dates(patient, today=clock().date())
    except ImpossibleDatesError as error:
        errors = [{"pointer": f"#/{name}", "detail": reason} for name, reason in error.errors.items()]
        raise InvalidProblem("Some dates can't be; see errors.", errors=errors) from None
    if patient.location_id is not None:
        await load_location(db, patient.location_id)
