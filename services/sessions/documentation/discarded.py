"""Reading what was set aside of a session, with what was written about each patient (DOC-6)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.models import DISCARDED
from services.sessions.documentation.numbering import REMOVED_PATIENT
from services.sessions.documentation.views import roster_and_signatures
from services.sessions.metadata import TRAIL
from services.sessions.sealed_columns import DISCARDED_ONES
from shared.clock import Clock
from shared.database.audit import Outcome
from shared.database.bulk import insert_new
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.problems import NotFoundProblem


async def read_discarded(
    database: Database, identity: Identity, session_id: UUID, discarded_id: UUID, *, clock: Clock
) -> dict[str, Any]:
    """Give one line of a session's history with its roster, notes and signatures.

    For Super Admins and Records Admins; each patient's audit tells of it. Raises `NotFoundProblem`.
    """
    columns = [column for column in DISCARDED.c if column.name not in {"instance_id", "session_id"}]
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_DISCARDED)
        found = await db.records(
            db.rows_of(DISCARDED, *columns).where(
                DISCARDED.c.session_id == session_id, DISCARDED.c.id == discarded_id
            )
        )
        if not found:
            raise NotFoundProblem("Nothing of this session was set aside under this id.")
        kept = DISCARDED_ONES.opened(db.fields, found[0])
        if kept["how"] == REMOVED_PATIENT:
            # The rest of the documentation went on; all of the patient's line is in its content.
            whole: dict[str, Any] = {"roster": [], "signatures": []}
            patients = [UUID(kept["content"]["patient_id"])]
        else:
            whole = await roster_and_signatures(db, kept["documentation_id"])
            patients = [one["patient_id"] for one in whole["roster"]]
        await _record(db, identity, discarded_id, patients, clock())
    return kept | whole


async def _record(
    db: Transaction, identity: Identity, discarded_id: UUID, patients: Sequence[UUID], at: datetime
) -> None:
    of_whom: list[UUID | None] = [*patients] or [None]
    rows = [
        {
            "id": new_id(),
            "instance_id": db.instance_id,
            "at": at,
            "user_id": identity.user_id,
            "action": "session.discarded_seen",
            "subject": str(discarded_id),
            "patient_id": patient_id,
            "outcome": Outcome.ALLOWED.value,
        }
        for patient_id in of_whom
    ]
    await insert_new(db.connection, TRAIL, rows)
