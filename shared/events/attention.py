"""What waits for somebody: front ends notify by it, no service consumes it (DOC-7)."""

from enum import StrEnum
from uuid import UUID

from shared.events.contract import Contract


class Waiting(StrEnum):
    """Why a session is on a worklist."""

    NOT_STARTED = "not_started"
    INCOMPLETE = "incomplete"
    AWAITING_SIGNATURE = "awaiting_signature"
    AWAITING_REVIEW = "awaiting_review"


class SessionNeedsAttention(Contract):
    """A session has come onto a worklist; no patient is named."""

    session_id: UUID
    waiting: Waiting
    user_ids: tuple[UUID, ...]
    """Whose turn it is; admins see it on their worklist too."""
