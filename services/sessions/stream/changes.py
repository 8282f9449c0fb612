"""Noting changes of sessions for the live stream, in the transactions that make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.sessions.stream.models import SESSION_CHANGE
from shared.database.bulk import insert_new
from shared.database.transactions import Transaction
from shared.events.attention import SessionNeedsAttention
from shared.identifiers import new_id


class Part(StrEnum):
    """What of a session has changed."""

    SESSION = "session"
    """Status, leaders, roster, signatures: whatever raises the version of the whole."""
    GROUP_NOTE = "group_note"
    INDIVIDUAL_NOTE = "individual_note"
    ATTENDANCE = "attendance"
    PLAN = "plan"
    """Made, moved, cancelled or given other leaders before its start."""


@dataclass(frozen=True, kw_only=True)
class SessionChange:
    """One change: ids, kinds and versions, and no patient, for an id on a roster is health data."""

    session_id: UUID
    part: Part
    status: str | None = None
    """Where the session stands now, when the part says that."""
    version: int | None = None
    """The part's new version; None for parts with a version for each patient, and for plans."""


async def note_changes(db: Transaction, changes: Sequence[SessionChange]) -> None:
    """Have open streams tell of these once they are committed."""
    rows = [
        {
            "id": new_id(),
            "instance_id": db.instance_id,
            "session_id": one.session_id,
            "part": one.part.value,
            "status": one.status,
            "version": one.version,
        }
        for one in changes
    ]
    await insert_new(db.connection, SESSION_CHANGE, rows)


async def note_waiting(db: Transaction, waiting: Sequence[SessionNeedsAttention]) -> None:
    """Have the streams of those whose turn it is, and of admins, tell of what waits (DOC-7)."""
    rows = [
        {
            "id": new_id(),
            "instance_id": db.instance_id,
            "session_id": one.session_id,
            "waiting": one.waiting.value,
            "user_ids": [str(user_id) for user_id in one.user_ids],
        }
        for one in waiting
    ]
    await insert_new(db.connection, SESSION_CHANGE, rows)
