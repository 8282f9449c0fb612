"""What can be done with a session on its day, from its start to its last signature."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.sessions.directory.repository import load_location
from services.sessions.documentation.authors import add_authors
from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.lifecycle import Move
from services.sessions.documentation.moving import session_to_move
from services.sessions.documentation.numbering import group_note_version
from services.sessions.documentation.parts import (
    Author,
    version_in,
    write_attendance,
    write_group_note_part,
    write_note_part,
)
from services.sessions.documentation.repository import (
    add_leader,
    change_session,
    freeze_roster,
    ids_on_roster,
)
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.enrolment import expected_patients
from shared.clock import Clock
from shared.database.audit import record_access_to
from shared.database.transactions import Database, Transaction
from shared.events.record import Attendance
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem


async def start_session(database: Database, identity: Identity, session_id: UUID, *, clock: Clock) -> None:
    """Begin to document: freeze the roster, give an unassigned session a leader (DOC-2, PERM-2, PERM-3).

    With nobody expected it begins too: walk-ins can be added, and without one it can't be signed.
    """
    now = clock()
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, Move.START)
        await _require_day_has_come(db, session, now)
        documentation_id = new_id()
        patients = await expected_patients(db, session.id)
        patient_ids = [patient.id for patient in patients]
        await freeze_roster(db, session, documentation_id, patient_ids)
        if not session.leader_ids:
            await add_leader(db, session, identity.user_id)
        await add_authors(db, documentation_id, session.leader_ids or [identity.user_id])
        started = {
            "status": Status.IN_PROGRESS.value,
            "documentation_id": documentation_id,
            "started_at": now,
            "note_version": group_note_version(db),
        }
        await change_session(db, session, started)
        await _record(db, identity, "session.started", session_id, now, about=patient_ids)


async def _require_day_has_come(db: Transaction, session: GroupSession, now: datetime) -> None:
    location = await load_location(db, session.location_id)
    if session.held_on > now.astimezone(ZoneInfo(location.time_zone)).date():
        raise ConflictProblem(f"This session is planned for {session.held_on}; start it on that day.")


async def mark_attendance(
    database: Database,
    identity: Identity,
    session_id: UUID,
    marks: Mapping[UUID, Mapping[str, Any]],
    *,
    rest: Attendance | None = None,
    clock: Clock,
) -> None:
    """Mark patients of the roster present or absent, with their own times where they differ (DOC-3).

    `rest` is for all others who are not marked yet.
    """
    now = clock()
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, Move.WRITE, shared=True)
        author = Author(user_id=identity.user_id, at=now)
        marked = await write_attendance(db, session, marks, rest=rest, author=author)
        await _record(db, identity, "attendance.marked", session_id, now, about=marked)


async def write_individual_note(
    database: Database,
    identity: Identity,
    session_id: UUID,
    patient_id: UUID,
    *,
    text: str,
    problems: Sequence[str],
    if_match: str | None,
    clock: Clock,
) -> int:
    """Write the note about one patient in this session; give its new version (DOC-4, DOC-5)."""
    now = clock()
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, Move.WRITE, shared=True)
        version = await write_note_part(
            db,
            session,
            patient_id,
            {"individual_note": text, "problems": list(problems)},
            version=version_in(if_match),
            author=Author(user_id=identity.user_id, at=now),
        )
        await _record(db, identity, "individual_note.written", session_id, now, about=[patient_id])
    return version


async def write_group_note(
    database: Database,
    identity: Identity,
    session_id: UUID,
    changes: Mapping[str, Any],
    *,
    if_match: str | None,
    clock: Clock,
) -> int:
    """Write what `changes` name of what is shared by all; give the part's new version (DOC-4, DOC-5)."""
    now = clock()
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, Move.WRITE)
        author = Author(user_id=identity.user_id, at=now)
        version = await write_group_note_part(
            db, session, changes, version=version_in(if_match), author=author
        )
        about = await ids_on_roster(db, session.documentation_id)
        await _record(db, identity, "group_note.written", session_id, now, about=about)
    return version


async def _record(
    db: Transaction,
    identity: Identity,
    action: str,
    session_id: UUID,
    at: datetime,
    *,
    about: Iterable[UUID] = (),
) -> None:
    await record_access_to(
        db,
        TRAIL,
        patient_ids=about,
        at=at,
        user_id=identity.user_id,
        action=action,
        subject=session_id,
    )
