"""The shapes of the API, for its description; tests hold what is served to them."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.printing.domain import JobStatus


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class PrintJobLinks(Shape):
    self_: str = Field(alias="self")
    file: str | None = None
    """The PDF; there once the job is ready."""


class PrintJob(Shape):
    """How the making of one sheet stands (PRINT-5)."""

    id: UUID
    session_id: UUID
    status: JobStatus
    reason: str | None
    """Why it failed: a class of error and a place in our code, for whoever looks after the system."""
    pages: int | None
    """Null until it is ready, as `bytes`."""
    bytes: int | None
    links: PrintJobLinks


class JobCounts(Shape):
    queued: int
    rendering: int
    ready: int
    failed: int


class Counts(Shape):
    """How many print jobs the instance has, by status."""

    jobs: JobCounts
