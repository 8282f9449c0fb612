"""A migrated database of one service, on SQLite and on PostgreSQL: the same tests run on both."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.engine import EVERY_INSTANCE, SCOPE, create_engine
from shared.database.migrations import upgrade
from shared.database.transactions import Database
from tests.support.servers import PostgresServer

OpenDatabase = Callable[[str], Awaitable[Database]]

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]

_templates: dict[tuple[int, str], str] = {}


@pytest_asyncio.fixture(params=BOTH)
async def open_database(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenDatabase]:
    """Gives a function that makes a fresh database of the service named; asked for twice, two of them."""
    engines: list[AsyncEngine] = []

    async def open_one(service: str) -> Database:
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = await cloned(server, service)
        else:
            folder = tmp_path_factory.getbasetemp()
            url = await copied(folder, service, tmp_path / f"{service}{len(engines)}.sqlite3")
        engine = create_engine(url)
        engines.append(engine)
        return Database(engine=seeing_all(engine))

    yield open_one
    for engine in engines:
        await engine.dispose()


def seeing_all(engine: AsyncEngine) -> AsyncEngine:
    """Let what a test itself asks see all rows; what the code under test asks names its instance anyway."""
    return engine.execution_options(**{SCOPE: EVERY_INSTANCE})


async def copied(folder: Path, service: str, file: Path) -> str:
    """As `cloned`, of a file: closed, it has no write-ahead log beside it."""
    template = folder / f"template_{service}.sqlite3"
    if not template.exists():
        engine = create_engine(f"sqlite+aiosqlite:///{template}")
        await upgrade(engine, service)
        await engine.dispose()
    shutil.copyfile(template, file)
    return f"sqlite+aiosqlite:///{file}"


async def cloned(server: PostgresServer, service: str) -> str:
    """Copying a migrated template takes a tenth of the time that migrating does."""
    key = (server.port, service)
    if key not in _templates:
        engine = create_engine(server.create_database(f"template_{service}"))
        await upgrade(engine, service)
        await engine.dispose()
        _templates[key] = f"template_{service}"
    server_name = f"{service}_{len(_made)}"
    _made.append(server_name)
    return server.create_database(server_name, template=_templates[key])


_made: list[str] = []
