"""What the printing service hears, and what it does then. Renders have a way in of their own: `rendering`."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.printing.models import staff_access
from services.printing.use_cases import queue_sheets
from shared.clock import now_utc
from shared.events.catalogue import SHEET_REQUESTED, STAFF_ACCESS_CHANGED
from shared.events.envelope import Envelope
from shared.events.sheet import SignInSheet
from shared.events.staff import StaffAccessChanged
from shared.messaging.consuming import Handler
from shared.web.staff_access import keep_staff_access


async def sheet_requested(connection: AsyncConnection, envelopes: Sequence[Envelope[SignInSheet]]) -> None:
    """Queue the sheets for rendering."""
    await queue_sheets(connection, envelopes, queued_at=now_utc())


async def staff_access_changed(
    connection: AsyncConnection, envelopes: Sequence[Envelope[StaffAccessChanged]]
) -> None:
    """Keep what staff may do here."""
    await keep_staff_access(connection, staff_access, envelopes)


HANDLERS: Final[Mapping[str, Handler]] = {
    SHEET_REQUESTED: sheet_requested,
    STAFF_ACCESS_CHANGED: staff_access_changed,
}
