"""What is answered about documented sessions: described for clients, served straight from rows."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.sessions.directory.answers import Answer
from services.sessions.documentation.findings import FindingKind
from services.sessions.scheduling.domain import Status
from shared.events.record import Attendance, SignatureMeaning


class LeaderAnswer(Answer):
    """A user responsible for the session."""

    id: UUID
    first_name: str
    last_name: str
    credentials: str | None


class AnnotationAnswer(Answer):
    """Signed text that was added to a note of a completed session (SIGN-5)."""

    annotation_id: UUID
    text: str
    user_id: UUID
    printed_name: str
    credentials: str | None
    meaning: SignatureMeaning
    signed_at: datetime
    document_sha256: str


class AnnotationList(Answer):
    """What was added to one patient's note, oldest first."""

    items: list[AnnotationAnswer]


class RosterEntryAnswer(Answer):
    """One patient of the roster, and what was marked and written about them."""

    patient_id: UUID
    first_name: str
    last_name: str
    preferred_name: str | None
    mrn: str
    attendance: Attendance | None
    minutes: int | None
    """The patient's own time, where it was stated."""
    arrived_at: datetime | None
    left_at: datetime | None
    absence_reason: str | None
    attendance_version: int
    individual_note: str | None
    problems: list[str] | None
    note_version: int
    annotations: list[AnnotationAnswer]


class AcknowledgedFinding(Answer):
    """What the signer was shown and left as it was."""

    id: str
    kind: FindingKind
    pointers: list[str]
    detail: str
    patient_ids: list[UUID]


class SignatureAnswer(Answer):
    """An electronic signature."""

    id: UUID
    user_id: UUID
    printed_name: str
    credentials: str | None
    meaning: SignatureMeaning
    signed_at: datetime
    document_sha256: str
    acknowledged: list[AcknowledgedFinding] | None
    """None where nothing was asked yet when it was signed."""


class SessionAnswer(Answer):
    """One session with its roster, notes and signatures."""

    id: UUID
    template_id: UUID
    location_id: UUID
    held_on: date
    """The date at the location."""
    moved_from: date | None
    caseload_of: UUID | None
    title: str
    starts_at: datetime
    duration_minutes: int
    started_at: datetime | None
    ended_at: datetime | None
    status: Status
    version: int
    documentation_id: UUID | None
    topic: str
    description: str
    note_version: int
    note_by: UUID | None
    note_at: datetime | None
    leaders: list[LeaderAnswer]
    roster: list[RosterEntryAnswer]
    signatures: list[SignatureAnswer]


class StatusAnswer(Answer):
    """Where the session stands now."""

    status: Status


class DiscardedAnswer(Answer):
    """Something that was set aside, and why."""

    id: UUID
    documentation_id: UUID
    how: str
    reason: str
    discarded_at: datetime
    discarded_by: UUID
    status: Status
    distributed: bool
    content: dict[str, Any]
    """As it was: the group note with its leaders, or a patient's line of the roster."""


class WholeDiscardedAnswer(DiscardedAnswer):
    """Something that was set aside, with the roster, notes and signatures that went with it."""

    roster: list[RosterEntryAnswer]
    """Empty for a removed patient: the rest of the documentation went on."""
    signatures: list[SignatureAnswer]


class DocumentAnswer(Answer):
    """The document that a signature would be bound to, with the SHA-256 of its RFC 8785 form."""

    document: dict[str, Any]
    document_sha256: str


class VerifiedSignature(Answer):
    """A signature, and whether it holds."""

    signature_id: UUID
    printed_name: str
    meaning: SignatureMeaning
    document_sha256: str
    holds: bool


class VerifiedAnnotation(AnnotationAnswer):
    """An annotation, and whether it holds."""

    patient_id: UUID
    holds: bool


class DifferenceAnswer(Answer):
    """One part that is not what was signed."""

    pointer: str
    """Into the document; an entry of the roster is named by its patient's id."""
    signed: Any
    stored: Any


class VerificationAnswer(Answer):
    """Whether what is stored is still what was signed."""

    stored_sha256: str
    holds: bool
    signatures: list[VerifiedSignature]
    annotations: list[VerifiedAnnotation]
    differences: list[DifferenceAnswer]


class HistoryPage(Answer):
    """Some of what was set aside, newest first."""

    items: list[DiscardedAnswer]
    next: str | None
