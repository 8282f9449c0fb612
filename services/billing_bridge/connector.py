"""What a connector is: the one page to read before writing one.

A connector is a folder under `connectors/`, one line in the table there, and nothing else: it can be
deleted by deleting both. It sends charges, keeps none, and opens no database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from uuid import UUID

from services.billing_bridge.domain import Charge
from services.billing_bridge.outcomes import Outcome
from shared.web.shapes import Shape

if TYPE_CHECKING:
    from services.billing_bridge.outside import Outside


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where an instance's charges go, with its secrets opened."""

    instance_id: UUID | None = None
    url: str
    secret: str = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """As `ConnectorKind.settings` has checked them."""
    notice: str | None = None
    """The notice of redisclosure (42 CFR 2.32) that goes with every message; the same for all attempts."""
    client_certificate: str | None = field(default=None, repr=False)
    """A certificate and its private key in PEM: the other side asks who we are (mutual TLS)."""


class NothingSentError(Exception):
    """No byte of the charges left this process. The text names the cause, never data."""


class NoTurnError(NothingSentError):
    """Others of ours took too long: nothing was sent, and it counts neither as a try nor as a failure."""


class OutcomeUnknownError(Exception):
    """The charges were on their way and no answer came: they may have arrived. The text names the cause."""


class AddressRefusedError(Exception):
    """The address is not one that charges may be sent to; the text says what would be right."""


class SecretRefusedError(Exception):
    """The secret is not one that the connector can use; the text says what would be right."""


class Connector(Protocol):
    """One way to a billing system. What it is given goes out as one message and has one outcome."""

    async def push(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Send charges once, each under its id as idempotency key, and tell how they were answered.

        An outcome is the other side's answer. Without one there are two errors: `NothingSentError`
        (sent again by schedule) and `OutcomeUnknownError` (sent again only where the receiver is
        known to deduplicate). It returns within `PUSH_SECONDS_AT_MOST` and never follows a redirect.
        The same charges give the same content every time.
        """

    async def reverse(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Take charges back, each under `Charge.reversal_key`; all else is as in `push` (BILL-6)."""


@runtime_checkable
class LooksUp(Protocol):
    """A connector that can ask the other side whether it has charges whose outcome is unknown (BILL-5)."""

    async def look_up(
        self, charges: Sequence[Charge], destination: Destination, *, reversing: bool
    ) -> Outcome:
        """Tell `ACCEPTED`, `REJECTED`, or `NOT_TAKEN` when the other side certainly does not have them.

        Everything else, errors too, leaves them unknown.
        """


PUSH_SECONDS_AT_MOST = 25.0
"""Longer than any answer that Standard Webhooks waits for (15 to 30 s), shorter than a lease."""


class Unit(StrEnum):
    """What goes out as one message."""

    CHARGE = "charge"
    PATIENT_SESSION = "patient_session"
    """The charges of one patient, session and claim form."""
    ALL_DUE = "all_due"
    """Whatever is due for one instance: a file."""


class ConnectionSettings(Shape):
    """What every connection may be told besides its address; a connector adds its own."""

    trusted_ca: str | None = None
    """PEM of the authority that signs the other side's certificate, where it is not a public one."""


CheckAddress = Callable[[str, bool], None]
"""Raises `AddressRefusedError`; the last argument: this is an embedded deployment."""


def _looks_up_never(_settings: Mapping[str, Any]) -> bool:
    return False


def _no_secret() -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class ConnectorKind:
    """What the table of connectors knows of each: how it is opened, checked, and what it is able to do."""

    open: Callable[["Outside"], Connector]
    check_address: CheckAddress
    check_secret: Callable[[str], None]
    """Raise `SecretRefusedError`."""
    new_secret: Callable[[], str | None] = _no_secret
    """Make the secret of a new connection; None where the other side gives it, or there is none."""
    settings: type[ConnectionSettings] = ConnectionSettings
    """What a connection of this kind can be told; refused if it does not fit."""
    unit: Unit = Unit.CHARGE
    may_deduplicate: bool = True
    """A receiver of this kind can be declared to recognise a repeated key (BILL-5)."""
    ordered_per_patient: bool = False
    """A patient's messages must arrive in the order in which they were made."""
    looks_up: Callable[[Mapping[str, Any]], bool] = _looks_up_never
    """Whether a connection with these settings can be asked what it has."""
