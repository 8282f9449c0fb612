"""Numbers changes after their commit, so that a reader who knows a number has missed none before it.

A number given while a transaction is open can become visible after a higher one. Here a second, short
transaction gives the numbers, one at a time for each instance: decision 13 says why.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, exists, func, literal, select, update

from services.sessions.stream.models import SESSION_CHANGE, STREAM_COUNTER
from shared.clock import Clock
from shared.database.dialects import upsert
from shared.database.transactions import Database, Transaction

KEPT_FOR: Final = timedelta(days=7)
"""How long a front end may have been away and still resume."""

LOOK_EVERY_SECONDS: Final = 0.5


async def number_changes(db: Transaction, *, now: datetime) -> int:
    """Give numbers to what has none yet; give the last number of this instance."""
    nothing_yet = {"instance_id": db.instance_id, "last": 0}
    await db.execute(upsert(db.connection, STREAM_COUNTER, nothing_yet).on_conflict_do_nothing())
    # Whoever else numbers waits here until these numbers are committed. SQLite's writers queue anyway.
    counter = await db.one_or_none(db.rows_of(STREAM_COUNTER, STREAM_COUNTER.c.last).with_for_update())
    assert counter is not None  # noqa: S101 - it has just been made sure of
    change = SESSION_CHANGE
    order = func.row_number().over(order_by=change.c.id).label("number")
    unnumbered = db.rows_of(change, change.c.id, order).where(change.c.position.is_(None)).subquery()
    numbered = await db.execute(
        update(change)
        .where(change.c.id == unnumbered.c.id)
        .values(position=counter.last + unnumbered.c.number, numbered_at=now)
    )
    last: int = counter.last + numbered.rowcount
    if last != counter.last:
        mine = STREAM_COUNTER.c.instance_id == db.instance_id
        await db.execute(update(STREAM_COUNTER).where(mine).values(last=last))
    return last


async def forget_old_changes(db: Transaction, *, now: datetime) -> None:
    """Delete what is older than streams can resume from; the planner runs it."""
    # Numbered first: what goes must leave a gap that a returning reader can see.
    await number_changes(db, now=now)
    change = SESSION_CHANGE
    # By number: clocks of two processes may differ, and a hole in the middle would be seen by nobody.
    old = db.rows_of(change, func.max(change.c.position)).where(change.c.numbered_at < now - KEPT_FOR)
    mine = change.c.instance_id == db.instance_id
    await db.execute(delete(change).where(mine, change.c.position <= old.scalar_subquery()))


@dataclass(kw_only=True)
class _Look:
    """What was found, and when by the loop's time."""

    last: int = 0
    at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, kw_only=True)
class Lookout:
    """Looks for new changes: once for all streams of an instance in this process."""

    database: Database
    clock: Clock
    _looks: dict[UUID, _Look] = field(default_factory=lambda: defaultdict(_Look))

    async def last_number(self, instance_id: UUID) -> int:
        """Give the last number, as it was at most `LOOK_EVERY_SECONDS` ago."""
        look, loop = self._looks[instance_id], asyncio.get_running_loop()
        async with look.lock:
            if loop.time() - look.at >= LOOK_EVERY_SECONDS:
                look.last = await self.look(instance_id)
                look.at = loop.time()
        return look.last

    async def look(self, instance_id: UUID) -> int:
        """Number what is new, and give the last number of now."""
        async with self.database.reading(instance_id) as db:
            found = await db.one_or_none(_state(db))
        if found is not None and not found.unnumbered:
            return int(found.last or 0)
        async with self.database.writing(instance_id) as db:
            return await number_changes(db, now=self.clock())


def _state(db: Transaction) -> Any:
    change = SESSION_CHANGE
    unnumbered = exists(
        select(literal(1)).where(change.c.instance_id == db.instance_id, change.c.position.is_(None))
    )
    last = db.rows_of(STREAM_COUNTER, STREAM_COUNTER.c.last).scalar_subquery()
    return select(unnumbered.label("unnumbered"), last.label("last"))
