"""What a connector is: the one page to read before writing one.

A connector is a folder under `connectors/`, one line in the table there, and nothing else: it can be
deleted by deleting both. It sends one charge in one request, keeps nothing, and opens no database.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from httpx2 import AsyncClient

from services.billing_bridge.domain import Charge
from services.billing_bridge.outcomes import Outcome
from shared.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where an instance's charges go, with the secret opened."""

    url: str
    secret: str = field(repr=False)


class NothingSentError(Exception):
    """No byte of the charge left this process. The text names the cause, never data."""


class OutcomeUnknownError(Exception):
    """The charge was on its way and no answer came: it may have arrived. The text names the cause."""


class AddressRefusedError(Exception):
    """The address is not one that charges may be sent to; the text says what would be right."""


class SecretRefusedError(Exception):
    """The secret is not one that the connector can use; the text says what would be right."""


class Connector(Protocol):
    """One way to a billing system."""

    async def push(self, charge: Charge, destination: Destination) -> Outcome:
        """Send a charge once, under the charge's id as idempotency key, and tell how it was answered.

        An outcome is the other side's answer. Without one there are two errors: `NothingSentError`
        (sent again by schedule) and `OutcomeUnknownError` (sent again only where the receiver is
        known to deduplicate). It returns within `PUSH_SECONDS_AT_MOST` and never follows a redirect.
        The same charge gives the same bytes every time.
        """

    async def reverse(self, charge: Charge, destination: Destination) -> Outcome:
        """Take a charge back, under `Charge.reversal_key`; all else is as in `push` (BILL-6)."""


PUSH_SECONDS_AT_MOST = 25.0
"""Longer than any answer that Standard Webhooks waits for (15 to 30 s), shorter than a lease."""


@dataclass(frozen=True, kw_only=True)
class ConnectorKind:
    """What the table of connectors knows of each."""

    open: Callable[[AsyncClient, Clock, bool], Connector]
    """Build it on the process's one HTTP client; the last argument: this is an embedded deployment."""
    check_address: Callable[[str, bool], None]
    """Raise `AddressRefusedError` for an address that must not be used; argument as above."""
    check_secret: Callable[[str], None]
    """Raise `SecretRefusedError`."""
    new_secret: Callable[[], str]
