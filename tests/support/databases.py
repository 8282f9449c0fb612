"""A migrated database of one service, on SQLite and on PostgreSQL: the same tests run on both."""

import itertools
import os
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.engine import EVERY_INSTANCE, SCOPE, create_engine
from shared.database.migrations import upgrade
from shared.database.transactions import Database
from shared.testing.databases import FIELD_KEYS, database_on
from tests.support.servers import PostgresServer

OpenDatabase = Callable[[str], Awaitable[Database]]

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]

_EMPTYING: Final = """
SELECT 'SET session_replication_role = replica; '
    || string_agg(format('DELETE FROM %I; ', relname), '' ORDER BY relname)
    || 'RESET session_replication_role'
FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
"""
# Rows that an earlier test left stay as dead ones, and looking past them takes time.
_EMPTIED_AT_MOST: Final = 50


@dataclass(kw_only=True)
class _Made:
    """One database of a service of this worker, used by one test after the other.

    So is its engine: the statements that it has compiled are half of a short test's time.
    """

    name: str
    engine: AsyncEngine
    emptied: int = 0


def pytest_configure() -> None:
    """Have every process that a test starts open what the others seal."""
    os.environ["OPENCIRCLE_FIELD_KEYS"] = FIELD_KEYS


_templates: dict[tuple[int, str], str] = {}
_free: defaultdict[tuple[str, str], list[_Made]] = defaultdict(list)
_names = itertools.count()


@pytest_asyncio.fixture(params=BOTH)
async def open_database(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenDatabase]:
    """Gives a function that makes a fresh database of the service named; asked for twice, two of them."""
    taken: list[tuple[tuple[str, str], _Made]] = []

    async def open_one(service: str) -> Database:
        free = _free[request.param, service]
        if request.param == "postgresql":
            made = await _empty_one(request.getfixturevalue("postgres_server"), service, free)
        else:
            made = await _new_file(tmp_path_factory.getbasetemp(), service, free)
        taken.append(((request.param, service), made))
        return database_on(seeing_all(made.engine))

    yield open_one
    for key, made in taken:
        await made.engine.dispose()
        _free[key].append(made)


def _skip_waiting_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
    """As `PostgresServer` does: no test cuts the power."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


def seeing_all(engine: AsyncEngine) -> AsyncEngine:
    """Let what a test itself asks see all rows; what the code under test asks names its instance anyway."""
    return engine.execution_options(**{SCOPE: EVERY_INSTANCE})


async def copied(folder: Path, service: str, file: Path) -> str:
    """Copy a migrated file: closed, it has no write-ahead log beside it."""
    template = folder / f"template_{service}.sqlite3"
    if not template.exists():
        engine = create_engine(f"sqlite+aiosqlite:///{template}")
        await upgrade(engine, service)
        await engine.dispose()
    _replace(file, template)
    return f"sqlite+aiosqlite:///{file}"


def _replace(file: Path, template: Path) -> None:
    # Never written over: a connection that a test left open would share its log with the new one.
    for part in ("", "-wal", "-shm"):
        file.with_name(file.name + part).unlink(missing_ok=True)
    shutil.copyfile(template, file)


async def dumped(database: Database) -> str:
    """Give all that whoever takes the files, or a dump, of a database can read there."""
    if database.engine.dialect.name == "sqlite":
        file = Path(database.engine.url.database or "")
        files = [file, *file.parent.glob(f"{file.name}-*")]
        return "".join(one.read_bytes().decode(errors="replace") for one in files)
    async with database.reading_for_all() as connection:
        names = (
            await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        ).scalars()
        rows = [
            (await connection.execute(text(f'SELECT t::text FROM "{name}" AS t'))).scalars()  # noqa: S608 - of its own catalogue
            for name in names
        ]
    return "\n".join(row for table in rows for row in table)


async def _new_file(folder: Path, service: str, free: list[_Made]) -> _Made:
    if free:
        made = free.pop()
    else:
        name = str(folder / f"{service}_{next(_names)}.sqlite3")
        made = _Made(name=name, engine=create_engine(f"sqlite+aiosqlite:///{name}"))
        event.listen(made.engine.sync_engine, "connect", _skip_waiting_for_the_disk)
    await copied(folder, service, Path(made.name))
    return made


async def _empty_one(server: PostgresServer, service: str, free: list[_Made]) -> _Made:
    """Empty a database that an earlier test is done with, or copy a migrated one, which takes far longer."""
    while free:
        made = free.pop()
        if made.emptied < _EMPTIED_AT_MOST:
            made.emptied += 1
            if await _emptied(server.url(made.name, user="postgres")):
                return made
        server.drop_database(made.name)
    url = await cloned(server, service)
    return _Made(name=url.rpartition("/")[2], engine=create_engine(url))


async def cloned(server: PostgresServer, service: str) -> str:
    """Copying a migrated template takes a tenth of the time that migrating does."""
    key = (server.port, service)
    if key not in _templates:
        engine = create_engine(server.create_database(f"template_{service}"))
        await upgrade(engine, service)
        await engine.dispose()
        _templates[key] = f"template_{service}"
    return server.create_database(f"{service}_{next(_names)}", template=_templates[key])


async def _emptied(url: str) -> bool:
    """Empty a database; one in which a test has switched triggers off is given up instead."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    # What a test left behind would hold its locks.
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    whole = not await connection.fetchval("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'")
    if whole:
        await connection.execute(await connection.fetchval(_EMPTYING))
    await connection.close()
    return whole
