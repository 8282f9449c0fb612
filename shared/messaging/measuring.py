"""Metrics from the ledger: set at each look at them, and true when the broker is gone."""

from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Gauge
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.messaging.ledger import count_deliveries
from shared.messaging.tables import DeliveryState, Ledger
from shared.observability.metrics import DELIVERIES_UNFINISHED, OLDEST_OPEN_DELIVERY, RELAY_LAG


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What a consumer has not applied yet."""

    oldest_at: datetime
    """When the first of these events happened."""
    due_at: datetime
    """When the first of them is to be rung for (again)."""


async def what_waits(connection: AsyncConnection, ledger: Ledger) -> dict[str, Waiting]:
    """Give the oldest open deliveries by consumer; only open ones are looked at."""
    delivery, event = ledger.delivery, ledger.event
    statement = (
        select(delivery.c.consumer, func.min(event.c.occurred_at), func.min(delivery.c.next_ring_at))
        .join(event, event.c.id == delivery.c.event_id)
        .where(delivery.c.state == DeliveryState.OPEN.value)
        .group_by(delivery.c.consumer)
    )
    rows = (await connection.execute(statement)).all()
    return {row[0]: Waiting(oldest_at=row[1], due_at=row[2]) for row in rows}


async def measure_ledger(database: Database, ledger: Ledger, *, service: str, clock: Clock = now_utc) -> None:
    """Set the gauges of the ledger of `service`."""
    async with database.reading_for_all() as connection:
        counts = await count_deliveries(connection, ledger)
        waiting = await what_waits(connection, ledger)
    now = clock()
    for labels in _measured(DELIVERIES_UNFINISHED, service) | {(service, *key) for key in counts}:
        DELIVERIES_UNFINISHED.labels(*labels).set(counts.get((labels[1], labels[2]), 0))
    for labels in _measured(OLDEST_OPEN_DELIVERY, service) | {(service, consumer) for consumer in waiting}:
        there = waiting.get(labels[1])
        OLDEST_OPEN_DELIVERY.labels(*labels).set(_seconds(there.oldest_at, now) if there else 0)
        RELAY_LAG.labels(*labels).set(_seconds(there.due_at, now) if there else 0)


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())


def _measured(gauge: Gauge, service: str) -> set[tuple[str, ...]]:
    # What has drained must fall to zero, not keep its last value.
    samples = next(iter(gauge.collect())).samples
    return {tuple(one.labels.values()) for one in samples if one.labels["service"] == service}
