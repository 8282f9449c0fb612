"""The shapes of the API."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr

from services.billing_bridge.domain import ClaimForm
from services.billing_bridge.outcomes import Status, Verdict
from services.billing_bridge.reconciling import Kind
from shared.web.shapes import Shape, Title

URL_CHARACTERS_AT_MOST = 2000
SECRET_CHARACTERS_AT_MOST = 400
CERTIFICATE_CHARACTERS_AT_MOST = 20_000
SEALED_CHARACTERS_AT_MOST = 1_000_000
"""A roster of 500 without its notes takes 15,000."""


class ConnectionChange(Shape):
    """Where charges go. `secret` is written and never shown; without one the first call makes one."""

    url: Annotated[str, Field(max_length=URL_CHARACTERS_AT_MOST)]
    deduplicates: bool = False
    active: bool = True
    secret: Annotated[SecretStr | None, Field(max_length=SECRET_CHARACTERS_AT_MOST)] = None
    client_certificate: Annotated[SecretStr | None, Field(max_length=CERTIFICATE_CHARACTERS_AT_MOST)] = None
    """A certificate and its private key in PEM, for mutual TLS; written and never shown."""
    settings: Annotated[dict[str, Any], Field(default_factory=dict)]
    """What else this connector can be told: docs/receiving-charges.md says what each takes."""


class Connection(Shape):
    system: str
    url: str
    deduplicates: bool
    looks_up: bool
    """The other side can be asked whether it has a charge."""
    settings: dict[str, Any]
    has_client_certificate: bool
    active: bool
    paused_because: str | None
    changed_at: AwareDatetime


class ConnectionPut(Connection):
    secret: str | None
    """The secret if it was made by this call; it is not shown again."""


class Connections(Shape):
    connections: list[Connection]


class Reason(Shape):
    """Why a person holds or releases a charge; kept in its history. Not a place for health data."""

    reason: Title


class ListedCharge(Shape):
    charge_id: UUID
    system: str
    session_id: UUID
    patient_id: UUID
    mrn: str
    service_date: str
    form: ClaimForm
    code: str
    units: int
    minutes: int
    status: Status
    reason: str | None
    attempts: int
    next_attempt_at: AwareDatetime | None
    receipt_id: str | None
    retracted: bool
    """Its session was retracted: it is reversed, or waits to be (BILL-6)."""
    reversing: bool
    """Status, attempts and reason are those of its reversal."""
    made_at: AwareDatetime


class ChargePage(Shape):
    items: list[ListedCharge]
    """Oldest first."""
    next: str | None


class Change(Shape):
    number: int
    at: AwareDatetime
    status: Status
    reason: str | None
    user_id: UUID | None
    """None where no person did it."""


class Attempt(Shape):
    number: int
    kind: Literal["charge", "reversal", "look_up"]
    message_id: UUID | None
    """Equal for all charges that went out in the same message; None before there were such."""
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    """None: nobody knows how it ended, or it is under way."""
    verdict: Verdict | None
    reason: str | None
    http_status: int | None
    receipt_id: str | None
    answer: str | None
    """At most 2 kB of what the other side said."""


class WholeCharge(ListedCharge):
    documentation_id: UUID
    description: str
    revenue_code: str | None
    modifiers: list[str]
    place_of_service: str
    provider_name: str
    provider_npi: str | None
    group_size: int
    lacking: str | None
    replaces: UUID | None
    """The charge of an earlier documentation that was retracted (BILL-6)."""
    history: list[Change]
    pushes: list[Attempt]


class Counts(Shape):
    counts: dict[Status, int]


class SealedRequest(Shape):
    """A session record, sealed for a preview."""

    sealed: Annotated[str, Field(max_length=SEALED_CHARACTERS_AT_MOST)]


class Group(Shape):
    """Charges of one system that stand alike for the same cause."""

    group: str
    """Names the group as long as its reason stays; for release and cancel."""
    system: str
    status: Status
    reason: str
    """Without the counts that differ from charge to charge."""
    goes_by_itself: bool
    """They are tried again without a person; false: parked."""
    charges: int
    oldest_made_at: AwareDatetime


class Worklist(Shape):
    groups: list[Group]


class Together(Shape):
    """Which charges of the worklist, and why. Not a place for health data."""

    reason: Title
    group: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None = None
    """Null is the whole worklist."""
    after: UUID | None = None
    """`next` of the call before."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 500


class Skipped(Shape):
    charge_id: UUID
    detail: str


class Progress(Shape):
    decided: int
    skipped: list[Skipped]
    next: UUID | None


class Total(Shape):
    system: str
    form: ClaimForm
    code: str
    status: Status
    charges: int
    patients: int
    units: int
    minutes: int


class Report(Shape):
    totals: list[Total]
    """By system, form, code and status."""


class Difference(Shape):
    kind: Kind
    detail: str
    patient_id: UUID | None
    charge_id: UUID | None


class ReconciledSession(Shape):
    """One documentation in numbers."""

    documentation_id: UUID
    session_id: UUID
    billed_as: Literal["ancillary", "per_diem", "not_billed"] | None
    """Null: billing never heard of it."""
    void: bool
    present: int
    filed: int | None
    """Notes that say present; null: the charts service did not answer."""
    charges: int
    acknowledged: int
    """Accepted charges; of a void session reversed ones."""
    differences: list[Difference]


class Reconciliation(Shape):
    on: date
    sessions: int
    present: int
    filed: int | None
    charges: int
    acknowledged: int
    differences: int
    """Zero, or the lines say why."""
    lines: list[ReconciledSession]
