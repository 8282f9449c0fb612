import pytest
import redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.servers import PostgresServer, ValkeyServer


async def answer(url: str, statement: str) -> object:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        result = await connection.execute(text(statement))
        value = result.scalar() if result.returns_rows else None
    await engine.dispose()
    return value


@pytest.mark.postgres
async def test_postgres_answers(postgres_server: PostgresServer) -> None:
    assert await answer(postgres_server.admin_url, "SELECT 41 + 1") == 42


@pytest.mark.postgres
async def test_a_database_is_a_copy_of_its_template(postgres_server: PostgresServer) -> None:
    original = postgres_server.create_database("original")
    await answer(original, "CREATE TABLE numbers AS SELECT 7 AS seven")
    copy = postgres_server.create_database("copy", template="original")
    try:
        assert await answer(copy, "SELECT seven FROM numbers") == 7
    finally:
        postgres_server.drop_database("copy")
        postgres_server.drop_database("original")


@pytest.mark.postgres
async def test_postgres_comes_back_after_a_crash(postgres_server: PostgresServer) -> None:
    postgres_server.kill()
    assert not postgres_server.running
    postgres_server.start()
    assert await answer(postgres_server.admin_url, "SELECT 1") == 1


def test_each_test_gets_an_empty_broker(broker_url: str) -> None:
    with redis.Redis.from_url(broker_url) as client:
        assert client.dbsize() == 0


def test_valkey_keeps_what_it_stored_over_a_restart(valkey_server: ValkeyServer, broker_url: str) -> None:
    with redis.Redis.from_url(broker_url) as client:
        client.set("patient", "kept")
    valkey_server.restart()
    with redis.Redis.from_url(broker_url) as client:
        assert client.get("patient") == b"kept"


def test_a_wiped_valkey_has_lost_everything(valkey_server: ValkeyServer, broker_url: str) -> None:
    with redis.Redis.from_url(broker_url) as client:
        client.set("patient", "lost")
        valkey_server.wipe()
        assert client.get("patient") is None
