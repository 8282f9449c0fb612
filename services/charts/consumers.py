"""What the charts service hears, and what it does then."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.charts.emergency import keep_emergency_access
from services.charts.models import instance_settings, staff_access
from services.charts.tabs.repository import add_missing_tabs
from services.charts.tabs.use_cases import instances_switched_on
from services.charts.use_cases import file_notes, mark_entered_in_error
from shared.clock import now_utc
from shared.database.transactions import WideTransaction
from shared.events.catalogue import (
    EMERGENCY_ACCESS_ENDED,
    EMERGENCY_ACCESS_OPENED,
    SESSION_ANNOTATED,
    SESSION_COMPLETED,
    SESSION_RETRACTED,
    SESSION_REVIEWED,
    SETTINGS_CHANGED,
    STAFF_ACCESS_CHANGED,
)
from shared.events.envelope import Envelope
from shared.events.record import SessionRecord, SessionRetracted
from shared.events.settings import InstanceSettingsChanged
from shared.events.staff import StaffAccessChanged
from shared.messaging.consuming import Handler
from shared.web.instance_settings import keep_instance_settings
from shared.web.staff_access import keep_staff_access


async def session_documented(db: WideTransaction, envelopes: Sequence[Envelope[SessionRecord]]) -> None:
    """File the notes of sessions, and what was added to them: a record tells all, whichever comes first."""
    await file_notes(db, envelopes, filed_at=now_utc())


async def session_retracted(db: WideTransaction, envelopes: Sequence[Envelope[SessionRetracted]]) -> None:
    """Mark the notes of a void documentation, filed already or not."""
    await mark_entered_in_error(db, envelopes)


async def settings_changed(
    db: WideTransaction, envelopes: Sequence[Envelope[InstanceSettingsChanged]]
) -> None:
    """Keep what instances have chosen; where Group Sessions are switched on, charts get their tab (TAB-1)."""
    switched_on = await instances_switched_on(db.connection, envelopes)
    await keep_instance_settings(db.connection, instance_settings, envelopes)
    await add_missing_tabs(db.connection, switched_on)


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
    SETTINGS_CHANGED: settings_changed,
    STAFF_ACCESS_CHANGED: staff_access_changed,
    EMERGENCY_ACCESS_OPENED: keep_emergency_access,
    EMERGENCY_ACCESS_ENDED: keep_emergency_access,
}
