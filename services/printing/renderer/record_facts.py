"""What ends up on an attendance record and on a chart note."""

from dataclasses import dataclass
from unicodedata import normalize

from services.printing.renderer import wording
from services.printing.renderer.documents import AttendanceRecord, ChartNote
from services.printing.renderer.wording import marked, one_line, several_lines
from shared.events.record import (
    Annotation,
    Attendance,
    Participant,
    SessionRetracted,
    Signature,
)
from shared.events.sheet import Paper

LANGUAGE = "en-US"


@dataclass(frozen=True, kw_only=True)
class SignatureFacts:
    """One electronic signature as 21 CFR 11.50 wants it shown (SIGN-4)."""

    name: str
    meaning: str
    signed: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class AnnotationFacts:
    """Text that was added after signing (SIGN-5)."""

    text: str
    signature: SignatureFacts


@dataclass(frozen=True, kw_only=True)
class ErrorFacts:
    """Why a document is void (DOC-6)."""

    by: str
    at: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PatientFacts:
    """One line of an attendance record, or the patient of a note."""

    name: str
    mrn: str
    born: str | None
    attendance: str
    minutes: int
    present: bool


@dataclass(frozen=True, kw_only=True)
class SessionFacts:
    """What is the same on every paper of one session."""

    location: str
    group: str
    date: str
    time: str
    minutes: int
    leaders: tuple[str, ...]
    present: int
    absent: int
    signatures: tuple[SignatureFacts, ...]
    void: bool
    error: ErrorFacts | None
    """Who voided it; None too where it is void as the session was documented anew, and that news is late."""
    version: int
    session_id: str
    paper: str
    language: str = LANGUAGE

    @property
    def running_title(self) -> str:
        """Group and date for the foot of each page."""
        return wording.running(self.group, self.date)


@dataclass(frozen=True, kw_only=True)
class RecordFacts:
    """An attendance record: full names and record numbers, for staff alone (PRINT-3)."""

    session: SessionFacts
    patients: tuple[PatientFacts, ...]

    @classmethod
    def of(cls, document: AttendanceRecord) -> "RecordFacts":
        """Put a record into the words on the paper; raises `UnknownTimeZoneError`."""
        patients = sorted(document.record.participants, key=_by_name)
        return cls(
            session=_session(document),
            patients=tuple(map(_patient, patients)),
        )


@dataclass(frozen=True, kw_only=True)
class NoteFacts:
    """One patient's note: of the others nothing but their number (DIST-3, DIST-7)."""

    session: SessionFacts
    patient: PatientFacts
    topic: str
    description: str
    individual_note: str | None
    annotations: tuple[AnnotationFacts, ...]

    @property
    def running_title(self) -> str:
        """Patient, group and date for the foot of each page."""
        name = wording.shortened(self.patient.name, wording.LONGEST_RUNNING_NAME)
        group = wording.running(
            self.session.group, self.session.date, columns=wording.LONGEST_BESIDE_A_PATIENT
        )
        return f"{name}, MRN {self.patient.mrn} · {group}"

    @classmethod
    def of(cls, document: ChartNote) -> "NoteFacts":
        """Put a note into the words on the paper; raises `UnknownTimeZoneError`, `StopIteration`."""
        record = document.record
        mine = next(one for one in record.participants if one.patient_id == document.patient_id)
        return cls(
            session=_session(document),
            patient=_patient(mine),
            topic=several_lines(record.topic),
            description=several_lines(record.description),
            individual_note=several_lines(mine.individual_note) if mine.individual_note else None,
            annotations=tuple(
                _annotation(one) for one in record.annotations if one.patient_id == mine.patient_id
            ),
        )


def _session(document: AttendanceRecord | ChartNote) -> SessionFacts:
    record, retracted = document.record, document.retracted
    zone = wording.zone_of(record.session_id, record.location.time_zone)
    starts, ends = record.started_at.astimezone(zone), record.ended_at.astimezone(zone)
    present = sum(one.attendance is Attendance.PRESENT for one in record.participants)
    return SessionFacts(
        location=marked(one_line(record.location.name)),
        group=marked(one_line(record.group.title)),
        date=wording.day(starts),
        time=wording.time_range(starts, ends),
        minutes=int((record.ended_at - record.started_at).total_seconds()) // 60,
        leaders=tuple(_with_credentials(one.printed_name, one.credentials) for one in record.leaders),
        present=present,
        absent=len(record.participants) - present,
        signatures=tuple(map(_signature, record.signatures)),
        void=document.superseded or retracted is not None,
        error=_error(retracted) if retracted else None,
        version=record.version,
        session_id=str(record.session_id),
        paper=(record.location.paper or Paper.LETTER).value,
    )


def _error(retracted: SessionRetracted) -> ErrorFacts:
    return ErrorFacts(
        by=one_line(retracted.printed_name),
        at=wording.instant(retracted.retracted_at),
        reason=several_lines(retracted.reason),
    )


def _patient(one: Participant) -> PatientFacts:
    return PatientFacts(
        name=one_line(one.printed_name),
        mrn=one_line(one.mrn),
        born=wording.short_day(one.birth_date) if one.birth_date else None,
        attendance=one.attendance.value.capitalize(),
        minutes=one.minutes,
        present=one.attendance is Attendance.PRESENT,
    )


def _by_name(one: Participant) -> tuple[str, str]:
    # Decomposed, so that Émile stands beside Emil and not after Zoe.
    return normalize("NFKD", one.printed_name).casefold(), one.mrn


def _annotation(one: Annotation) -> AnnotationFacts:
    return AnnotationFacts(text=several_lines(one.text), signature=_signature(one.signature))


def _signature(one: Signature) -> SignatureFacts:
    return SignatureFacts(
        name=_with_credentials(one.printed_name, one.credentials),
        meaning=one.meaning.value.capitalize(),
        signed=wording.instant(one.signed_at),
        sha256=one.document_sha256,
    )


def _with_credentials(name: str, credentials: str | None) -> str:
    return one_line(f"{name}, {credentials}" if credentials else name)
