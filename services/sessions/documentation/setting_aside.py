"""Returning, reopening and deleting: what was documented is set aside, never lost (SIGN-3, DOC-6).

Once signed, a documentation never changes. So whoever has to go on writing gets a copy under a new
documentation id, and the signatures stay with the old one.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert

from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_staff
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.checking import acknowledged_by
from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.findings import Finding
from services.sessions.documentation.lifecycle import Move
from services.sessions.documentation.models import DISCARDED
from services.sessions.documentation.moving import session_to_move
from services.sessions.documentation.names_of_others import RosterNames
from services.sessions.documentation.pre_sign_check import names_in_text
from services.sessions.documentation.repository import (
    change_session,
    freeze,
    ids_on_roster,
    load_session,
)
from services.sessions.documentation.restoring import as_it_is, copy_roster
from services.sessions.documentation.roster import patients_of
from services.sessions.metadata import LEDGER, SERVICE, TRAIL
from services.sessions.scheduling.domain import Status
from services.sessions.sealed_columns import DISCARDED_ONES
from services.sessions.templates.repository import load_templates
from shared.clock import Clock
from shared.database.audit import record_access_to
from shared.database.transactions import Database, Transaction
from shared.events.catalogue import SESSION_RETRACTED
from shared.events.record import SessionRetracted
from shared.identifiers import new_id
from shared.messaging.outbox import publish
from shared.web.cursors import Page, past
from shared.web.identity import Identity

_NOTHING: Final[Mapping[str, Any]] = dict.fromkeys(("started_at", "ended_at", "note_by", "note_at"))


async def return_session(
    database: Database, identity: Identity, session_id: UUID, *, reason: str, clock: Clock
) -> None:
    """Send a session back from review: in progress again, its signatures void (SIGN-3)."""
    await _open_a_copy(database, identity, session_id, move=Move.RETURN, reason=reason, clock=clock)


async def reopen_session(
    database: Database, identity: Identity, session_id: UUID, *, reason: str, clock: Clock
) -> None:
    """Make a session that some leaders have signed writable again; their signatures are void."""
    await _open_a_copy(database, identity, session_id, move=Move.REOPEN, reason=reason, clock=clock)


async def _open_a_copy(
    database: Database, identity: Identity, session_id: UUID, *, move: Move, reason: str, clock: Clock
) -> None:
    now = clock()
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, move)
        await _set_aside(db, identity, session, move=move, reason=reason, now=now)
        copy_id = new_id()
        await copy_roster(db, session, session.documentation_id, copy_id)
        changes = {"status": Status.IN_PROGRESS.value, "documentation_id": copy_id}
        await change_session(db, session, changes)
        await _record(db, identity, f"session.{move.value}ed", session, now)


async def delete_session(
    database: Database,
    identity: Identity,
    session_id: UUID,
    *,
    reason: str,
    acknowledged: Collection[str] = (),
    clock: Clock,
) -> None:
    """Move a session back to Upcoming without its notes and signatures (DOC-6).

    Was it Completed, the charts and the bills hear that it was retracted, and why. Raises
    `UnacknowledgedProblem` when that reason names a patient (DIST-3) and `acknowledged` lacks the finding.
    """
    now = clock()
    async with database.writing(identity.instance_id) as db:
        session = await session_to_move(db, identity, session_id, Move.DELETE)
        seen = await _names_acknowledged(db, session, reason, acknowledged)
        await _set_aside(db, identity, session, move=Move.DELETE, reason=reason, now=now)
        # As the plan made it: with what its template gives to write from (TPL-2).
        template = (await load_templates(db, [session.template_id]))[session.template_id]
        planned = {"topic": template.topic, "description": template.note}
        changes = {"status": Status.UPCOMING.value, "documentation_id": None, **_NOTHING, **planned}
        await change_session(db, session, changes)
        if session.status is Status.COMPLETED:
            await _retract(db, identity, session, reason=reason, now=now)
        action = "session.deleted_with_names_acknowledged" if seen else "session.deleted"
        await _record(db, identity, action, session, now)


async def _names_acknowledged(
    db: Transaction, session: GroupSession, reason: str, acknowledged: Collection[str]
) -> list[Finding]:
    if session.status is not Status.COMPLETED:
        # No chart has a note that could show the reason.
        return []
    names = RosterNames(await patients_of(db, session))
    found = names_in_text(
        names, reason, about=None, pointer="#/reason", documentation_id=session.documentation_id
    )
    return acknowledged_by(found, acknowledged)


async def _set_aside(
    db: Transaction, identity: Identity, session: GroupSession, *, move: Move, reason: str, now: datetime
) -> None:
    assert session.documentation_id is not None  # noqa: S101 - none of these moves exists before the start
    await freeze(db, session.documentation_id, at=now)
    values = {
        "id": new_id(),
        "instance_id": db.instance_id,
        "session_id": session.id,
        "documentation_id": session.documentation_id,
        "how": move.value,
        "reason": reason,
        "discarded_at": now,
        "discarded_by": identity.user_id,
        "status": session.status.value,
        "distributed": session.status is Status.COMPLETED,
        "content": await as_it_is(db, session),
    }
    await db.execute(insert(DISCARDED).values(DISCARDED_ONES.sealed(db.fields, values)))


async def _retract(
    db: Transaction, identity: Identity, session: GroupSession, *, reason: str, now: datetime
) -> None:
    assert session.documentation_id is not None  # noqa: S101 - it was completed
    member = (await load_staff(db, [identity.user_id]))[identity.user_id]
    facts = SessionRetracted(
        session_id=session.id,
        documentation_id=session.documentation_id,
        version=session.version + 1,
        reason=reason,
        retracted_at=now,
        retracted_by=member.id,
        printed_name=member.printed_name,
    )
    await publish(
        db,
        LEDGER,
        source=SERVICE,
        event_type=SESSION_RETRACTED,
        subject=session.id,
        facts=facts,
        at=now,
    )


async def read_history(
    database: Database,
    identity: Identity,
    session_id: UUID,
    *,
    cursor: str | None,
    limit: int,
    clock: Clock,
) -> Page:
    """List what was set aside of a session, newest first, with group notes and reasons (DOC-6)."""
    columns = [column for column in DISCARDED.c if column.name not in {"instance_id", "session_id"}]
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_SESSIONS)
        await load_session(db, session_id)
        rows = db.rows_of(DISCARDED, *columns).where(DISCARDED.c.session_id == session_id)
        order = (DISCARDED.c.discarded_at, DISCARDED.c.id)
        if cursor is not None:
            rows = rows.where(past(cursor, order, descending=True))
        kept = await db.records(rows.order_by(*(one.desc() for one in order)).limit(limit + 1))
        found = [DISCARDED_ONES.opened(db.fields, one) for one in kept]
        page = Page.of(found, limit=limit, keys=["discarded_at", "id"])
        named = {UUID(one["content"]["patient_id"]) for one in page.items if "patient_id" in one["content"]}
        await record_access_to(
            db,
            TRAIL,
            patient_ids=sorted(named),
            at=clock(),
            user_id=identity.user_id,
            action="session.history_seen",
            subject=session_id,
        )
    return page


async def _record(
    db: Transaction, identity: Identity, action: str, session: GroupSession, at: datetime
) -> None:
    await record_access_to(
        db,
        TRAIL,
        patient_ids=await ids_on_roster(db, session.documentation_id),
        at=at,
        user_id=identity.user_id,
        action=action,
        subject=session.id,
    )
