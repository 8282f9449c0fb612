"""Engines for PostgreSQL (production) and SQLite in WAL mode (embedded)."""

import sqlite3
import time
from typing import Any, Final

import asyncpg
import orjson
from sqlalchemy import Connection, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

SQLITE_BUSY_TIMEOUT_MILLISECONDS = 20_000
POOL_SIZE = 10

TRUSTED_SECONDS: Final = 1.0
"""So long a connection to PostgreSQL counts as alive after its last use, unless its end was heard."""
_USED_AT: Final = "opencircle_used_at"

WRITES = "opencircle_writes"
"""Execution option of a connection whose transaction takes SQLite's write lock at its start."""


SCOPE = "opencircle_scope"
"""Execution option: the instance whose rows the transaction sees on PostgreSQL. Without it, it sees none."""

SETTING: Final = "opencircle.instance"
"""PostgreSQL's setting that names it; the policies ask for it."""

EVERY_INSTANCE = "*"
"""The scope of what works across instances: messaging, planning, migrations."""


class UnsupportedDatabaseError(Exception):
    """The database URL names neither `postgresql+asyncpg` nor `sqlite+aiosqlite`."""


def create_engine(url: str, *, pool_size: int = POOL_SIZE) -> AsyncEngine:
    """Build the engine for `url`; opens no connection yet.

    Parameters are hidden from error texts, because they are health data.
    """
    common: dict[str, Any] = {
        "hide_parameters": True,
        "json_serializer": _dumps,
        "json_deserializer": orjson.loads,
    }
    if url.startswith("postgresql+asyncpg://"):
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            connect_args={"connection_class": ScopedConnection},
            **common,
        )
        event.listen(engine.sync_engine, "begin", _begin_scoped)
        _check_connections(engine)
        return engine
    if url.startswith("sqlite+aiosqlite://"):
        engine = create_async_engine(url, pool_size=pool_size, max_overflow=pool_size, **common)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    raise UnsupportedDatabaseError(url.split("://", maxsplit=1)[0])


class ScopedConnection(asyncpg.Connection):
    """Says with BEGIN, in the same round trip, whose rows the transaction sees, until its end."""

    __slots__ = ("scope",)

    scope: str | None

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - asyncpg's own
        """Run a script; one that begins a transaction begins it in the scope of this connection."""
        if query.startswith("BEGIN") and getattr(self, "scope", None) is not None:
            query = f"{query} SET LOCAL {SETTING} = '{self.scope}'"
        return await super().execute(query, *args, timeout=timeout)


def _begin_scoped(connection: Connection) -> None:
    raw = connection.connection.driver_connection
    assert isinstance(raw, ScopedConnection)  # noqa: S101 - made by `create_engine`
    raw.scope = connection.get_execution_options().get(SCOPE)


def _check_connections(engine: AsyncEngine) -> None:
    """Have no connection used that has ended: one is replaced, after a restart of the database all are.

    SQLAlchemy's pre-ping does so by three round trips before each transaction. Here a connection is asked
    after a second without use; before that, its closed socket tells.
    """
    dialect = engine.sync_engine.dialect

    def note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    def require_alive(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        used_at = record.info.get(_USED_AT)  # None: it was opened just now
        if used_at is not None and time.monotonic() - used_at > TRUSTED_SECONDS:
            try:
                dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "checkin", note_use)
    event.listen(engine.sync_engine, "checkout", require_alive)


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def _prepare_sqlite(dbapi_connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, and too late: `_begin_sqlite` does it.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # the ledger must survive a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    # Without it REPLACE deletes rows past the triggers that make them insert-only.
    cursor.execute("PRAGMA recursive_triggers = ON")
    cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MILLISECONDS}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer in WAL mode fails at once when another wrote meanwhile;
    # so writers queue for the lock before they read.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
