"""Who looks after a patient, and whose Primary Therapist somebody is."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import delete, insert, select

from services.sessions.directory.domain import CareTeamMember
from services.sessions.directory.models import CARE_TEAM_MEMBER, PATIENT, STAFF_MEMBER
from services.sessions.directory.patients import record_patient
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_staff
from services.sessions.directory.use_cases import permit
from services.sessions.directory.versioned import lock, one
from shared.clock import Clock
from shared.database.transactions import Database, Transaction
from shared.web.bodies import json_bytes
from shared.web.identity import Identity
from shared.web.preconditions import require_match
from shared.web.problems import ConflictProblem

Members = list[dict[str, Any]]


class Seating(Protocol):
    """Knows who sits where: what scheduling does for this floor."""

    async def lock(self, db: Transaction) -> None:
        """Wait until nobody else plans or assigns; taken before any other row that both may want."""

    async def require_free(self, db: Transaction, patient_id: UUID, *, now: datetime) -> None:
        """Raise `ConflictProblem` when a patient's caseload groups overlap what the patient has (SCH-4)."""


async def read_care_team(
    database: Database, identity: Identity, patient_id: UUID, *, clock: Clock
) -> Members:
    """Give a patient's care team, the Primary Therapist first; raises `NotFoundProblem`."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_PATIENTS)
        await one(db, PATIENT, patient_id)
        await record_patient(db, identity, "care_team.seen", patient_id, clock)
        return await _members(db, patient_id)


async def set_care_team(
    database: Database,
    identity: Identity,
    patient_id: UUID,
    members: Sequence[CareTeamMember],
    *,
    if_match: str | None,
    seating: Seating,
    clock: Clock,
) -> Members:
    """Replace a patient's care team; raises `NotFoundProblem`, `StaleProblem` or `ConflictProblem`.

    The latter also when caseload groups of a new Primary Therapist overlap what the patient has (SCH-4).
    The database holds that a patient has one Primary Therapist.
    """
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_PATIENTS)
        await seating.lock(db)
        await lock(db, PATIENT, patient_id)
        before = await _members(db, patient_id)
        require_match(if_match, etag_of_members(before))
        await _require_active(db, [member.user_id for member in members])
        await _replace(db, patient_id, members)
        had = {one["user_id"] for one in before if one["primary_therapist"]}
        if {member.user_id for member in members if member.primary_therapist} - had:
            await seating.require_free(db, patient_id, now=clock())
        await record_patient(db, identity, "care_team.changed", patient_id, clock)
        return await _members(db, patient_id)


def etag_of_members(members: Members) -> str:
    """Give the ETag of a care team: of who belongs to it, however they are called."""
    facts = [(one["user_id"], one["primary_therapist"]) for one in members]
    return f'"{sha256(json_bytes(sorted(facts, key=str))).hexdigest()[:32]}"'


async def _require_active(db: Transaction, user_ids: Sequence[UUID]) -> None:
    staff = await load_staff(db, user_ids)
    if not all(member.active for member in staff.values()):
        raise ConflictProblem("A care team has active members of staff only.")


async def _replace(db: Transaction, patient_id: UUID, members: Sequence[CareTeamMember]) -> None:
    theirs = (CARE_TEAM_MEMBER.c.patient_id == patient_id, CARE_TEAM_MEMBER.c.instance_id == db.instance_id)
    await db.execute(delete(CARE_TEAM_MEMBER).where(*theirs))
    rows = [
        {
            "patient_id": patient_id,
            "user_id": member.user_id,
            "instance_id": db.instance_id,
            "primary_therapist": member.primary_therapist,
        }
        for member in members
    ]
    if rows:
        await db.execute(insert(CARE_TEAM_MEMBER), rows)


async def _members(db: Transaction, patient_id: UUID) -> Members:
    columns = (
        CARE_TEAM_MEMBER.c.user_id,
        CARE_TEAM_MEMBER.c.primary_therapist,
        STAFF_MEMBER.c.first_name,
        STAFF_MEMBER.c.last_name,
        STAFF_MEMBER.c.credentials,
        STAFF_MEMBER.c.active,
    )
    statement = (
        select(*columns)
        .join_from(CARE_TEAM_MEMBER, STAFF_MEMBER, STAFF_MEMBER.c.id == CARE_TEAM_MEMBER.c.user_id)
        .where(CARE_TEAM_MEMBER.c.patient_id == patient_id, CARE_TEAM_MEMBER.c.instance_id == db.instance_id)
        .order_by(
            CARE_TEAM_MEMBER.c.primary_therapist.desc(),
            STAFF_MEMBER.c.last_name,
            STAFF_MEMBER.c.first_name,
            STAFF_MEMBER.c.id,
        )
    )
    return await db.records(statement)
