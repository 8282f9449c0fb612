"""Bringing back what was deleted, all of it: a signature holds for the whole document (DOC-6, SIGN-4)."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, or_

from services.sessions.documentation.authors import add_authors, copy_authors
from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.lifecycle import Move
from services.sessions.documentation.models import DISCARDED, ROSTER_ENTRY, SIGNATURE
from services.sessions.documentation.moving import session_to_move
from services.sessions.documentation.numbering import versions_so_far
from services.sessions.documentation.repository import change_session, ids_on_roster, set_leaders
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.models import SESSION
from services.sessions.sealed_columns import DISCARDED_ONES, GROUP_NOTES, ROSTERS
from shared.clock import Clock
from shared.database.audit import record_access_to
from shared.database.bulk import insert_new
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem

_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "title": str,
    "held_on": date.fromisoformat,
    "moved_from": date.fromisoformat,
    "starts_at": datetime.fromisoformat,
    "duration_minutes": int,
    "started_at": datetime.fromisoformat,
    "ended_at": datetime.fromisoformat,
    "topic": str,
    "description": str,
    "note_by": UUID,
    "note_at": datetime.fromisoformat,
}
"""What of a session is kept when it is set aside, and how it is read out of JSON.

Also what follows the template: until it is restored, somebody may rename or move the group.
"""


async def as_it_is(db: Transaction, session: GroupSession) -> dict[str, Any]:
    """Give what of a session is kept when it is set aside."""
    columns = [SESSION.c[name] for name in _READ]
    (row,) = await db.records(db.rows_of(SESSION, *columns).where(SESSION.c.id == session.id))
    kept = GROUP_NOTES.opened(db.fields, row, row=session.id)
    return in_json(kept) | {"leader_ids": [str(one) for one in session.leader_ids]}


def in_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row with its days, moments and ids as texts."""
    return {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _as_it_was(content: Mapping[str, Any]) -> dict[str, Any]:
    # Without what was not kept yet when it was set aside.
    return {
        name: None if content[name] is None else read(content[name])
        for name, read in _READ.items()
        if name in content
    }


async def copy_roster(db: Transaction, session: GroupSession, from_id: UUID | None, to_id: UUID) -> None:
    """Have what was written about each patient, and its authors, stand under another documentation id too.

    Where a later documentation got further, its versions go on from there: who still shows that one is
    refused (DOC-5).
    """
    rows = await db.records(db.rows_of(ROSTER_ENTRY).where(ROSTER_ENTRY.c.documentation_id == from_id))
    so_far = await versions_so_far(db, session.id)
    copies = [
        # A field opens in its own row alone.
        ROSTERS.sealed(db.fields, ROSTERS.opened(db.fields, row) | {"documentation_id": to_id})
        | _raised(row, so_far.get(row["patient_id"], 0))
        for row in rows
    ]
    await insert_new(db.connection, ROSTER_ENTRY, copies)
    await copy_authors(db, from_id, to_id)


def _raised(row: Mapping[str, Any], so_far: int) -> dict[str, int]:
    if so_far <= max(row["note_version"], row["attendance_version"]):
        return {}
    return dict.fromkeys(("note_version", "attendance_version"), so_far + 1)


async def restore_session(
    database: Database, identity: Identity, session_id: UUID, *, clock: Clock
) -> Status:
    """Bring back what was documented and deleted last, until something new is; give the status (DOC-6).

    Never distributed: as it was, with its signatures. Distributed: its chart notes are entered in error for
    good, so it comes back in progress under a new documentation id, to be signed again.
    """
    now = clock()
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, Move.RESTORE)
        kept = await _deleted_last(db, session)
        status, documentation_id = Status(kept.status), kept.documentation_id
        if kept.distributed:
            status, documentation_id = Status.IN_PROGRESS, new_id()
            await copy_roster(db, session, kept.documentation_id, documentation_id)
        elif status is Status.IN_PROGRESS and not await _is_signed(db, kept.documentation_id):
            # Setting it aside has frozen it; its writers go on in a copy.
            documentation_id = new_id()
            await copy_roster(db, session, kept.documentation_id, documentation_id)
        back = {
            "status": status.value,
            "documentation_id": documentation_id,
            # Another group note may have been read meanwhile: it stays stale (DOC-5).
            "note_version": SESSION.c.note_version + 1,
        }
        content = _content_of(db, kept)
        await change_session(db, session, back | _as_it_was(content))
        leader_ids = [UUID(one) for one in content["leader_ids"]]
        await set_leaders(db, session_id, leader_ids, documentation_id=documentation_id)
        if content.get("note_by") is not None:
            # What was set aside before authors were kept names them here alone.
            await add_authors(db, documentation_id, [UUID(content["note_by"])])
        await record_access_to(
            db,
            TRAIL,
            patient_ids=await ids_on_roster(db, documentation_id),
            at=now,
            user_id=identity.user_id,
            action="session.restored",
            subject=session_id,
        )
    return status


async def _deleted_last(db: Transaction, session: GroupSession) -> Any:
    """Give the last one in which something was documented; the last one at all where there is none."""
    found = await db.all(
        db.rows_of(DISCARDED)
        .where(DISCARDED.c.session_id == session.id, DISCARDED.c.how == Move.DELETE.value)
        .order_by(DISCARDED.c.discarded_at.desc(), DISCARDED.c.id.desc())
    )
    if not found:
        raise ConflictProblem("Nothing of this session was deleted.")
    entry = ROSTER_ENTRY
    filled = db.rows_of(entry, entry.c.documentation_id).where(
        entry.c.documentation_id.in_([one.documentation_id for one in found]),
        or_(entry.c.attendance.is_not(None), entry.c.has_note),
    )
    rosters = {row.documentation_id for row in await db.all(filled.distinct())}
    return next(
        (one for one in found if one.documentation_id in rosters or _has_group_note(_content_of(db, one))),
        found[0],
    )


def _has_group_note(content: Mapping[str, Any]) -> bool:
    # A topic alone may be the template's; when the note was written was not always kept.
    return bool(content.get("note_at", content["topic"]))


def _content_of(db: Transaction, kept: Any) -> Mapping[str, Any]:
    content: Mapping[str, Any] = DISCARDED_ONES.opened(db.fields, {"content": kept.content}, row=kept.id)[
        "content"
    ]
    return content


async def _is_signed(db: Transaction, documentation_id: UUID) -> bool:
    from_signatures = db.rows_of(SIGNATURE, func.count().label("signed"))
    row = await db.one_or_none(from_signatures.where(SIGNATURE.c.documentation_id == documentation_id))
    return row is not None and row.signed > 0
