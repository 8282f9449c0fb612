"""PostgreSQL itself shows a transaction the rows of its own instance, and no others."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from deploy.embedded.folder import SERVICES
from deploy.operations.where import tables_of
from services.sessions.configuration.models import INSTANCE
from services.sessions.metadata import LEDGER, TRAIL
from shared.database.engine import create_engine
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.testing.databases import database_on
from shared.testing.records import CLINIC, OTHER_CLINIC, TUESDAY
from tests.support.databases import cloned
from tests.support.servers import PostgresServer

pytestmark = [pytest.mark.postgres, pytest.mark.rule("PERM-8")]

SECURED = (
    "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid "
    "WHERE relrowsecurity AND relforcerowsecurity"
)
WITHOUT_INSTANCE = {"delivery", "delivery_step", "inbox", "inbox_attempt", "failed_log_in"}
"""What names no instance: deliveries and their steps have their event's, inboxes hold ids of events alone,
and a log-in that failed is nobody's yet."""


@pytest_asyncio.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    """Two instances behind a pool of two connections, which is asked as a service asks it."""
    engine = create_engine(await cloned(postgres_server, "sessions"), pool_size=1)
    database = database_on(engine)
    for instance_id in (CLINIC, OTHER_CLINIC):
        async with database.writing(instance_id) as db:
            await db.execute(insert(INSTANCE).values(_instance(instance_id)))
            event = {"id": new_id(), "instance_id": instance_id, "type": "t", "subject": "", "body": ""}
            await db.execute(insert(LEDGER.event).values(event | {"occurred_at": text("now()")}))
            owed = {"id": new_id(), "event_id": event["id"], "consumer": "charts", "state": "open"}
            owed |= {"rings": 0, "failures": 0, "next_ring_at": text("now()")}
            await db.execute(insert(LEDGER.delivery).values(owed))
            step = {"id": new_id(), "delivery_id": owed["id"], "at": text("now()"), "what": "rung"}
            await db.execute(insert(LEDGER.step).values(step))
    yield database
    await engine.dispose()


def _instance(instance_id: UUID) -> dict[str, object]:
    named = {column.name: False for column in INSTANCE.c if column.name.startswith(("use", "view", "show"))}
    return named | {"instance_id": instance_id, "name": "Clinic", "version": 1}


async def seen(database: Database, instance_id: UUID) -> set[UUID]:
    """Ask for all there is, as a statement that forgot its instance would."""
    async with database.reading(instance_id) as db:
        return {row.instance_id for row in await db.all(select(INSTANCE.c.instance_id))}


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_has_its_policy_and_binds_its_owner_too(
    postgres_server: PostgresServer, service: str
) -> None:
    engine = create_engine(await cloned(postgres_server, service))
    async with engine.connect() as connection:
        forced = await connection.execute(text(SECURED))
        secured = set(forced.scalars())
    await engine.dispose()
    tables = tables_of(service).tables
    assert set(tables) == secured
    assert {name for name, table in tables.items() if "instance_id" not in table.c} <= WITHOUT_INSTANCE


async def test_a_statement_that_forgets_its_instance_sees_its_own_alone(database: Database) -> None:
    assert await seen(database, CLINIC) == {CLINIC}
    assert await seen(database, new_id()) == set()


async def test_what_names_no_instance_sees_nothing(database: Database) -> None:
    await seen(database, CLINIC)
    async with database.engine.connect() as connection:
        assert (await connection.execute(select(INSTANCE))).all() == []
        assert (await connection.execute(select(LEDGER.delivery))).all() == []


async def test_a_delivery_and_its_steps_are_seen_where_its_event_is(database: Database) -> None:
    async with database.reading(CLINIC) as db:
        assert [len(await db.all(select(one))) for one in (LEDGER.delivery, LEDGER.step)] == [1, 1]
    async with database.reading_for_all() as connection:
        assert len((await connection.execute(select(LEDGER.delivery))).all()) == 2


async def test_nobody_writes_into_another_instance(database: Database) -> None:
    async with database.writing(CLINIC) as db:
        changed = await db.execute(
            update(INSTANCE).where(INSTANCE.c.instance_id == OTHER_CLINIC).values(name="Taken")
        )
        assert changed.rowcount == 0
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.writing(CLINIC) as db:
            await db.execute(insert(INSTANCE).values(_instance(new_id())))


async def test_pooled_connections_keep_nothing_of_who_used_them_before(database: Database) -> None:
    """Also where that one was cancelled in the midst of it, or its transaction failed."""
    order = random.Random(7)  # noqa: S311 - an order, no secret

    async def read(instance_id: UUID) -> None:
        assert await seen(database, instance_id) == {instance_id}

    async def fail(instance_id: UUID) -> None:
        with suppress(DBAPIError):
            async with database.writing(instance_id) as db:
                await db.execute(text("SELECT 1 / 0"))

    async def be_cancelled(instance_id: UUID) -> None:
        async def sleep() -> None:
            async with database.writing(instance_id) as db:
                await db.execute(text("SELECT pg_sleep(1)"))

        with suppress(TimeoutError):
            await asyncio.wait_for(sleep(), order.random() / 50)

    async def ask_nobody() -> None:
        async with database.engine.connect() as connection:
            assert (await connection.execute(select(INSTANCE))).all() == []

    work = [one(who) for one in (read, read, fail, be_cancelled) for who in (CLINIC, OTHER_CLINIC) * 8]
    work += [ask_nobody() for _ in range(8)]
    order.shuffle(work)
    await asyncio.gather(*work)


async def test_the_index_is_used_as_before(database: Database) -> None:
    entry = TRAIL.c
    found = select(entry.id).where(entry.instance_id == CLINIC, entry.at > TUESDAY)
    asked = found.compile(database.engine.sync_engine, compile_kwargs={"literal_binds": True})
    async with database.reading(CLINIC) as db:
        await db.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(row[0] for row in await db.all(text(f"EXPLAIN {asked}")))
    (condition,) = [line for line in plan.splitlines() if "Index Cond" in line]
    assert "instance_id" in condition
    assert "at" in condition.split("AND")[1]
