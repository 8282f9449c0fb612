"""Metrics from the charges: set at each look at them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.billing_bridge.models import charge_status, connection
from services.billing_bridge.outcomes import Status
from shared.database.transactions import Database
from shared.observability.metrics import CHARGES

UNSETTLED: Final = (Status.PENDING, Status.HELD, Status.SENT, Status.UNKNOWN, Status.REJECTED)


async def count_unsettled(db: AsyncConnection) -> Sequence[Any]:
    """Count charges that are not settled by system and status, instance by instance: by their index."""
    instances = select(connection.c.instance_id).distinct().subquery()
    statement = (
        select(charge_status.c.system, charge_status.c.status, func.count())
        .join(instances, instances.c.instance_id == charge_status.c.instance_id)
        .where(charge_status.c.status.in_([status.value for status in UNSETTLED]))
        .group_by(charge_status.c.system, charge_status.c.status)
    )
    return (await db.execute(statement)).all()


async def measure_charges(database: Database) -> None:
    """Set the gauge of unsettled charges."""
    async with database.reading_for_all() as db:
        counts = await count_unsettled(db)
    CHARGES.clear()
    for system, status, count in counts:
        CHARGES.labels(system, status).set(count)
