"""Which columns are sealed, and why the other texts may be plain: each service has a table of both."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from shared.database.fields import row_key

SEALED_NEXT: Final = "sealed next"
"""Why a clinical text is plain that must not stay so."""


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A column that is sealed. Its table has `instance_id`, whose data keys seal it."""

    place: str
    """`table.column`, as it is bound to the field."""
    row: tuple[str, ...] = ("id",)
    """The table's key: its values, joined by `/`, are the row that is bound to the field."""
    insert_only: bool = False
    """Nothing may change the row, so it stays sealed by the data key that it was written by."""

    @property
    def table(self) -> str:
        """The name of its table."""
        return self.place.partition(".")[0]

    @property
    def column(self) -> str:
        """Its own name."""
        return self.place.partition(".")[2]

    def key_in(self, row: Row[Any]) -> str:
        """Name a row as it is bound to the field."""
        return row_key(*(getattr(row, one) for one in self.row))


EVENT: Final = (Sealed(place="event.body"),)
"""What a service that publishes seals."""

PLAIN_EVERYWHERE: Final[dict[str, str]] = {
    "audit_entry.action": "what was done, in our words",
    "audit_entry.subject": "an id",
    "audit_entry.outcome": "one of our words",
    "data_key.wrapped": "sealed by the master keys",
    "delivery.consumer": "a name of ours",
    "delivery.state": "one of our words",
    "delivery.reason": "a class of error and a place in our code",
    "delivery_step.what": "one of our words",
    "delivery_step.reason": "a class of error, or why an operator left a delivery out",
    "delivery_step.done_by": "an id, or a login of the machine",
    "event.type": "a name of ours",
    "event.subject": "an id",
    "idempotency_key.request_sha256": "blind",
    "idempotency_key.headers": "names of ours and versions",
    "inbox.consumer": "a name of ours",
    "inbox_attempt.consumer": "a name of ours",
    "staff_access.roles": "our words",
    "staff_access.features": "our words",
    "staff_access.scopes": "our words",
    "staff_access.external_issuer": "an address",
    "staff_access.external_subject": "an issuer's name for a member of staff, by which they are found",
}
"""Texts of the tables that several services have."""
