"""A table of two instances, insert-only and with a composite key, whose texts are sealed by a migration."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, select, text
from sqlalchemy.types import TypeEngine

from shared.database.columns import new_metadata
from shared.database.engine import create_engine
from shared.database.field_keys import DATA_KEY
from shared.database.fields import row_key
from shared.database.insert_only import REFUSAL, insert_only
from shared.database.sealing_rows import seal_columns
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.messaging.sealing import KeyRing
from shared.testing.databases import FIELD_KEYS, database_on
from shared.testing.records import CLINIC, OTHER_CLINIC
from tests.support.databases import BOTH
from tests.support.servers import PostgresServer

KEY: Final[dict[str, TypeEngine[Any]]] = {"session_id": sa.Uuid(), "number": sa.Integer()}
metadata = new_metadata()
remark = sa.Table(
    "remark",
    metadata,
    sa.Column("session_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("instance_id", sa.Uuid, nullable=False),
    sa.Column("mrn", sa.String(64)),
    sa.Column("mrn_blind", sa.String(64)),
    sa.Column("problems", sa.JSON),
)
SESSION = uuid4()


@pytest_asyncio.fixture(params=BOTH)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path}/remarks.sqlite3"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database(f"remarks_{new_id().hex}")
    engine = create_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.run_sync(DATA_KEY.create)
        await connection.execute(remark.insert(), [_remark(number) for number in range(5)])
        for statement in insert_only("remark", dialect=engine.dialect.name):
            await connection.execute(text(statement))
    yield database_on(engine)
    await engine.dispose()


def _remark(number: int) -> dict[str, Any]:
    instance_id: UUID = CLINIC if number else OTHER_CLINIC
    return {
        "session_id": SESSION,
        "number": number,
        "instance_id": instance_id,
        "mrn": None if number == 4 else f"MRN-{number}",
        "problems": ["grief", number],
    }


def _seal(connection: Connection) -> None:
    given = {"master_keys": lambda: KeyRing.parse(FIELD_KEYS)}
    with Operations.context(MigrationContext.configure(connection, opts=given)):
        columns: dict[str, TypeEngine[Any]] = {"mrn": sa.String(64), "problems": sa.JSON()}
        seal_columns("remark", columns, row=KEY, blind={"mrn": "mrn_blind"})


async def test_every_row_is_sealed_where_it_stands(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.database.sealing_rows.BATCH", 2)
    async with database.writing_for_all() as connection:
        await connection.run_sync(_seal)
    fields = await database.fields_of([CLINIC, OTHER_CLINIC])
    stored = sa.table(
        "remark", *(sa.column(one.name, one.type) for one in remark.c if one.name != "problems")
    )
    async with database.engine.connect() as connection:
        rows = (await connection.execute(select(stored, sa.column("problems", sa.Text)))).all()
    assert len(rows) == 5
    for row in rows:
        its, bound, plain = fields[row.instance_id], row_key(SESSION, row.number), _remark(row.number)
        assert its.unseal_any(row.mrn, place="remark.mrn", row=bound) == plain["mrn"]
        assert its.unseal_json(row.problems, place="remark.problems", row=bound) == plain["problems"]
        found_by = plain["mrn"] and its.blind(plain["mrn"], place="remark.mrn")
        assert row.mrn_blind == found_by


async def test_what_was_insert_only_is_so_again(database: Database) -> None:
    async with database.writing_for_all() as connection:
        await connection.run_sync(_seal)
    for change in ("UPDATE remark SET mrn = 'x'", "DELETE FROM remark"):
        with pytest.raises(sa.exc.DBAPIError, match=REFUSAL):
            async with database.writing_for_all() as connection:
                await connection.execute(text(change))
