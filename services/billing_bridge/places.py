"""Where charges stand and how their connections are, as columns."""

from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, and_, func, or_

from services.billing_bridge.models import charge_status, connection
from services.billing_bridge.outcomes import Status
from services.billing_bridge.waiting import Place

at_its_connection = and_(
    connection.c.instance_id == charge_status.c.instance_id, connection.c.system == charge_status.c.system
)
same_place: ColumnElement[bool] = func.coalesce(
    connection.c.destination_id == charge_status.c.destination_id, False
)

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
)
"""What `Place` is made of; joined to the connection from outside."""


def place_of(row: RowMapping | dict[str, Any]) -> Place:
    """Read where a charge stands from the columns of `PLACE`."""
    facts = {str(column.key): row[str(column.key)] for column in PLACE}
    flags = ("reversing", "scheduled", "connected", "active", "knows_keys", "broken", "is_where_it_went")
    return Place(**facts | {"status": Status(row["status"])} | {name: bool(row[name]) for name in flags})
