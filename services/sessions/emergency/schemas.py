"""The API's shapes of emergency access."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.sessions.directory.answers import Answer
from shared.web.shapes import Shape, Storable


class NewEmergencyAccess(Shape):
    """Whose chart has to be read now, and why."""

    patient_id: UUID
    reason: Annotated[Storable, Field(min_length=10, max_length=2000, pattern=r"\S")]


class EmergencyAccessAnswer(Answer):
    """One emergency access."""

    id: UUID
    user_id: UUID
    patient_id: UUID
    reason: str
    opened_at: datetime
    until: datetime
    """When it ends or has ended."""
    reviewed_by: UUID | None
    reviewed_at: datetime | None


class EmergencyAccessPage(Answer):
    """Emergency accesses, newest first."""

    items: list[EmergencyAccessAnswer]
    next: str | None
    """The cursor of the next page; null: there is none."""
