"""What is answered about templates: described for those who generate clients, served straight from rows."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.sessions.directory.answers import Answer
from services.sessions.templates.domain import Modality
from services.sessions.templates.schemas import TemplateBilling

WallClockText = Annotated[str, Field(pattern=r"^\d{2}:\d{2}:\d{2}(\.\d+)?$")]
"""The time on the location's wall: no offset."""


class Made(Answer):
    """The id of what was made."""

    id: UUID


class TemplateAnswer(Answer):
    """A group session template."""

    id: UUID
    location_ids: list[UUID]
    title: str
    description: str
    first_on: date
    starts_at: WallClockText
    duration_minutes: int
    recurrence: str | None
    leader_ids: list[UUID]
    enabled: bool
    notes_required: bool
    billing: TemplateBilling | None
    caseload: bool
    topic: str
    note: str
    capacity: int | None
    modality: Modality
    link: str | None
    exceptions: list[date]
    version: int


class OccurrenceChangeAnswer(Answer):
    """One occurrence that is not as the series has it, at one location."""

    location_id: UUID
    on: date
    cancelled: bool
    moved_to: date | None
    starts_at: WallClockText | None


class WholeTemplateAnswer(TemplateAnswer):
    """A group session template with its moved and cancelled occurrences."""

    changes: list[OccurrenceChangeAnswer]


class TemplatePage(Answer):
    """Some templates, by title."""

    items: list[TemplateAnswer]
    next: str | None
