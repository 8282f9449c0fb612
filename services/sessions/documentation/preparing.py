"""Sign-in sheets are asked for ahead, and again only when something on them has changed (PRINT-2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from services.sessions.configuration.repository import load_settings
from services.sessions.documentation.models import PREPARED_SHEET
from services.sessions.documentation.repository import load_sessions
from services.sessions.documentation.sheets import sheets_of
from services.sessions.metadata import LEDGER, SERVICE
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.models import SESSION
from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.events.catalogue import SHEET_REQUESTED
from shared.events.sheet import SignInSheet
from shared.identifiers import new_id
from shared.messaging.outbox import publish_all


@dataclass(frozen=True, kw_only=True)
class SheetPreparing:
    """Asks for the sheets of one instance's next sessions. Calling it twice asks once."""

    hours_ahead: int
    """How long before its start a roster is taken for final; 0: nothing is asked for ahead."""

    async def __call__(self, db: Transaction, *, now: datetime) -> None:
        """Ask for the sheet of each session that starts soon, unless it was asked for with the same facts."""
        soon = now + timedelta(hours=self.hours_ahead)
        sessions = await load_sessions(
            db,
            SESSION.c.status == Status.UPCOMING.value,
            SESSION.c.starts_at >= now,
            SESSION.c.starts_at < soon,
        )
        if not sessions:
            return
        settings = await load_settings(db)
        sheets = await sheets_of(db, sessions, job_id=_NO_JOB, settings=settings)
        asked = await _asked_for(db, [one.session_id for one in sheets])
        due = [one for one in sheets if asked.get(one.session_id) != _found_by(db, one)]
        await _ask(db, due, now=now)


_NO_JOB = UUID(int=0)
"""Stands in for a job's id until it is known that there will be one."""


def _found_by(db: Transaction, sheet: SignInSheet) -> str:
    # Blind: who guesses a sheet, names and all, must not be able to try whether it is the one.
    digest = sha256(sheet.model_dump_json(exclude={"job_id"}).encode()).hexdigest()
    return db.fields.blind(digest, place="prepared_sheet.facts_sha256")


async def _asked_for(db: Transaction, session_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    prepared = PREPARED_SHEET
    rows = await db.all(db.rows_of(prepared).where(prepared.c.session_id.in_(session_ids)))
    return {row.session_id: row.facts_sha256 for row in rows}


async def _ask(db: Transaction, sheets: Sequence[SignInSheet], *, now: datetime) -> None:
    if not sheets:
        return
    rows = [
        {
            "session_id": one.session_id,
            "instance_id": db.instance_id,
            "facts_sha256": _found_by(db, one),
            "asked_at": now,
        }
        for one in sheets
    ]
    statement = upsert(db.connection, PREPARED_SHEET, rows[0])
    changed = {name: statement.excluded[name] for name in ("facts_sha256", "asked_at")}
    await db.execute(statement.on_conflict_do_update(index_elements=["session_id"], set_=changed), rows)
    # One event each: it is a job of its own, and its render takes a thousand times longer.
    await publish_all(
        db,
        LEDGER,
        source=SERVICE,
        event_type=SHEET_REQUESTED,
        facts={one.session_id: one.model_copy(update={"job_id": new_id()}) for one in sheets},
        at=now,
    )
