"""The API's shapes of documentation."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.events.record import Attendance
from shared.web.shapes import Instant, Shape, Text, Title

ROSTER_AT_MOST = 500


class Mark(Shape):
    """One patient's attendance."""

    patient_id: UUID
    attendance: Attendance
    minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    """The patient's own time, when it differs from the session's."""


class Marks(Shape):
    """Attendance of some or all of the roster."""

    marks: Annotated[tuple[Mark, ...], Field(min_length=1, max_length=ROSTER_AT_MOST)]


class GroupNote(Shape):
    """What is shared by all."""

    topic: Title
    description: Text = ""
    started_at: Instant | None = None
    ended_at: Instant | None = None


class IndividualNote(Shape):
    """What is about one patient alone."""

    text: Text
