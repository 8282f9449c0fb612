"""What the press prints. Sheets know short names alone; records and notes are for staff (PRINT-3)."""

from dataclasses import dataclass
from uuid import UUID

from shared.events.record import SessionRecord, SessionRetracted
from shared.events.sheet import SignInSheet, SignInSheets


@dataclass(frozen=True, kw_only=True)
class AttendanceRecord:
    """Who was there, of one documented session, with its signatures."""

    record: SessionRecord
    retracted: SessionRetracted | None = None
    """Why it was entered in error, when it was (DOC-6)."""
    superseded: bool = False
    """The session was documented anew since, so that this is void whether its retraction has come or not."""


@dataclass(frozen=True, kw_only=True)
class ChartNote:
    """One patient's note of one documented session."""

    record: SessionRecord
    patient_id: UUID
    retracted: SessionRetracted | None = None
    superseded: bool = False


Printable = SignInSheet | SignInSheets | AttendanceRecord | ChartNote


@dataclass(frozen=True, kw_only=True)
class PrintedPdf:
    """A finished PDF."""

    pdf: bytes
    scripts_without_font: tuple[str, ...] = ()
    """Scripts of letters that no installed font has; they are boxes on the paper."""
    letters_without_font: int = 0
