"""The inbox: what a consumer has applied, written in the transaction of its effect."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.dialects import upsert
from shared.messaging.tables import Inbox


async def already_applied(
    connection: AsyncConnection, inbox: Inbox, consumer: str, event_ids: Collection[UUID]
) -> set[UUID]:
    """Tell which of the events were applied here before."""
    applied = inbox.applied
    statement = select(applied.c.event_id).where(
        applied.c.consumer == consumer, applied.c.event_id.in_(event_ids)
    )
    return set((await connection.execute(statement)).scalars())


async def mark_applied(
    connection: AsyncConnection, inbox: Inbox, consumer: str, event_ids: Collection[UUID], *, at: datetime
) -> set[UUID]:
    """Note the events as applied, in the transaction of their effect; tell which were not before.

    Written before the effect: another worker with the same event waits here for the end of this
    transaction, and then finds it applied. All take them in one order, so none waits in a circle.
    """
    rows = [{"event_id": one, "consumer": consumer, "applied_at": at} for one in sorted(event_ids)]
    insert = upsert(connection, inbox.applied, rows[0]).on_conflict_do_nothing()
    return set((await connection.execute(insert.returning(inbox.applied.c.event_id), rows)).scalars())


async def count_attempts(
    connection: AsyncConnection, inbox: Inbox, consumer: str, event_ids: Collection[UUID]
) -> dict[UUID, int]:
    """Count that events are about to be applied, before they are; give how often each has begun."""
    if not event_ids:
        return {}
    attempt = inbox.attempt
    rows = [{"event_id": one, "consumer": consumer, "attempts": 1} for one in sorted(event_ids)]
    statement = (
        upsert(connection, attempt, rows[0])
        .on_conflict_do_update(
            index_elements=["event_id", "consumer"], set_={"attempts": attempt.c.attempts + 1}
        )
        .returning(attempt.c.event_id, attempt.c.attempts)
    )
    return {row.event_id: row.attempts for row in (await connection.execute(statement, rows)).all()}


async def forget_attempts(connection: AsyncConnection, inbox: Inbox, consumer: str, event_id: UUID) -> None:
    """Count from nothing again: the last attempt came to an end, though not to a good one."""
    attempt = inbox.attempt
    await connection.execute(
        delete(attempt).where(attempt.c.event_id == event_id, attempt.c.consumer == consumer)
    )
