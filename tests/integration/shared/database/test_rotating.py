"""Master keys and data keys are replaced while fields are read and written."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import ColumnElement, Executable, Row, select, update

from services.printing.domain import Kind, NewJob
from services.printing.models import data_key, print_job
from services.printing.repository import SHEET, add_queued_jobs
from services.printing.sealed_columns import SEALED
from shared.clock import now_utc
from shared.database.field_keys import DataKeyUnopenableError, FieldKeys
from shared.database.fields import USED_AFTER
from shared.database.insert_only import REFUSAL
from shared.database.rotating import reseal, rewrap, rewrap_some, rotate, sealed_by, wrapped_by
from shared.database.transactions import Database
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.testing.databases import FIELD_KEYS
from shared.testing.records import CLINIC, OTHER_CLINIC, TUESDAY
from shared.web.readiness import Readiness
from tests.support.databases import OpenDatabase

NEW_KEY = new_key_ring().replace("k1:", "k2:")
(SHEETS,) = [one for one in SEALED if one.place == SHEET]


@pytest_asyncio.fixture
async def database(open_database: OpenDatabase) -> Database:
    """Printing's, with two sheets of each of two instances."""
    database = await open_database("printing")
    await add_sheets(database, CLINIC, OTHER_CLINIC)
    return database


async def add_sheets(database: Database, *instances: UUID) -> None:
    jobs = [
        NewJob(
            id=uuid4(),
            instance_id=one,
            kind=Kind.SIGN_IN_SHEET,
            requested_at=TUESDAY,
            session_id=uuid4(),
            sheet={"names": ["Margaret"]},
        )
        for one in (*instances, *instances)
    ]
    async with database.writing_for(instances) as db:
        await add_queued_jobs(db, jobs, at=TUESDAY)


def another_process(
    database: Database, ring: str = FIELD_KEYS, *, later: timedelta | None = None
) -> Database:
    """Open it as a process that starts now, or whose clock is later, and knows no data key yet."""
    keys = FieldKeys(master_keys=KeyRing.parse(ring), clock=lambda: now_utc() + (later or timedelta()))
    return replace(database, field_keys=keys)


async def sheets(database: Database) -> Sequence[Row[object]]:
    async with database.engine.connect() as connection:
        return (await connection.execute(select(print_job).order_by(print_job.c.id))).all()


async def opened(database: Database) -> list[object]:
    rows = await sheets(database)
    fields = await database.fields_of({row.instance_id for row in rows})
    return [fields[row.instance_id].unseal_json(row.sheet, place=SHEET, row=row.id) for row in rows]


async def resealed(database: Database) -> int:
    return sum([some.sealed async for some in reseal(database, print_job, SHEETS)])


async def test_rewrapped_keys_open_without_the_old_master_key(database: Database) -> None:
    assert await rewrap(another_process(database, f"{NEW_KEY},{FIELD_KEYS}")) == 4
    assert await wrapped_by(database) == {"k2": 4}
    assert await opened(another_process(database, NEW_KEY)) == [{"names": ["Margaret"]}] * 4
    with pytest.raises(DataKeyUnopenableError):
        await opened(another_process(database))


async def test_a_rewrap_that_was_broken_off_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.database.rotating.BATCH", 1)
    begun = another_process(database, f"{NEW_KEY},{FIELD_KEYS}")
    async with begun.writing_for_all() as connection:
        await connection.run_sync(rewrap_some, begun)
    assert await wrapped_by(database) == {"k1": 3, "k2": 1}
    assert [await rewrap(begun), await rewrap(begun)] == [3, 0]


async def test_a_new_data_key_rests_before_it_seals(database: Database) -> None:
    assert [await rotate(database), await rotate(database)] == [2, 0]
    resting, rested = another_process(database), another_process(database, later=USED_AFTER)
    await add_sheets(resting, CLINIC)
    assert await sealed_by(database, print_job, SHEETS) == {1: 6}
    await add_sheets(rested, CLINIC)
    assert await sealed_by(database, print_job, SHEETS) == {1: 6, 2: 2}


async def test_a_process_with_old_knowledge_opens_what_a_new_key_has_sealed(database: Database) -> None:
    await opened(database)
    await rotate(database)
    await add_sheets(another_process(database, later=timedelta(hours=1)), CLINIC)
    fields = await database.fields_of([CLINIC])
    database.field_keys.remember(fields, read_at=-3600)
    assert await opened(database) == [{"names": ["Margaret"]}] * 6


async def test_a_reseal_that_was_broken_off_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.database.rotating.BATCH", 1)
    await rotate(database)
    rested = another_process(database, later=USED_AFTER)
    async for _ in reseal(rested, print_job, SHEETS):
        break
    assert await sealed_by(database, print_job, SHEETS) == {1: 3, 2: 1}
    assert [await resealed(rested), await resealed(rested)] == [3, 0]
    assert await opened(another_process(database)) == [{"names": ["Margaret"]}] * 4


async def test_what_does_not_open_is_named_and_holds_nothing_up(database: Database) -> None:
    moved, *_ = await sheets(database)
    async with database.writing_for_all() as connection:
        another = print_job.c.id != moved.id
        theirs = select(print_job.c.sheet).where(another).limit(1).scalar_subquery()
        await connection.execute(print_job.update().where(print_job.c.id == moved.id).values(sheet=theirs))
    await rotate(database)
    rested = another_process(database, later=USED_AFTER)
    found = [some async for some in reseal(rested, print_job, SHEETS)]
    assert [(one.sealed, list(one.unopenable)) for one in found] == [(3, [f"{SHEET} of {moved.id}"])]


@pytest.mark.parametrize("change", [data_key.delete(), data_key.update().values(version=7)])
async def test_a_data_key_is_never_lost(database: Database, change: Executable) -> None:
    with pytest.raises(Exception, match=REFUSAL):
        async with database.writing_for_all() as connection:
            await connection.execute(change)


@pytest.mark.parametrize("ring", [NEW_KEY, new_key_ring()], ids=["missing", "others"])
async def test_a_process_whose_master_keys_are_missing_or_others_is_not_ready(
    database: Database, ring: str
) -> None:
    assert await Readiness(database=another_process(database)).lacking() is None
    lacking = await Readiness(database=another_process(database, ring)).lacking()
    assert lacking == "OPENCIRCLE_FIELD_KEYS: missing or wrong: k1"


async def test_one_broken_data_key_and_a_later_loss_take_no_process_away(database: Database) -> None:
    async def breaks(*which: ColumnElement[bool]) -> None:
        async with database.writing_for_all() as connection:
            await connection.execute(update(data_key).where(*which).values(wrapped="k1.AAAA"))

    await breaks(data_key.c.instance_id == CLINIC, data_key.c.version == 0)
    ready, starting = (Readiness(database=another_process(database)) for _ in range(2))
    assert await ready.lacking() is None
    await breaks()
    assert (await ready.lacking(), bool(await starting.lacking())) == (None, True)
