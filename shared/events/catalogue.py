"""Every event type and every subscription. Reading these two tables is reading the system."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.events.attention import SessionNeedsAttention
from shared.events.contract import Contract
from shared.events.emergency import EmergencyAccess
from shared.events.envelope import Envelope, envelope_of
from shared.events.record import SessionRecord, SessionRetracted
from shared.events.settings import InstanceSettingsChanged
from shared.events.sheet import PrintJobQueued, SignInSheet, SignInSheets
from shared.events.staff import StaffAccessChanged

SESSION_COMPLETED: Final = "opencircle.group_session.completed.v1"
SESSION_REVIEWED: Final = "opencircle.group_session.reviewed.v1"
SHEET_REQUESTED: Final = "opencircle.sign_in_sheet.requested.v1"
SHEETS_REQUESTED: Final = "opencircle.sign_in_sheets.requested.v1"
PRINT_JOB_QUEUED: Final = "opencircle.print_job.queued.v1"
SESSION_ANNOTATED: Final = "opencircle.group_session.annotated.v1"
SESSION_RETRACTED: Final = "opencircle.group_session.retracted.v1"
SESSION_NEEDS_ATTENTION: Final = "opencircle.group_session.needs_attention.v1"
SETTINGS_CHANGED: Final = "opencircle.instance_settings.changed.v1"
STAFF_ACCESS_CHANGED: Final = "opencircle.staff_access.changed.v1"
EMERGENCY_ACCESS_OPENED: Final = "opencircle.emergency_access.opened.v1"
EMERGENCY_ACCESS_ENDED: Final = "opencircle.emergency_access.ended.v1"

EVENT_TYPES: Final[Mapping[str, type[Contract]]] = {
    SESSION_COMPLETED: SessionRecord,  # signed by all leaders, none of whom requires review
    SESSION_REVIEWED: SessionRecord,  # signed by all leaders, then by a reviewer
    SESSION_ANNOTATED: SessionRecord,  # the whole record again, with all annotations
    SESSION_RETRACTED: SessionRetracted,
    SESSION_NEEDS_ATTENTION: SessionNeedsAttention,  # for front ends, by the event stream
    SETTINGS_CHANGED: InstanceSettingsChanged,
    SHEET_REQUESTED: SignInSheet,
    SHEETS_REQUESTED: SignInSheets,  # of a day, a week or a schedule, in one file
    PRINT_JOB_QUEUED: PrintJobQueued,
    STAFF_ACCESS_CHANGED: StaffAccessChanged,
    EMERGENCY_ACCESS_OPENED: EmergencyAccess,
    EMERGENCY_ACCESS_ENDED: EmergencyAccess,  # earlier than it would have by itself
}


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A service's way in: its queue has its name."""

    name: str
    hears: tuple[str, ...]
    most_per_task: int
    """How many waiting deliveries the relay may pack into one task."""


CONSUMERS: Final[tuple[Consumer, ...]] = (
    Consumer(
        name="charts",
        hears=(
            SESSION_COMPLETED,
            SESSION_REVIEWED,
            SESSION_ANNOTATED,
            SESSION_RETRACTED,
            SETTINGS_CHANGED,
            STAFF_ACCESS_CHANGED,
            EMERGENCY_ACCESS_OPENED,
            EMERGENCY_ACCESS_ENDED,
        ),
        most_per_task=50,
    ),
    Consumer(
        name="billing_bridge",
        hears=(
            SESSION_COMPLETED,
            SESSION_REVIEWED,
            SESSION_ANNOTATED,
            SESSION_RETRACTED,
            STAFF_ACCESS_CHANGED,
        ),
        most_per_task=50,
    ),
    Consumer(
        name="printing",
        hears=(
            SHEET_REQUESTED,
            SHEETS_REQUESTED,
            SESSION_COMPLETED,
            SESSION_REVIEWED,
            SESSION_ANNOTATED,
            SESSION_RETRACTED,
            STAFF_ACCESS_CHANGED,
        ),
        most_per_task=50,
    ),
    # A render takes a thousand times longer than a row: one a task, so that children share the work.
    Consumer(name="printing.render", hears=(PRINT_JOB_QUEUED,), most_per_task=1),
)


def subscribers(event_type: str) -> tuple[str, ...]:
    """Name the consumers that hear of `event_type`."""
    return tuple(consumer.name for consumer in CONSUMERS if event_type in consumer.hears)


def parse(body: str | bytes, event_type: str) -> Envelope[Any]:
    """Read an envelope and its facts; raises `pydantic.ValidationError` or `KeyError` (unknown type)."""
    return envelope_of(EVENT_TYPES[event_type]).model_validate_json(body)
