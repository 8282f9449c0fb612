"""A statement that goes alone names its instance itself, whatever the plan, and leaves nothing behind."""

from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest
import pytest_asyncio
from asyncpg import InsufficientPrivilegeError
from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    bindparam,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    true,
)

from services.sessions.configuration.models import INSTANCE
from services.sessions.metadata import LEDGER, TRAIL
from shared.database.engine import SETTING, create_engine
from shared.database.single_trips import SingleTrip
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.testing.databases import database_on
from shared.testing.records import CLINIC, OTHER_CLINIC
from tests.support.databases import cloned
from tests.support.servers import PostgresServer

pytestmark = [pytest.mark.postgres, pytest.mark.rule("PERM-8")]

JOINS = ("enable_nestloop", "enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_material")
PLANS = tuple(product(("force_generic_plan", "force_custom_plan"), ("", *JOINS)))


@pytest_asyncio.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    """Two instances, each with one event, behind one connection."""
    engine = create_engine(await cloned(postgres_server, "sessions"), pool_size=1)
    database = database_on(engine)
    for instance_id in (CLINIC, OTHER_CLINIC):
        async with database.writing(instance_id) as db:
            await db.execute(insert(INSTANCE).values(_instance(instance_id)))
            event = {"id": new_id(), "instance_id": instance_id, "type": "t", "subject": "", "body": ""}
            await db.execute(insert(LEDGER.event).values(event | {"occurred_at": func.now()}))
    yield database
    await engine.dispose()


def _instance(instance_id: Any) -> dict[str, object]:
    named = {column.name: False for column in INSTANCE.c if column.name.startswith(("use", "view", "show"))}
    return named | {"instance_id": instance_id, "name": "Clinic", "version": 1}


def _entry(instance_id: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    entry = {"id": func.gen_random_uuid(), "instance_id": instance_id, "at": func.now()}
    entry |= {name: literal("seen") for name in ("action", "subject", "outcome")}
    return [value.label(name) for name, value in entry.items()]


def _forgetful() -> Select[Any]:
    """Ask for all instances and their events, by a join and by a sub-select that depends on nothing."""
    events = select(LEDGER.event.c.id)
    joined = INSTANCE.join(LEDGER.event, LEDGER.event.c.instance_id == INSTANCE.c.instance_id)
    return select(*_entry(INSTANCE.c.instance_id)).select_from(joined).where(exists(events))


FORGETFUL = SingleTrip(TRAIL, _forgetful())
NAMED = SingleTrip(TRAIL, select(*_entry(bindparam("of_instance", type_=Uuid()))))


async def _driver_does(database: Database, *statements: str) -> Any:
    async with database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        return [await driver.fetchval(one) for one in statements]


async def _seen(database: Database) -> list[Any]:
    async with database.reading_for_all() as connection:
        return list((await connection.execute(select(TRAIL.c.instance_id).order_by(TRAIL.c.at))).scalars())


async def _nothing_is_left(database: Database) -> bool:
    left = await _driver_does(
        database, f"SELECT current_setting('{SETTING}', true)", "SELECT count(*) FROM instance"
    )
    return left in ([None, 0], ["", 0])


@pytest.mark.parametrize("analysed", [False, True])
async def test_it_sees_and_writes_its_own_instance_alone_by_every_plan(
    database: Database, analysed: bool
) -> None:
    if analysed:
        async with database.engine.connect() as connection:
            await connection.execute(text("ANALYZE"))
    for plan, without in PLANS:
        await _driver_does(database, "RESET ALL", f"SET plan_cache_mode = {plan}")
        await _driver_does(database, *([f"SET {without} = off"] if without else []))
        written = [await FORGETFUL.rows_written(database, one, {}) for one in (CLINIC, OTHER_CLINIC)]
        assert written == [1, 1], (plan, without)
    assert await _seen(database) == [CLINIC, OTHER_CLINIC] * len(PLANS)


async def test_instances_alternate_over_one_connection_and_leave_no_scope_on_it(database: Database) -> None:
    for instance_id in (CLINIC, OTHER_CLINIC) * 8:
        assert await FORGETFUL.rows_written(database, instance_id, {}) == 1
        assert await _nothing_is_left(database)
    assert await _seen(database) == [CLINIC, OTHER_CLINIC] * 8


async def test_an_instance_without_rows_writes_none(database: Database) -> None:
    assert await FORGETFUL.rows_written(database, new_id(), {}) == 0
    assert await _nothing_is_left(database)


async def test_it_writes_into_no_other_instance_and_leaves_no_scope_when_refused(database: Database) -> None:
    assert await NAMED.rows_written(database, CLINIC, {"of_instance": CLINIC}) == 1
    with pytest.raises(InsufficientPrivilegeError, match="row-level security"):
        await NAMED.rows_written(database, CLINIC, {"of_instance": OTHER_CLINIC})
    assert await _nothing_is_left(database)
    assert await _seen(database) == [CLINIC]


async def test_empty_tables_are_no_other_case(database: Database) -> None:
    empty = select(*_entry(bindparam("of_instance", type_=Uuid()))).where(~exists(select(TRAIL.c.id)), true())
    trip = SingleTrip(TRAIL, empty)
    for instance_id in (CLINIC, OTHER_CLINIC):
        written = [await trip.rows_written(database, instance_id, {"of_instance": instance_id}) for _ in "ab"]
        assert written == [1, 0]  # the first found none of its own, the second its own
