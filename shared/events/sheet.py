"""What a sign-in sheet shows, and no more: a sheet never learns a full name (PRINT-1)."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from shared.events.contract import Contract, Moment

SHEETS_AT_MOST: Final = 200
"""In one file: a week of a large location, made within a renderer's time limit."""


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


class SignInSheets(Contract):
    """Sheets of several sessions in one file, each beginning on a page of its own (PRINT-2)."""

    job_id: UUID
    """The print job of all; the sheets' own `job_id` is the same."""
    sheets: Annotated[tuple[SignInSheet, ...], Field(min_length=1, max_length=SHEETS_AT_MOST)]


class PrintJobQueued(Contract):
    """A print job waits for a renderer."""

    job_id: UUID
    revision: int = 0
    """How often what it shows has changed since it was asked for: an older event of it is void."""
