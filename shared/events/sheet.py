"""What a sign-in sheet shows, and no more: printing never learns a full name (PRINT-1)."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.events.contract import Contract, Moment


class Paper(StrEnum):
    """Sheet sizes in use (PRINT-4)."""

    LETTER = "Letter"
    A4 = "A4"


class SignInSheet(Contract):
    """One sheet on the table of one group session."""

    job_id: UUID
    """The print job: its status and file are asked for by this id."""
    session_id: UUID
    location_name: str
    time_zone: str
    """IANA name; date and time are printed as they are there."""
    group_title: str
    starts_at: Moment
    duration_minutes: Annotated[int, Field(gt=0)]
    leaders: tuple[str, ...]
    """Printed names, with credentials."""
    names: tuple[str, ...]
    """One short name a row, first or preferred name and last initial (SET-5), told apart already."""
    spare_rows: Annotated[int, Field(ge=0)] = 4
    paper: Paper = Paper.LETTER
    language: str = "en-US"
    """BCP 47; written into the PDF for screen readers."""


class PrintJobQueued(Contract):
    """A print job waits for a renderer."""

    job_id: UUID
