"""Units of work: one request or one message is one transaction, bound to one instance."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import CursorResult, Executable, FromClause, Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database.engine import WRITES
from shared.database.field_keys import FieldKeys
from shared.database.fields import Fields


class Bell(Protocol):
    """Wakes the relay of this database when a delivery waits. Losing a ring costs one sweep, no event."""

    async def ring_in(self, connection: AsyncConnection) -> None:
        """Ring as part of the transaction, when the database can carry it."""

    def ring_after_commit(self) -> None:
        """Ring now that the transaction is committed."""


class SilentBell:
    """For processes whose commits nobody waits for: the relay finds them at its next sweep."""

    async def ring_in(self, connection: AsyncConnection) -> None:
        """Do nothing."""

    def ring_after_commit(self) -> None:
        """Do nothing."""


@dataclass(kw_only=True)
class Transaction:
    """An open transaction that sees one instance only."""

    connection: AsyncConnection
    instance_id: UUID
    bell: Bell
    fields: Fields
    """What seals and opens this instance's fields."""
    rings: bool = field(default=False, init=False)

    @property
    def wide(self) -> "WideTransaction":
        """Give it to what works on several instances, with this one alone."""
        return WideTransaction(connection=self.connection, fields={self.instance_id: self.fields})

    def rows_of(self, table: FromClause, *columns: Any) -> Select[Any]:
        """Select from `table`, this instance's rows alone."""
        return select(*columns or (table,)).select_from(table).where(table.c.instance_id == self.instance_id)

    async def all(self, statement: Executable) -> Sequence[Row[Any]]:
        """Give every row."""
        return (await self.connection.execute(statement)).all()

    async def records(self, statement: Executable) -> list[dict[str, Any]]:
        """Give every row as a dict of its own."""
        result = await self.connection.execute(statement)
        # SQLAlchemy names columns by a subclass of str, which orjson takes for no key.
        columns = result.keys()
        names = [str(name) for name in columns]
        return [dict(zip(names, row, strict=True)) for row in result]

    async def one_or_none(self, statement: Executable) -> Row[Any] | None:
        """Give the only row, or None."""
        return (await self.connection.execute(statement)).one_or_none()

    async def execute(self, statement: Executable, rows: Any = None) -> CursorResult[Any]:
        """Run a statement, over many rows of parameters when they are given."""
        return await self.connection.execute(statement, rows)

    async def ring(self) -> None:
        """Have the relay woken when this transaction commits."""
        if not self.rings:
            self.rings = True
            await self.bell.ring_in(self.connection)


@dataclass(frozen=True, kw_only=True)
class WideTransaction:
    """An open writing transaction over several instances: for messaging, whose rows name theirs."""

    connection: AsyncConnection
    fields: Mapping[UUID, Fields]
    """What seals and opens the fields of each."""

    def of(self, instance_id: UUID) -> Transaction:
        """See one instance only; whoever opened this rings the bell."""
        return Transaction(
            connection=self.connection,
            instance_id=instance_id,
            bell=SilentBell(),
            fields=self.fields[instance_id],
        )


@dataclass(frozen=True, kw_only=True)
class Database:
    """One service's database."""

    engine: AsyncEngine
    field_keys: FieldKeys
    bell: Bell = field(default_factory=SilentBell)
    _queue: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False, compare=False)

    @asynccontextmanager
    async def writing(self, instance_id: UUID) -> AsyncIterator[Transaction]:
        """Open a transaction that commits at the end of the block, or leaves nothing behind."""
        fields = await self._fields_of_one(instance_id)
        async with self.writing_for_all() as connection:
            transaction = Transaction(
                connection=connection, instance_id=instance_id, bell=self.bell, fields=fields
            )
            yield transaction
        if transaction.rings:
            self.bell.ring_after_commit()

    @asynccontextmanager
    async def reading(self, instance_id: UUID) -> AsyncIterator[Transaction]:
        """Open a transaction that only reads: one consistent picture."""
        fields = await self._fields_of_one(instance_id)
        async with self.reading_for_all() as connection:
            yield Transaction(connection=connection, instance_id=instance_id, bell=self.bell, fields=fields)

    @asynccontextmanager
    async def writing_for(self, instance_ids: Collection[UUID]) -> AsyncIterator[WideTransaction]:
        """Open a writing transaction over several instances; whoever writes rings the bell."""
        fields = await self.fields_of(instance_ids)
        async with self.writing_for_all() as connection:
            yield WideTransaction(connection=connection, fields=fields)

    async def fields_of(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Fields]:
        """Give what seals and opens the fields of instances; those that have no data keys yet get some.

        Not to be asked inside a transaction. It has its own, one after the other: keys are used once they
        are committed, and a pool of one connection is enough.
        """
        fields = self.field_keys.known(instance_ids)
        fields |= await self._read_keys(set(instance_ids) - fields.keys())
        if keyless := set(instance_ids) - fields.keys():
            async with self.writing_for_all() as connection:
                await connection.run_sync(self.field_keys.make, keyless)
            fields |= await self._read_keys(keyless)
        return fields

    async def _fields_of_one(self, instance_id: UUID) -> Fields:
        return (await self.fields_of((instance_id,)))[instance_id]

    async def _read_keys(self, instance_ids: Collection[UUID]) -> dict[UUID, Fields]:
        if not instance_ids:
            return {}
        began = time.monotonic()
        async with self.reading_for_all() as connection:
            fields = await connection.run_sync(self.field_keys.read, instance_ids)
        self.field_keys.remember(fields, read_at=began)
        return fields

    @asynccontextmanager
    async def writing_for_all(self) -> AsyncIterator[AsyncConnection]:
        """Open a writing transaction over all instances that seals nothing and opens nothing."""
        async with self._turn(), self.engine.connect() as connection:
            await connection.execution_options(**{WRITES: True})
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def reading_for_all(self) -> AsyncIterator[AsyncConnection]:
        """Open a reading transaction over all instances that opens no field."""
        async with self.engine.connect() as connection, connection.begin():
            yield connection

    def _turn(self) -> AbstractAsyncContextManager[Any]:
        # SQLite has one writer at a time, and lets in by chance who waits for it: of very many, some wait
        # too long. In one process they queue here instead.
        return self._queue if self.engine.dialect.name == "sqlite" else nullcontext()
