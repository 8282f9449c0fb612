"""After a restore: what a ledger counts as applied and its consumer does not know, and the other way round.

A consumer whose database is older than the ledger is behind receipts that it sent itself: those deliveries
are opened again. A ledger that is older than its consumers does not know events that they have applied.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.transactions import Database
from shared.messaging.inbox import already_applied
from shared.messaging.ledger import Claimed, Step, note_steps
from shared.messaging.messages import Delivery
from shared.messaging.tables import DeliveryState, Inbox, Ledger

PAGE: Final = 5000
"""Ids that are compared at a time: either database takes so many parameters."""

RESTORED: Final = "The consumer's database was restored from a backup that is older than its receipt."


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One consumer of one ledger, both of their databases at hand."""

    consumer: str
    publisher: Database
    ledger: Ledger
    subscriber: Database
    inbox: Inbox


async def receipted_but_unknown(one: Subscription, *, or_rung: bool = False) -> AsyncIterator[list[Claimed]]:
    """Give deliveries, still sealed, that the ledger counts as applied and the inbox does not have, by pages.

    `or_rung`: those too that were rung and have no receipt yet, for they may have been applied.
    """
    delivery, event = one.ledger.delivery, one.ledger.event
    receipted = delivery.c.state == DeliveryState.RECEIPTED.value
    rung = and_(delivery.c.state == DeliveryState.OPEN.value, delivery.c.rings > 0)
    after = UUID(int=0)
    while True:
        page = (
            select(
                delivery.c.id,
                delivery.c.event_id,
                delivery.c.rings,
                event.c.type,
                event.c.body,
                event.c.instance_id,
            )
            .join(event, event.c.id == delivery.c.event_id)
            .where(
                delivery.c.consumer == one.consumer,
                or_(receipted, rung) if or_rung else receipted,
                delivery.c.id > after,
            )
            .order_by(delivery.c.id)
            .limit(PAGE)
        )
        async with one.publisher.reading_for_all() as connection:
            rows = (await connection.execute(page)).all()
        if not rows:
            return
        async with one.subscriber.reading_for_all() as connection:
            known = await already_applied(connection, one.inbox, one.consumer, {row.event_id for row in rows})
        yield [
            Claimed(
                consumer=one.consumer,
                instance_id=row.instance_id,
                delivery=Delivery(
                    delivery_id=row.id, event_id=row.event_id, type=row.type, ring=row.rings, body=row.body
                ),
            )
            for row in rows
            if row.event_id not in known
        ]
        after = rows[-1].id


async def reopen(connection: AsyncConnection, ledger: Ledger, ids: Sequence[UUID], *, at: datetime) -> None:
    """Have receipted deliveries rung again, as if they had never been."""
    delivery = ledger.delivery
    await connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.state == DeliveryState.RECEIPTED.value)
        .values(
            state=DeliveryState.OPEN.value,
            rings=0,
            failures=0,
            next_ring_at=at,
            receipted_at=None,
            reason=None,
        )
    )
    await note_steps(connection, ledger, ids, what=Step.REOPENED, reason=RESTORED, at=at)


async def applied_but_unpublished(one: Subscription) -> list[UUID]:
    """Give the events that the consumer has applied and the ledger does not have."""
    applied, event = one.inbox.applied, one.ledger.event
    strays: list[UUID] = []
    after = UUID(int=0)
    while True:
        page = (
            select(applied.c.event_id)
            .where(applied.c.consumer == one.consumer, applied.c.event_id > after)
            .order_by(applied.c.event_id)
            .limit(PAGE)
        )
        async with one.subscriber.reading_for_all() as connection:
            ids = list((await connection.execute(page)).scalars())
        if not ids:
            return strays
        async with one.publisher.reading_for_all() as connection:
            known = set((await connection.execute(select(event.c.id).where(event.c.id.in_(ids)))).scalars())
        strays += [one_id for one_id in ids if one_id not in known]
        after = ids[-1]
