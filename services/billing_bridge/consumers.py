"""What the billing bridge hears, and what it does then."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.billing_bridge.corrections import make_charges, retract_charges
from services.billing_bridge.models import staff_access
from shared.clock import now_utc
from shared.database.transactions import WideTransaction
from shared.events.catalogue import (
    SESSION_ANNOTATED,
    SESSION_COMPLETED,
    SESSION_RETRACTED,
    SESSION_REVIEWED,
    STAFF_ACCESS_CHANGED,
)
from shared.events.envelope import Envelope
from shared.events.record import SessionRecord, SessionRetracted
from shared.events.staff import StaffAccessChanged
from shared.messaging.consuming import Handler
from shared.web.staff_access import keep_staff_access


async def session_documented(db: WideTransaction, envelopes: Sequence[Envelope[SessionRecord]]) -> None:
    """Make the charges of sessions that are completed; an annotation changes none, and may come first."""
    await make_charges(db, envelopes, now=now_utc())


async def session_retracted(db: WideTransaction, envelopes: Sequence[Envelope[SessionRetracted]]) -> None:
    """Reverse the charges of documentations that are void."""
    await retract_charges(db, envelopes, now=now_utc())


async def staff_access_changed(
    db: WideTransaction, envelopes: Sequence[Envelope[StaffAccessChanged]]
) -> None:
    """Keep what staff may do here."""
    await keep_staff_access(db.connection, staff_access, envelopes)


HANDLERS: Final[Mapping[str, Handler]] = {
    SESSION_COMPLETED: session_documented,
    SESSION_REVIEWED: session_documented,
    SESSION_ANNOTATED: session_documented,
    SESSION_RETRACTED: session_retracted,
    STAFF_ACCESS_CHANGED: staff_access_changed,
}
