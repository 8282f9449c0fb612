"""A database from before fields were sealed, with rows in it, brought to today's tables."""

from pathlib import Path
from uuid import uuid4

from alembic import command
from sqlalchemy import Connection, text

from services.printing.repository import load_documented
from shared.database.engine import create_engine
from shared.database.migrations import configuration, upgrade
from shared.testing.databases import database_on
from shared.testing.records import CLINIC

DOCUMENTATION = uuid4()


def _before(connection: Connection) -> None:
    config = configuration("printing")
    config.attributes["connection"] = connection
    command.upgrade(config, "0002")
    connection.execute(
        text(
            "INSERT INTO documented_session (documentation_id, instance_id, session_id, record) "
            "VALUES (:id, :instance, :id, :record)"
        ),
        {"id": DOCUMENTATION.hex, "instance": CLINIC.hex, "record": '{"topic": "Grief"}'},
    )


async def test_what_was_kept_in_the_clear_is_sealed_and_still_read(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite+aiosqlite:///{tmp_path}/printing.sqlite3")
    async with engine.begin() as connection:
        await connection.run_sync(_before)
    await upgrade(engine, "printing")
    async with engine.connect() as connection:
        stored = (await connection.execute(text("SELECT record FROM documented_session"))).scalar_one()
    async with database_on(engine).reading(CLINIC) as db:
        documented = await load_documented(db, DOCUMENTATION)
    await engine.dispose()
    assert "Grief" not in stored
    assert documented is not None
    assert (documented.record, documented.retracted) == ({"topic": "Grief"}, None)
