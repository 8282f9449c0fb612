"""Sessions before they are held."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid5


class Status(StrEnum):
    """Where a session stands."""

    UPCOMING = "upcoming"
    IN_PROGRESS = "in_progress"
    PENDING_REVIEW = "pending_review"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class PlannedSession:
    """One occurrence of a template on one date."""

    id: UUID
    template_id: UUID
    location_id: UUID
    held_on: date
    title: str
    starts_at: datetime
    duration_minutes: int
    leader_ids: tuple[UUID, ...]


def session_id_of(template_id: UUID, held_on: date) -> UUID:
    """Give the id of a template's session on a date: generating twice gives the same sessions (TPL-3)."""
    return uuid5(template_id, held_on.isoformat())
