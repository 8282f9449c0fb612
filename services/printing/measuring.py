"""Metrics from the print jobs and the ledger that rings for them: set at each look at them."""

from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from services.printing.domain import JobStatus
from services.printing.models import SERVICE, ledger, print_job
from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.identifiers import first_id_at
from shared.messaging.measuring import measure_ledger
from shared.observability.metrics import PRINT_JOBS

A_DAY: Final = timedelta(hours=24)


async def measure_printing(database: Database, *, clock: Clock = now_utc) -> None:
    """Set the gauges of print jobs and of the ledger."""
    await measure_ledger(database, ledger, service=SERVICE, clock=clock)
    # By the key, which begins with the time: there is no other index over all instances.
    statement = (
        select(print_job.c.status, func.count())
        .where(print_job.c.id >= first_id_at(clock() - A_DAY))
        .group_by(print_job.c.status)
    )
    async with database.reading_for_all() as connection:
        counts = {row[0]: row[1] for row in (await connection.execute(statement)).all()}
    for status in JobStatus:
        PRINT_JOBS.labels(status.value).set(counts.get(status.value, 0))
