"""Where charges stand and how their connections are, as columns."""

from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select, tuple_

from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.models import charge, charge_status, connection
from services.billing_bridge.outcomes import Status
from services.billing_bridge.repository import REASON
from services.billing_bridge.waiting import Place
from shared.database.fields import Fields

at_its_connection = and_(
    connection.c.instance_id == charge_status.c.instance_id, connection.c.system == charge_status.c.system
)
UNSETTLED: Final = (Status.PENDING.value, Status.SENT.value, Status.UNKNOWN.value)

same_place: ColumnElement[bool] = func.coalesce(
    connection.c.destination_id == charge_status.c.destination_id, False
)


def an_earlier_message() -> Select[Any]:
    """Find what a patient's charge has to wait for: an earlier message that is not settled there."""
    before, of_before = charge_status.alias("before"), charge.alias("of_before")
    order = ("made_at", "documentation_id", "form")
    to_come = and_(before.c.status == Status.PENDING.value, ~before.c.reversing)
    return (
        select(before.c.charge_id)
        .join(of_before, of_before.c.charge_id == before.c.charge_id)
        .where(
            of_before.c.instance_id == charge.c.instance_id,
            of_before.c.patient_id == charge.c.patient_id,
            before.c.system == charge.c.system,
            before.c.status.in_(UNSETTLED),
            # What went to an earlier address is out of order there alone.
            or_(to_come, before.c.destination_id == connection.c.destination_id),
            tuple_(*(of_before.c[name] for name in order)) < tuple_(*(charge.c[name] for name in order)),
        )
        .correlate(charge_status, charge, connection)
    )


_ORDERED: Final = [name for name, kind in CONNECTORS.items() if kind.ordered_per_patient]

BEHIND: Final = and_(
    charge_status.c.status == Status.PENDING.value,
    charge_status.c.system.in_(_ORDERED),
    an_earlier_message().exists(),
)
"""A charge that has to wait for an earlier one of the same patient."""

PLACE: Final = (
    charge_status.c.system,
    charge_status.c.status,
    charge_status.c.reason,
    charge_status.c.reversing,
    charge_status.c.next_attempt_at.is_not(None).label("scheduled"),
    connection.c.system.is_not(None).label("connected"),
    func.coalesce(connection.c.active, False).label("active"),
    connection.c.paused_because,
    func.coalesce(or_(connection.c.deduplicates, connection.c.looks_up), False).label("knows_keys"),
    connection.c.rhythm,
    connection.c.probe_at.is_not(None).label("broken"),
    same_place.label("is_where_it_went"),
    BEHIND.label("behind"),
)
"""What `Place` is made of; joined to the charge and to the connection from outside."""


def place_of(row: RowMapping | dict[str, Any], its: Fields) -> Place:
    """Read where a charge stands from its id and the columns of `PLACE`."""
    facts = {str(column.key): row[str(column.key)] for column in PLACE}
    facts["reason"] = its.unseal_any(row["reason"], place=REASON, row=row["charge_id"])
    flags = (
        "reversing", "scheduled", "connected", "active", "knows_keys", "broken", "is_where_it_went", "behind",
    )  # fmt: skip
    return Place(**facts | {"status": Status(row["status"])} | {name: bool(row[name]) for name in flags})
