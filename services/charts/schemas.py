"""The shapes of the API, for its description; tests hold what is served to them."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.charts.domain import NoteStatus
from shared.events.record import Attendance, SignatureMeaning


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class NotedPatient(Shape):
    patient_id: UUID
    mrn: str
    printed_name: str


class NotedLocation(Shape):
    name: str
    time_zone: str


class NotedLeader(Shape):
    printed_name: str
    credentials: str | None


class NotedSignature(Shape):
    """A signature as 21 CFR 11.50 wants it shown (SIGN-4)."""

    printed_name: str
    credentials: str | None
    meaning: SignatureMeaning
    signed_at: AwareDatetime
    document_sha256: str


class NoteAnnotation(Shape):
    """Text added after the note was signed, with its own signature (SIGN-5)."""

    annotation_id: UUID
    text: str
    signature: NotedSignature


class EnteredInError(Shape):
    """The documentation is void (DOC-6)."""

    at: AwareDatetime
    by: str
    """The printed name of who retracted it."""
    reason: str


class FiledNote(Shape):
    """One patient's read-only copy of a documented session; it names no other patient (DIST-3)."""

    note_id: UUID
    patient: NotedPatient
    attendance: Attendance
    minutes: int
    """The patient's own time in the session; 0 when absent."""
    arrived_at: AwareDatetime | None = None
    """Where it was written down, in the location's time zone; older notes lack these four."""
    left_at: AwareDatetime | None = None
    absence_reason: str | None = None
    problems: list[str] = []
    """Of the treatment plan, that the note is about (DOC-4)."""
    individual_note: str | None
    session_id: UUID
    documentation_id: UUID
    version: int
    group_title: str
    location: NotedLocation
    started_at: AwareDatetime
    """In the location's time zone."""
    ended_at: AwareDatetime
    duration_minutes: int
    participants_present: int
    """How many were there, this patient included (DIST-7)."""
    topic: str
    description: str
    leaders: list[NotedLeader]
    signatures: list[NotedSignature]


class ChartNote(FiledNote):
    """A note as it was filed, and what was said of it later."""

    status: NoteStatus
    annotations: list[NoteAnnotation]
    """Oldest first."""
    entered_in_error: EnteredInError | None
    """Null with the status entered-in-error: the session was documented anew, and the news of it is late."""


class Happened(StrEnum):
    SIGNED = "signed"
    FILED = "filed"
    ANNOTATED = "annotated"
    ENTERED_IN_ERROR = "entered-in-error"


class HistoryItem(Shape):
    """One thing that happened to a note; none ever replaces another."""

    at: AwareDatetime
    what: Happened
    by: str | None
    """The printed name of who did it; null for filing, which is nobody's deed."""
    meaning: SignatureMeaning | None
    """Of the signature, where it was signed."""
    text: str | None
    """Of the annotation, or the reason for which it was entered in error."""


class NoteHistory(Shape):
    note_id: UUID
    items: list[HistoryItem]
    """Oldest first."""


class ListedNote(Shape):
    note_id: UUID
    session_id: UUID
    documentation_id: UUID
    held_at: AwareDatetime
    template_id: UUID | None
    """The group; null in notes that were filed before groups were kept."""
    group_title: str
    attendance: Attendance
    minutes: int
    filed_at: AwareDatetime
    status: NoteStatus


class ChartPage(Shape):
    items: list[ListedNote]
    """Newest session first."""
    next: str | None
    """The cursor of the next page; null on the last one."""


class NotePage(Shape):
    items: list[ChartNote]
    """What was entered in error stands among them as such; in one order, page by page."""
    next: str | None


class GroupAttendance(Shape):
    template_id: UUID | None
    group_title: str
    """The title at the last session that counts."""
    present: int
    absent: int


class AttendanceTotals(Shape):
    """How often a patient was present and absent in each group; what was entered in error doesn't count."""

    patient_id: UUID
    groups: list[GroupAttendance]
    """The group that met last comes first."""


class Filing(Shape):
    """Which charts a session has reached so far."""

    session_id: UUID
    count: int
    documentation_ids: list[UUID]
    patient_ids: list[UUID]
