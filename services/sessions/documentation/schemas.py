"""The API's shapes of documentation."""

from datetime import date, timedelta
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.sessions.documentation.domain import DaysOf
from services.sessions.documentation.findings import ID_CHARACTERS, FindingKind
from shared.events.preview import PatientPreview
from shared.events.record import Attendance
from shared.web.shapes import Day, Instant, Shape, Storable, Text, Title

ROSTER_AT_MOST = 500

FindingId = Annotated[str, Field(pattern=f"^[0-9a-f]{{{ID_CHARACTERS}}}$")]


class Mark(Shape):
    """One patient's attendance."""

    patient_id: UUID
    attendance: Attendance
    minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    """The patient's own time, when it differs from the session's."""
    arrived_at: Instant | None = None
    left_at: Instant | None = None
    absence_reason: Annotated[Storable, Field(max_length=200)] | None = None
    version: int | None = None
    """`attendance_version` as it was read. When another leader has marked since, the mark is refused; so is
    one without a version for a patient who is marked already (DOC-5)."""


class Marks(Shape):
    """Attendance of some or all of the roster (DOC-3)."""

    marks: Annotated[tuple[Mark, ...], Field(max_length=ROSTER_AT_MOST)] = ()
    rest: Attendance | None = None
    """Of all who are not named here and not marked yet; who has been marked stays as marked."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if not self.marks and self.rest is None:
            raise PydanticCustomError("nothing", "say marks, rest, or both")
        if len({one.patient_id for one in self.marks}) < len(self.marks):
            raise PydanticCustomError("doubled", "marks must name nobody twice")
        return self


class GroupNote(Shape):
    """What is shared by all. What is left out stays as it is; null clears a time."""

    topic: Annotated[Title, Field(default_factory=str)]
    description: Annotated[Text, Field(default_factory=str)]
    started_at: Instant | None = None
    ended_at: Instant | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            fields = ", ".join(type(self).model_fields)
            raise PydanticCustomError("nothing", "state at least one of: {fields}", {"fields": fields})
        return self


class IndividualNote(Shape):
    """What is about one patient alone."""

    text: Text
    problems: Annotated[tuple[Title, ...], Field(max_length=50)] = ()
    """Problems of the treatment plan, by code or in words (DOC-4)."""


class Reason(Shape):
    """Why something is set aside."""

    reason: Annotated[Storable, Field(min_length=1, max_length=2000)]


class Deletion(Reason):
    """Why a session is deleted; was it distributed, each patient's chart note shows it."""

    acknowledged: Annotated[tuple[FindingId, ...], Field(max_length=10)] = ()
    """The id of the finding that a refusal named, when the reason is meant as it is (DIST-3)."""


class SignatureRequest(Shape):
    """What the signer was shown."""

    document_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """From `GET /document` or `GET /pre-sign-check`, read just before. Without it (428) or when the document
    has changed since (412) nothing is signed."""
    acknowledged: Annotated[tuple[FindingId, ...], Field(max_length=2 * ROSTER_AT_MOST)] = ()
    """Ids of the findings that the signer has seen and leaves; of those that are gone nothing is kept."""


class AnnotationText(Shape):
    """What is added to a signed note (SIGN-5)."""

    text: Annotated[Text, Field(min_length=1, pattern=r"\S")]
    """Not only white space; kept exactly as it is written."""
    acknowledged: Annotated[tuple[FindingId, ...], Field(max_length=10)] = ()
    """The id of the finding that a refusal named, when the text is meant as it is (DIST-3)."""


class Leaders(Shape):
    """Who leads from now on, in this order."""

    leader_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=20)]


class AlikeNotes(Shape):
    """Two patients whose individual notes are the same or nearly so (DOC-8)."""

    patient_ids: tuple[UUID, UUID]
    percent: Annotated[int, Field(ge=0, le=100)]


class ShownFinding(Shape):
    """Something that a signer should know."""

    id: FindingId
    """Stays while what it was found in stays as it is."""
    kind: FindingKind
    blocking: bool
    """Nobody can sign while it is there."""
    needs_acknowledgement: bool
    """To be changed, or its id to be sent in `acknowledged`."""
    pointers: tuple[str, ...]
    detail: str
    """What would be right."""
    patient_ids: tuple[UUID, ...]
    """Whom it speaks of: who is named, whose notes are alike, whose charge would be held."""
    pairs: tuple[AlikeNotes, ...]


class ShownCheck(Shape):
    """What is asked before signing, in the document with this digest."""

    document_sha256: str
    findings: tuple[ShownFinding, ...]
    charges: tuple[PatientPreview, ...] | None
    """What each present patient would be charged (BILL-8).

    Empty where the template has no billing. None without integrated billing, while start and end make no
    minutes, and while billing can't be asked.
    """


_CHOICES: Final = (
    {"session_id"},
    {"location_id", "date"},
    {"location_id", "week"},
    {"schedule_template_id", "week"},
)


class SheetsRequest(Shape):
    """What sign-in sheets are wanted of: a session, a location's day or week, or a schedule's week."""

    session_id: UUID | None = None
    location_id: UUID | None = None
    schedule_template_id: UUID | None = None
    date: Day | None = None
    week: Annotated[str, Field(pattern="^(19|20|21)[0-9]{2}-W[0-9]{2}$")] | None = None
    """A week of ISO 8601, Monday to Sunday: `2026-W11`."""

    @model_validator(mode="after")
    def _is_one_choice(self) -> Self:
        stated = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if stated not in _CHOICES:
            choices = "; ".join(" and ".join(sorted(one)) for one in _CHOICES)
            raise PydanticCustomError("choice", "name one of: {choices}", {"choices": choices})
        if self.week is not None:
            _monday_of(self.week)
        return self

    def days(self) -> DaysOf:
        """Give the days that are meant."""
        since = self.date or _monday_of(self.week or "")
        until = since if self.date else since + timedelta(days=6)
        return DaysOf(
            location_id=self.location_id, schedule_id=self.schedule_template_id, since=since, until=until
        )


def _monday_of(week: str) -> date:
    year, _, number = week.partition("-W")
    try:
        return date.fromisocalendar(int(year), int(number), 1)
    except ValueError:
        raise PydanticCustomError("week", "week must be one that the year has, at most W53") from None


class QueuedSheets(Shape):
    """Where the sheets will be."""

    job_id: UUID
    status: Literal["queued"]
    job: str
    """How the job stands: printing answers there, and links the file."""
