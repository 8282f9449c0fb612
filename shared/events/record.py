"""The session record: one whole documented group session, as every consumer receives it."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.events.contract import Contract, Moment
from shared.events.sheet import Paper

Minutes = Annotated[int, Field(ge=0)]


class Attendance(StrEnum):
    """Whether a patient of the roster was there (DOC-3)."""

    PRESENT = "present"
    ABSENT = "absent"


class SignatureMeaning(StrEnum):
    """What a signer vouches for (21 CFR 11.50)."""

    AUTHOR = "author"
    CO_AUTHOR = "co-author"
    REVIEWER = "reviewer"
    ANNOTATOR = "annotator"


class CodeKind(StrEnum):
    """Which claim form a code belongs to (BILL-1)."""

    CCODE = "ccode"
    HCODE = "hcode"
    RCODE = "rcode"


class LocationFacts(Contract):
    """Where the session was held."""

    location_id: UUID
    name: str
    time_zone: str
    """IANA name; the date of service is the date there."""
    paper: Paper | None = None
    """What is printed on there; None: nobody has said."""


class GroupFacts(Contract):
    """Which group it was an occurrence of."""

    template_id: UUID
    title: str


class Leader(Contract):
    """A user responsible for the session."""

    user_id: UUID
    printed_name: str
    credentials: str | None
    npi: str | None


class Participant(Contract):
    """One patient of the roster, with what concerns that patient alone."""

    patient_id: UUID
    mrn: str
    printed_name: str
    birth_date: date | None
    family_name: str | None = None
    """The name in its parts, for claims; older records have the printed one alone."""
    given_names: tuple[str, ...] = ()
    attendance: Attendance
    minutes: Minutes
    """The patient's own time in the session; 0 when absent."""
    individual_note: str | None
    arrived_at: Moment | None = None
    """When the patient came, where it was written down (DOC-3)."""
    left_at: Moment | None = None
    absence_reason: str | None = None
    problems: tuple[str, ...] = ()
    """Problems of the treatment plan that the note is about (DOC-4)."""


class Signature(Contract):
    """An electronic signature as 21 CFR 11.50 wants it shown (SIGN-4)."""

    signature_id: UUID
    user_id: UUID
    printed_name: str
    credentials: str | None
    meaning: SignatureMeaning
    signed_at: Moment
    document_sha256: str
    """SHA-256, in hex, of the RFC 8785 form of the document that was signed."""


class Annotation(Contract):
    """Text added to one patient's note after it was signed; it never changes what was signed (SIGN-5)."""

    annotation_id: UUID
    patient_id: UUID
    text: str
    signature: Signature


class BillingCode(Contract):
    """One code of the template, with the days on which it may be used (BILL-1, BILL-3)."""

    kind: CodeKind
    code: str
    description: str
    effective_on: date
    ends_on: date | None


class UnitRule(Contract):
    """How minutes become units (BILL-9)."""

    by: Literal["session", "time"]
    minutes_per_unit: Annotated[int, Field(gt=0)] | None = None
    minutes_to_round_up: Annotated[int, Field(gt=0)] | None = None
    """The least remainder that counts as one more unit: the 8-minute rule is 15 and 8."""


class BillingFacts(Contract):
    """How the session is billed; absent without integrated billing (SET-6)."""

    system: str
    """The connector of the instance: `webhook`."""
    mode: Literal["per_diem", "ancillary"]
    codes: tuple[BillingCode, ...]
    place_of_service: str
    modifiers: tuple[str, ...]
    units: UnitRule
    minimum_minutes: Minutes


class SessionRecord(Contract):
    """The whole document of one session at one version: state transfer, so nobody calls back."""

    session_id: UUID
    documentation_id: UUID
    """One documenting of the session, from its start to its signatures; a new one after a deletion."""
    version: int
    location: LocationFacts
    group: GroupFacts
    started_at: Moment
    ended_at: Moment
    topic: str
    description: str
    leaders: tuple[Leader, ...]
    participants: tuple[Participant, ...]
    signatures: tuple[Signature, ...]
    annotations: tuple[Annotation, ...] = ()
    billing: BillingFacts | None


class SessionRetracted(Contract):
    """A documentation that was distributed is void: its chart notes were entered in error (DOC-6)."""

    session_id: UUID
    documentation_id: UUID
    version: int
    reason: str
    retracted_at: Moment
    retracted_by: UUID
    printed_name: str
    """Of the user who retracted it."""
