"""The shapes of the API."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr

from services.billing_bridge.domain import ClaimForm
from services.billing_bridge.outcomes import Status, Verdict
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
