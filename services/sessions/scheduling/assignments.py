"""Reading and writing assignments."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, case, delete, or_, update

from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.models import ASSIGNMENT, SESSION
from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.web.problems import ConflictProblem, NotFoundProblem

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "schedule_id": ("schedule_id",),
    "template_id": ("template_id", "location_id"),
    "session_id": ("session_id",),
}
"""What a patient can be assigned to, and what names it."""


async def store_assignments(db: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """Store assignments and give their ids; the same one twice is one, with the end that was said last."""
    ids: list[UUID] = []
    for kind in KEYS:
        of_kind = [{"instance_id": db.instance_id, **row} for row in rows if row[kind] is not None]
        if of_kind:
            ids += await _store_kind(db, kind, of_kind)
    return ids


async def _store_kind(db: Transaction, kind: str, rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
    statement = upsert(db.connection, ASSIGNMENT, rows[0])
    new, old = statement.excluded, ASSIGNMENT.c
    # Who gives days up and takes them again later has given up the place in the waiting list too.
    longer = and_(old.ends_on.is_not(None), or_(new.ends_on.is_(None), new.ends_on > old.ends_on))
    since = case((longer, new.assigned_at), else_=old.assigned_at)
    statement = statement.on_conflict_do_update(
        index_elements=[*KEYS[kind], "patient_id", "starts_on"],
        set_={"ends_on": new.ends_on, "assigned_at": since, "version": old.version + 1},
    )
    return list((await db.execute(statement.returning(ASSIGNMENT.c.id), rows)).scalars())


async def load_assignment(db: Transaction, assignment_id: UUID) -> Any:
    """Give one assignment; raises `NotFoundProblem`."""
    row = await db.one_or_none(db.rows_of(ASSIGNMENT).where(ASSIGNMENT.c.id == assignment_id))
    if row is None:
        raise NotFoundProblem("There is no such assignment.")
    return row


async def load_upcoming_session(db: Transaction, session_id: UUID) -> Any:
    """Give a session that takes patients; raises `NotFoundProblem` or `ConflictProblem`."""
    row = await db.one_or_none(db.rows_of(SESSION).where(SESSION.c.id == session_id))
    if row is None:
        raise NotFoundProblem("There is no such group session.")
    if row.status != Status.UPCOMING.value or row.caseload_of is not None:
        raise ConflictProblem("Patients are assigned to a session that is upcoming and no caseload group.")
    return row


async def set_end(db: Transaction, row: Any, ends_on: date | None, *, at: datetime) -> None:
    """Write the last day of an assignment; one that goes on for longer waits behind the others."""
    longer = row.ends_on is not None and (ends_on is None or ends_on > row.ends_on)
    values = {
        "ends_on": ends_on,
        "assigned_at": at if longer else row.assigned_at,
        "version": row.version + 1,
    }
    mine = (ASSIGNMENT.c.id == row.id, ASSIGNMENT.c.instance_id == db.instance_id)
    await db.execute(update(ASSIGNMENT).where(*mine).values(values))


async def drop_assignment(db: Transaction, assignment_id: UUID) -> None:
    """Take an assignment away that has not begun."""
    mine = (ASSIGNMENT.c.id == assignment_id, ASSIGNMENT.c.instance_id == db.instance_id)
    await db.execute(delete(ASSIGNMENT).where(*mine))
