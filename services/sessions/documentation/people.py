"""Who leads a session in progress and who is on its roster, until it is signed (PERM-4, DOC-2)."""

import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import delete, insert

from services.sessions.directory.leading import require_leaders
from services.sessions.directory.repository import load_patients
from services.sessions.documentation.lifecycle import Move
from services.sessions.documentation.models import DISCARDED, ROSTER_ENTRY
from services.sessions.documentation.moving import session_to_move
from services.sessions.documentation.numbering import REMOVED_PATIENT
from services.sessions.documentation.repository import change_session, freeze_roster, set_leaders
from services.sessions.documentation.restoring import in_json
from services.sessions.metadata import TRAIL
from services.sessions.sealed_columns import DISCARDED_ONES, ROSTERS
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.fields import row_key
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.web.bodies import etag_of
from shared.web.identity import Identity
from shared.web.preconditions import refuse_stale
from shared.web.problems import ConflictProblem, NotFoundProblem

_NAMED_BESIDE: Final = frozenset({"instance_id", "session_id", "documentation_id", "has_note"})
"""What the history tells of each line anyhow."""
_PARTS: Final = re.compile(r'(?<=\d)\.\d+(?=")')
"""What an ETag of a whole session says after its version: how often its parts were written."""


async def change_leaders(
    database: Database,
    identity: Identity,
    session_id: UUID,
    leader_ids: Sequence[UUID],
    *,
    if_match: str | None,
    clock: Clock,
) -> None:
    """Hand a session over, or have others co-sign: these lead it from now on, in this order (PERM-4).

    Raises `StaleProblem` when `if_match` names another version of the session.
    """
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, Move.CHANGE_LEADERS)
        refuse_stale(if_match and _PARTS.sub("", if_match), etag_of(session.version))
        await require_leaders(db, leader_ids)
        chosen = list(dict.fromkeys(leader_ids))
        await set_leaders(db, session_id, chosen, documentation_id=session.documentation_id)
        await change_session(db, session, {})
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="session.leaders_changed",
            subject=session_id,
        )


async def add_walk_in(
    database: Database, identity: Identity, session_id: UUID, patient_id: UUID, *, clock: Clock
) -> None:
    """Put a patient in treatment onto the roster of a session in progress (DOC-2); twice is once."""
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, Move.CHANGE_ROSTER)
        patient = (await load_patients(db, [patient_id]))[patient_id]
        if session.documentation_id is None or not patient.in_treatment_on(session.held_on):
            raise ConflictProblem("This patient was not in treatment on the day of the session.")
        await freeze_roster(db, session, session.documentation_id, [patient_id])
        await change_session(db, session, {})
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="walk_in.added",
            subject=session_id,
            patient_id=patient_id,
        )


async def remove_patient(
    database: Database,
    identity: Identity,
    session_id: UUID,
    patient_id: UUID,
    *,
    reason: str,
    clock: Clock,
) -> None:
    """Take a patient added by mistake off the roster; what was written goes to the history (DOC-2)."""
    now = clock()
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, Move.CHANGE_ROSTER)
        removed = await db.records(
            delete(ROSTER_ENTRY)
            .where(
                ROSTER_ENTRY.c.instance_id == db.instance_id,
                ROSTER_ENTRY.c.documentation_id == session.documentation_id,
                ROSTER_ENTRY.c.patient_id == patient_id,
            )
            .returning(*(column for column in ROSTER_ENTRY.c if column.name not in _NAMED_BESIDE))
        )
        if not removed:
            raise NotFoundProblem("This patient is not on the roster of this session.")
        line = ROSTERS.opened(db.fields, removed[0], row=row_key(str(session.documentation_id), patient_id))
        values = {
            "id": new_id(),
            "instance_id": db.instance_id,
            "session_id": session.id,
            "documentation_id": session.documentation_id,
            "how": REMOVED_PATIENT,
            "reason": reason,
            "discarded_at": now,
            "discarded_by": identity.user_id,
            "status": session.status.value,
            "distributed": False,
            "content": in_json(line),
        }
        await db.execute(insert(DISCARDED).values(DISCARDED_ONES.sealed(db.fields, values)))
        await change_session(db, session, {})
        await record_access(
            db,
            TRAIL,
            at=now,
            user_id=identity.user_id,
            action="roster.patient_removed",
            subject=session_id,
            patient_id=patient_id,
        )
