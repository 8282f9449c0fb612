"""Proves a trail from its rows: what was changed, taken out or cut off is named (PERM-8)."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.audit.anchors import Head
from shared.audit.chain import NOTHING_BEFORE, hash_of_link
from shared.audit.linking import unlinked
from shared.database.audit import links_of
from shared.database.transactions import Database

READ_AT_ONCE: Final = 1000


class Fault(StrEnum):
    """What is wrong with a trail."""

    CHANGED = "changed"
    """The entry, or its link, is not what it was when it was linked."""
    ENTRY_GONE = "entry gone"
    LINK_GONE = "link gone"
    UNLINKED = "unlinked"
    """Nobody lays the chain, or a link was taken out with its place."""
    CUT_OFF = "cut off"
    """An anchor knows a link that is no more: the end was taken out."""
    REWRITTEN = "rewritten"
    """An anchor knows another hash: everything up to there was made anew."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The first row at which a trail does not hold."""

    fault: Fault
    instance_id: UUID
    sequence: int | None = None
    entry_id: UUID | None = None
    at: datetime | None = None
    """When the entry says that it happened."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How far a trail was proved: all of it, where nothing was found."""

    links: int
    instances: int
    finding: Finding | None = None


async def verify(
    database: Database, trail: Table, *, linked_before: datetime, anchored: Iterable[Head] = ()
) -> Proof:
    """Recompute the chain of every instance from its rows, as they stream by.

    Entries from before `linked_before` must have their link; every head in `anchored` must be in the chain.
    """
    heads = {(head.instance_id, head.sequence): head for head in anchored}
    async with database.reading_for_all() as connection:
        walk = _Walk(heads=heads)
        finding = await walk.through(_rows(connection, trail))
        finding = finding or walk.not_met() or await _unlinked(connection, trail, before=linked_before)
    return Proof(links=walk.links, instances=walk.instances, finding=finding)


async def _rows(connection: AsyncConnection, trail: Table) -> AsyncIterator[Any]:
    link = links_of(trail)
    linked = [
        link.c.instance_id.label("chain"),
        link.c.sequence.label("place"),
        link.c.entry_id.label("linked"),
        link.c.hash.label("hash"),
    ]
    statement = (
        select(*linked, trail)
        .select_from(link.outerjoin(trail, trail.c.id == link.c.entry_id))
        .order_by(link.c.instance_id, link.c.sequence)
    )
    async with connection.stream(statement.execution_options(yield_per=READ_AT_ONCE)) as rows:
        async for row in rows:
            yield row


@dataclass(kw_only=True)
class _Walk:
    heads: Mapping[tuple[UUID, int], Head]
    links: int = 0
    instances: int = 0
    _instance_id: UUID | None = None
    _sequence: int = 0
    _hash: bytes = NOTHING_BEFORE

    def __post_init__(self) -> None:
        self._unmet = dict(self.heads)

    async def through(self, rows: AsyncIterator[Row[Any]]) -> Finding | None:
        async for row in rows:
            if row.chain != self._instance_id:
                self.instances += 1
                self._instance_id, self._sequence, self._hash = row.chain, 0, NOTHING_BEFORE
            fault = self._fault_of(row)
            if fault is not None:
                gone = fault is Fault.LINK_GONE
                return Finding(
                    fault=fault,
                    instance_id=row.chain,
                    sequence=self._sequence + 1,
                    entry_id=None if gone else row.linked,
                    at=None if gone else row.at,
                )
            self.links, self._sequence, self._hash = self.links + 1, row.place, row.hash
        return None

    def _fault_of(self, row: Row[Any]) -> Fault | None:
        if row.place != self._sequence + 1:
            return Fault.LINK_GONE
        if row.id is None:
            return Fault.ENTRY_GONE
        names = row._mapping  # noqa: SLF001 - its public name
        entry = {name: names[name] for name in names if name not in {"chain", "place", "linked", "hash"}}
        if (
            row.hash != hash_of_link(self._hash, sequence=row.place, entry=entry)
            or row.chain != row.instance_id
        ):
            return Fault.CHANGED
        head = self._unmet.pop((row.chain, row.place), None)
        return Fault.REWRITTEN if head is not None and head.hash != row.hash else None

    def not_met(self) -> Finding | None:
        """Tell of the first head in the anchors that the chain has not."""
        for (instance_id, sequence), _head in sorted(self._unmet.items()):
            return Finding(fault=Fault.CUT_OFF, instance_id=instance_id, sequence=sequence)
        return None


async def _unlinked(connection: AsyncConnection, trail: Table, *, before: datetime) -> Finding | None:
    entry = trail.c
    oldest = unlinked(trail).where(entry.at < before).order_by(entry.at, entry.id).limit(1)
    row = (await connection.execute(oldest)).one_or_none()
    if row is None:
        return None
    return Finding(fault=Fault.UNLINKED, instance_id=row.instance_id, entry_id=row.id, at=row.at)
