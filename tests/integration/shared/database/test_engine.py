"""Connections that ended meanwhile are replaced, and no request hears of it."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import engine as module
from shared.database.engine import create_engine
from tests.support.servers import PostgresServer

pytestmark = pytest.mark.postgres


async def _backend(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def _backends(engine: AsyncEngine) -> set[int]:
    """Give the processes that serve three connections which are open at once."""
    async with engine.connect() as first, engine.connect() as second, engine.connect() as third:
        asked = [await one.execute(text("SELECT pg_backend_pid()")) for one in (first, second, third)]
        return {int(one.scalar_one()) for one in asked}


async def test_after_a_restart_of_the_database_every_connection_is_a_new_one(
    postgres_server: PostgresServer,
) -> None:
    engine = create_engine(postgres_server.admin_url)
    before = await _backends(engine)
    await asyncio.to_thread(postgres_server.restart)
    after = await _backends(engine)
    await engine.dispose()
    assert (len(before), len(after), before & after) == (3, 3, set())


@pytest.mark.parametrize("trusted_seconds", [0.0, 60.0])
async def test_a_connection_that_was_ended_is_replaced(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, trusted_seconds: float
) -> None:
    monkeypatch.setattr(module, "TRUSTED_SECONDS", trusted_seconds)
    engine, other = create_engine(postgres_server.admin_url), create_engine(postgres_server.admin_url)
    before = await _backend(engine)
    async with other.connect() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": before})
    assert await _backend(engine) != before
    await engine.dispose()
    await other.dispose()


async def test_a_connection_that_lives_is_used_again(postgres_server: PostgresServer) -> None:
    engine = create_engine(postgres_server.admin_url)
    assert len({await _backend(engine) for _ in range(3)}) == 1
    await engine.dispose()
