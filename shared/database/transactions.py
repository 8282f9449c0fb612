"""Units of work: one request or one message is one transaction, bound to one instance."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import CursorResult, Executable, FromClause, Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database.engine import EVERY_INSTANCE, SCOPE, WRITES
from shared.failpoints import reached


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
    rings: bool = field(default=False, init=False)

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
class Database:
    """One service's database."""

    engine: AsyncEngine
    bell: Bell = field(default_factory=SilentBell)
    _queue: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False, compare=False)

    @asynccontextmanager
    async def writing(self, instance_id: UUID, *, one_picture: bool = False) -> AsyncIterator[Transaction]:
        """Open a transaction that commits at the end of the block, or leaves nothing behind.

        With `one_picture` all that it reads is of one moment; it must change no row that others change.
        """
        async with self._writing(str(instance_id), one_picture=one_picture) as connection:
            transaction = Transaction(connection=connection, instance_id=instance_id, bell=self.bell)
            yield transaction
        if transaction.rings:
            reached("ledger.committed")
            self.bell.ring_after_commit()

    @asynccontextmanager
    async def reading(self, instance_id: UUID) -> AsyncIterator[Transaction]:
        """Open a transaction that only reads: one consistent picture."""
        async with self._reading(str(instance_id)) as connection:
            yield Transaction(connection=connection, instance_id=instance_id, bell=self.bell)

    def writing_for_all(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a writing transaction over all instances: for messaging, whose rows name theirs."""
        return self._writing(EVERY_INSTANCE)

    def reading_for_all(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a reading transaction over all instances: for what looks its instance up, or counts."""
        return self._reading(EVERY_INSTANCE)

    @asynccontextmanager
    async def _writing(self, scope: str, *, one_picture: bool = False) -> AsyncIterator[AsyncConnection]:
        options: dict[str, Any] = {WRITES: True, SCOPE: scope}
        if one_picture and self.engine.dialect.name == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"  # SQLite's transactions all are so
        async with self._turn(), self.engine.connect() as connection:
            await connection.execution_options(**options)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def _reading(self, scope: str) -> AsyncIterator[AsyncConnection]:
        async with self.engine.connect() as connection:
            # As WRITES, an option of this transaction's connection alone, not of the pooled one below it.
            await connection.execution_options(**{SCOPE: scope})
            async with connection.begin():
                yield connection

    def _turn(self) -> AbstractAsyncContextManager[Any]:
        # SQLite has one writer at a time, and lets in by chance who waits for it: of very many, some wait
        # too long. In one process they queue here instead.
        return self._queue if self.engine.dialect.name == "sqlite" else nullcontext()
