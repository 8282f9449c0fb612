"""What is answered about schedules and assignments: described here, served straight from rows."""

from datetime import date, datetime
from uuid import UUID

from services.sessions.directory.answers import Answer
from services.sessions.scheduling.domain import Status
from services.sessions.templates.domain import Modality


class Generated(Answer):
    """The sessions of the days asked for, new or not."""

    session_ids: list[UUID]


class Assigned(Answer):
    """The assignments that were made, or were there already."""

    ids: list[UUID]


class OccurrenceAnswer(Answer):
    """A group's meeting on one day of the week, Monday being 1."""

    template_id: UUID
    weekday: int
    title: str


class ScheduleAnswer(Answer):
    """A schedule template."""

    id: UUID
    location_id: UUID
    title: str
    version: int
    occurrences: list[OccurrenceAnswer]


class SchedulePage(Answer):
    """Some schedule templates, by title."""

    items: list[ScheduleAnswer]
    next: str | None


class AssignmentAnswer(Answer):
    """A patient's place in one of three: a schedule, a group at a location, a single session."""

    id: UUID
    patient_id: UUID
    schedule_id: UUID | None
    template_id: UUID | None
    location_id: UUID | None
    """Of a group alone."""
    session_id: UUID | None
    starts_on: date
    ends_on: date | None
    assigned_at: datetime
    version: int


class AssignmentPage(Answer):
    """Some of a patient's assignments, the oldest first."""

    items: list[AssignmentAnswer]
    next: str | None


class PatientSessionAnswer(Answer):
    """A session in a patient's schedule."""

    id: UUID
    template_id: UUID
    location_id: UUID
    location_name: str
    held_on: date
    title: str
    starts_at: datetime
    duration_minutes: int
    status: Status
    modality: Modality
    link: str | None
    waiting_position: int | None
    """Null: has a place."""


class PatientSessionPage(Answer):
    """Some of a patient's sessions, by start."""

    items: list[PatientSessionAnswer]
    next: str | None


class NewFeedAnswer(Answer):
    """A calendar feed and its address, which is shown this once."""

    id: UUID
    path: str


class FeedAnswer(Answer):
    """A calendar feed."""

    id: UUID
    made_at: datetime


class FeedPage(Answer):
    """Some calendar feeds, the oldest first."""

    items: list[FeedAnswer]
    next: str | None
