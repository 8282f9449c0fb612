"""What the printing service hears, and what it does then. Renders have a way in of their own: `rendering`."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.printing.models import staff_access
from services.printing.queueing import keep_records, keep_retractions, queue_sheets
from shared.clock import now_utc
from shared.database.transactions import WideTransaction
from shared.events.catalogue import (
    SESSION_ANNOTATED,
    SESSION_COMPLETED,
    SESSION_RETRACTED,
    SESSION_REVIEWED,
    SHEET_REQUESTED,
    SHEETS_REQUESTED,
    STAFF_ACCESS_CHANGED,
)
from shared.events.envelope import Envelope
from shared.events.record import SessionRecord, SessionRetracted
from shared.events.sheet import SignInSheet, SignInSheets
from shared.events.staff import StaffAccessChanged
from shared.messaging.consuming import Handler
from shared.web.staff_access import keep_staff_access


async def sheets_requested(
    db: WideTransaction, envelopes: Sequence[Envelope[SignInSheet] | Envelope[SignInSheets]]
) -> None:
    """Queue the sheets for rendering."""
    await queue_sheets(db, envelopes, queued_at=now_utc())


async def session_documented(db: WideTransaction, envelopes: Sequence[Envelope[SessionRecord]]) -> None:
    """Keep what records and notes are printed from, and queue the attendance record."""
    await keep_records(db, envelopes, at=now_utc())


async def session_retracted(db: WideTransaction, envelopes: Sequence[Envelope[SessionRetracted]]) -> None:
    """Print again, as entered in error, what was printed of it."""
    await keep_retractions(db, envelopes, at=now_utc())


async def staff_access_changed(
    db: WideTransaction, envelopes: Sequence[Envelope[StaffAccessChanged]]
) -> None:
    """Keep what staff may do here."""
    await keep_staff_access(db.connection, staff_access, envelopes)


HANDLERS: Final[Mapping[str, Handler]] = {
    SHEET_REQUESTED: sheets_requested,
    SHEETS_REQUESTED: sheets_requested,
    SESSION_COMPLETED: session_documented,
    SESSION_REVIEWED: session_documented,
    SESSION_ANNOTATED: session_documented,
    SESSION_RETRACTED: session_retracted,
    STAFF_ACCESS_CHANGED: staff_access_changed,
}
