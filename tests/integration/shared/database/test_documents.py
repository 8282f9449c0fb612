"""JSON that the database writes: the same text of the same row on both databases, as orjson would have it."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.columns import JsonValue, UtcDateTime
from shared.database.documents import NoJsonFormError, json_list, json_object
from shared.database.engine import create_engine
from shared.web.bodies import json_bytes
from tests.support.databases import BOTH

_METADATA: Final = MetaData()
THING: Final = Table(
    "thing",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("words", Text),
    Column("count", Integer),
    Column("on", Date),
    Column("at", UtcDateTime),
    Column("facts", JsonValue),
)
PART: Final = Table(
    "part", _METADATA, Column("thing_id", Uuid), Column("position", Integer, primary_key=True)
)
ID: Final = UUID("0192f0c0-0000-7000-8000-00000000000a")


@pytest_asyncio.fixture(params=BOTH)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    url = f"sqlite+aiosqlite:///{tmp_path}/things.sqlite3"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server").create_database(
            f"things_{tmp_path.name.lower()}"[:60]
        )
    engine = create_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_METADATA.create_all)
    yield engine
    await engine.dispose()


async def _written(engine: AsyncEngine, thing: dict[str, Any], positions: list[int]) -> Any:
    dialect = engine.dialect.name
    parts = select(PART.c.position).where(PART.c.thing_id == THING.c.id).order_by(PART.c.position)
    whole = select(*THING.c, json_list(parts, dialect, within=THING).label("parts")).where(
        THING.c.id == bindparam("of_thing")
    )
    async with engine.begin() as connection:
        for table in (THING, PART):
            await connection.execute(delete(table))
        await connection.execute(insert(THING).values(thing))
        if positions:
            rows = [{"thing_id": ID, "position": one} for one in positions]
            await connection.execute(insert(PART), rows)
        read = await connection.execute(json_object(whole, dialect), {"of_thing": ID})
        return orjson.loads(read.scalar_one())


async def test_what_is_not_there_is_null_and_no_part_is_an_empty_list(engine: AsyncEngine) -> None:
    nothing = dict.fromkeys(("words", "count", "on", "at", "facts"))
    written = await _written(engine, {"id": ID}, [])
    assert written == {"id": str(ID), **nothing, "parts": []}


AWKWARD: Final = ("", 'He said "no" \\ then\n\t\x01', "λ 李 🙂 \u2028 é", "</script>", "null")
MOMENTS: Final = (
    datetime(2026, 3, 10, 14, tzinfo=UTC),
    datetime(2026, 3, 10, 14, 0, 0, 1500, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)


@pytest.mark.parametrize("words", AWKWARD)
@pytest.mark.parametrize("at", MOMENTS)
async def test_it_says_what_orjson_would_write(engine: AsyncEngine, words: str, at: datetime) -> None:
    facts = {"said": [words], "nothing": None}
    thing = {"id": ID, "words": words, "count": -7, "on": date(2026, 3, 10), "at": at, "facts": facts}
    parts = [{"position": one} for one in (1, 2, 3)]
    assert await _written(engine, thing, [3, 1, 2]) == orjson.loads(json_bytes(thing | {"parts": parts}))


def test_a_type_that_has_no_form_yet_is_an_error_of_the_programmer() -> None:
    flag = Table("flagged", MetaData(), Column("flag", Boolean))
    with pytest.raises(NoJsonFormError):
        json_object(select(flag), "sqlite")
