"""What is answered by the day view and the worklists: described for clients, served straight from rows."""

from datetime import date, datetime
from uuid import UUID

from services.sessions.directory.answers import Answer
from services.sessions.documentation.answers import LeaderAnswer
from services.sessions.scheduling.domain import Status
from services.sessions.templates.domain import Modality


class ListedSession(Answer):
    """What a list shows of a session."""

    id: UUID
    template_id: UUID
    title: str
    topic: str
    status: Status
    starts_at: datetime
    duration_minutes: int
    version: int


class SessionOfDay(ListedSession):
    """One row of the day view."""

    modality: Modality
    capacity: int | None
    roster_size: int
    """Who is expected until the session starts, and who is on its roster from then on."""
    leaders: list[LeaderAnswer]


class DayAnswer(Answer):
    """A location's sessions of one date, each group by start, then title."""

    location_id: UUID
    date: date
    time_zone: str
    upcoming: list[SessionOfDay]
    in_progress_or_completed: list[SessionOfDay]
    pending_review: list[SessionOfDay]
    cancelled: list[SessionOfDay]


class LeaderToSign(LeaderAnswer):
    """A leader, and whether they have signed."""

    signed: bool


class WaitingSession(ListedSession):
    """One row of a worklist."""

    documentation_id: UUID | None
    location_id: UUID
    held_on: date
    """The date at the location."""
    leaders: list[LeaderToSign]


class WorklistPage(Answer):
    """What waits, the longest waiting first."""

    items: list[WaitingSession]
    next: str | None
