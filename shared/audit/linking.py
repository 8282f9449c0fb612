"""Lays the chain behind the trail, a moment after: whoever writes an entry waits for nobody."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, Table, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.chain import NOTHING_BEFORE, hash_of_link
from shared.clock import Clock, now_utc
from shared.database.audit import links_of
from shared.database.dialects import take_turns
from shared.database.transactions import Database
from shared.identifiers import first_id_at, named_id

LINKED_AT_MOST: Final = 200
"""Entries of one transaction: some milliseconds of the process that serves requests beside it."""
LATE_BY_AT_MOST: Final = timedelta(minutes=5)
"""How long the transaction of an entry may take and still be seen by the next look."""
WHOLE_LOOK_EVERY: Final = timedelta(hours=1)
"""How often the whole trail is looked through for entries that came later still."""

_TURN: Final = named_id(UUID(int=0), "audit_link")


@dataclass(kw_only=True)
class Linker:
    """Links the entries of one service's trail. Of several at once, one works and the others wait."""

    database: Database
    trail: Table
    clock: Clock = now_utc
    """The real time of day: the ids of entries are made from it."""
    _seen_until: datetime | None = field(default=None, init=False)
    _looked_through_at: datetime | None = field(default=None, init=False)

    async def link_new(self) -> int:
        """Link every entry that has no link; give how many. One that is committed late is not passed over.

        There is no place up to which all is done: what counts is that an entry has no link.
        """
        began, linked = self.clock(), 0
        since = self._since(began)
        whole = since is None
        while True:
            found = await self._link_some(since)
            linked += len(found)
            if len(found) < LINKED_AT_MOST:
                break
            # Further on in this look: however much there is, each part of it is found by the index.
            since = found[-1].id
        if whole:
            self._looked_through_at = began
        self._seen_until = began
        return linked

    def _since(self, now: datetime) -> UUID | None:
        """Give the id from which on is looked, or None for the whole trail."""
        last = self._looked_through_at
        if self._seen_until is None or last is None or now - last > WHOLE_LOOK_EVERY:
            return None
        return first_id_at(self._seen_until - LATE_BY_AT_MOST)

    async def _link_some(self, since: UUID | None) -> Sequence[Row[Any]]:
        async with self.database.reading_for_all() as connection:
            if (await connection.execute(unlinked(self.trail, since).limit(1))).first() is None:
                return ()
        async with self.database.writing_for_all() as connection:
            await take_turns(connection, [_TURN])
            oldest = unlinked(self.trail, since).order_by(self.trail.c.id).limit(LINKED_AT_MOST)
            found: Sequence[Row[Any]] = (await connection.execute(oldest)).all()
            if found:
                heads = await heads_of(connection, self.trail, {row.instance_id for row in found})
                await connection.execute(insert(links_of(self.trail)), list(_links(found, heads)))
        return found


def unlinked(trail: Table, since: UUID | None = None) -> Select[Any]:
    """Select the entries without a link; of those made `since` then, the index finds them."""
    link = links_of(trail)
    its_link = select(link.c.entry_id).where(link.c.entry_id == trail.c.id)
    if since is None:
        return select(trail).where(~its_link.exists())
    return select(trail).where(trail.c.id >= since, ~its_link.where(link.c.entry_id >= since).exists())


async def heads_of(
    connection: AsyncConnection, trail: Table, instance_ids: Collection[UUID]
) -> dict[UUID, Row[Any]]:
    """Give the last link of each instance that has one."""
    link = links_of(trail)
    asked = (
        select(trail.c.instance_id).where(trail.c.instance_id.in_(instance_ids)).distinct().subquery("asked")
    )
    last = select(func.max(link.c.sequence)).where(link.c.instance_id == asked.c.instance_id)
    places = (await connection.execute(select(asked.c.instance_id, last.scalar_subquery()))).all()
    heads = select(link).where(
        tuple_(link.c.instance_id, link.c.sequence).in_([tuple(place) for place in places])
    )
    return {row.instance_id: row for row in (await connection.execute(heads)).all()}


def _links(found: Sequence[Row[Any]], heads: dict[UUID, Row[Any]]) -> Iterable[dict[str, Any]]:
    last = {instance_id: (head.sequence, head.hash) for instance_id, head in heads.items()}
    for row in sorted(found, key=attrgetter("at", "id")):
        sequence, previous = last.get(row.instance_id, (0, NOTHING_BEFORE))
        made = hash_of_link(previous, sequence=sequence + 1, entry=row._mapping)  # noqa: SLF001 - its public name
        last[row.instance_id] = (sequence + 1, made)
        yield {
            "instance_id": row.instance_id,
            "sequence": sequence + 1,
            "entry_id": row.id,
            "hash": made,
        }
