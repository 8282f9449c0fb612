"""The shapes of the API, for its description; tests hold what is served to them."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.printing.domain import JobStatus, Kind
from shared.web.shapes import Shape as RequestShape


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class PrintJobLinks(Shape):
    self_: str = Field(alias="self")
    file: str | None = None
    """The PDF; there once the job is ready."""


class PrintJob(Shape):
    """How the making of one file stands (PRINT-5)."""

    id: UUID
    kind: Kind
    session_id: UUID | None
    """Null for the sheets of several sessions."""
    status: JobStatus
    """A job whose session is annotated or retracted is queued again: its file shows the newest state."""
    reason: str | None
    """Why it failed: a class of error and a place in our code, for whoever looks after the system."""
    warnings: list[str]
    """What a person should know who holds the paper, such as letters that no installed font has."""
    pages: int | None
    """Null until it is ready, as `bytes`."""
    bytes: int | None
    links: PrintJobLinks


class RecordRequest(RequestShape):
    """Of which session the attendance record is wanted."""

    session_id: UUID


class NoteRequest(RequestShape):
    """Which chart note is wanted, by what the chart says of it."""

    documentation_id: UUID
    patient_id: UUID


class JobCounts(Shape):
    queued: int
    rendering: int
    ready: int
    failed: int


class Counts(Shape):
    """How many print jobs the instance has, by status."""

    jobs: JobCounts
