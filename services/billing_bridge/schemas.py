"""The shapes of the API."""

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr, model_validator

from services.billing_bridge.domain import ClaimForm
from services.billing_bridge.outcomes import Status, Verdict
from services.billing_bridge.pacing import OPENS_AFTER, PROBES_AFTER_SECONDS, Mode
from services.billing_bridge.reconciling import Kind
from shared.notices import NOTICE
from shared.web.shapes import Shape, TimeZone, Title

URL_CHARACTERS_AT_MOST = 2000
SECRET_CHARACTERS_AT_MOST = 4000
"""A private key of SSH in PEM fits."""
CERTIFICATE_CHARACTERS_AT_MOST = 20_000


TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""`HH:MM` on the wall of the connection's zone."""


class Pacing(Shape):
    """How fast and when charges go. What is left out is no limit."""

    mode: Mode = Mode.AT_ONCE
    """`daily`: a charge goes for the first time at `daily_at`; further tries keep their own schedule."""
    daily_at: TimeOfDay | None = None
    window_from: TimeOfDay | None = None
    """Nothing is sent outside of the window; it goes over midnight if it begins after it ends."""
    window_until: TimeOfDay | None = None
    zone: TimeZone = "UTC"
    """The IANA zone of all times here."""
    at_most_at_once: Annotated[int, Field(ge=1, le=100)] | None = None
    """Messages under way at a time, of all pushers together."""
    per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    """Messages a minute, evenly spread; what a second was too slow for is caught up."""
    opens_after: Annotated[int, Field(ge=1, le=1000)] = OPENS_AFTER
    """After so many messages in a row that were not taken or not answered, one at a time tries the line."""
    probes_after_seconds: Annotated[int, Field(ge=1, le=86_400)] = PROBES_AFTER_SECONDS
    """The wait before each such message."""

    @model_validator(mode="after")
    def _times_go_together(self) -> Self:
        if (self.mode is Mode.DAILY) != (self.daily_at is not None):
            message = "`daily_at` is given with the mode `daily`, and only then"
            raise ValueError(message)
        if (self.window_from is None) != (self.window_until is None):
            message = "`window_from` and `window_until` are given together"
            raise ValueError(message)
        if self.window_from is not None and self.window_from == self.window_until:
            message = "the window must not end where it begins; leave both out for the whole day"
            raise ValueError(message)
        return self


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
    pacing: Annotated[Pacing, Field(default_factory=Pacing)]
    notice: Annotated[str, Field(max_length=2000)] = NOTICE
    """What accompanies each charge (42 CFR 2.32); empty where the clinic is no Part 2 program."""


class Connection(Shape):
    system: str
    url: str
    deduplicates: bool
    looks_up: bool
    """The other side can be asked whether it has a charge."""
    settings: dict[str, Any]
    pacing: Pacing
    notice: str
    failures: int
    """Messages in a row that were not taken or not answered."""
    probe_at: AwareDatetime | None
    """The breaker is open, and one message tries the line from then on; null: it is closed."""
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
    """Oldest first; of the feed of changes, the earliest change first."""
    next: str | None
    """Null at the end of a list, never in the feed: ask again later with it."""


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


class Disclosure(Shape):
    """One attempt to send one charge of the patient."""

    started_at: AwareDatetime
    system: str
    host: str
    """Where it went; of a file the folder."""
    kind: Literal["charge", "reversal", "look_up"]
    """Of a look-up the charge's key alone went out."""
    purpose: Literal["payment"]
    charge_id: UUID
    number: int
    session_id: UUID
    service_date: date
    code: str
    ended_at: AwareDatetime | None
    verdict: Verdict | None
    """Null: nobody knows how it ended, or it is under way."""
    reason: str | None
    """Says so where nothing was sent."""


class DisclosurePage(Shape):
    items: list[Disclosure]
    """Oldest first."""
    next: str | None


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
