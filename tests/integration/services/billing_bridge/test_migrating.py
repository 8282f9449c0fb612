"""A database from before charges were sealed, with rows in it, brought to today's tables."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
import pytest_asyncio
from alembic import command
from sqlalchemy import Connection, Table, select, text
from sqlalchemy.exc import DBAPIError

from services.billing_bridge.models import charge_history, charge_status, push_result
from services.billing_bridge.repository import REASON, find_charge
from services.billing_bridge.sealed_columns import SEALED
from shared.database.engine import create_engine
from shared.database.insert_only import REFUSAL
from shared.database.migrations import configuration, upgrade
from shared.database.transactions import Database
from shared.testing.databases import database_on, opened_rows
from shared.testing.records import CLINIC
from tests.support.databases import BOTH, seeing_all
from tests.support.servers import PostgresServer

CHARGE: Final = uuid4()
BEFORE: Final = """
INSERT INTO charge (charge_id, instance_id, system, session_id, documentation_id, patient_id, mrn,
    service_date, form, code, description, modifiers, place_of_service, units, minutes, provider_name,
    group_size, made_at, patient_family, patient_born)
VALUES ('{id}', '{clinic}', 'webhook', '{id}', '{id}', '{id}', 'MRN-7Q', '2026-03-10', 'professional',
    '90853', 'Group psychotherapy', '["HQ"]', '53', 1, 50, 'Margaret Chen', 8, '2026-03-10', 'Okafor',
    '1977-02-03');
INSERT INTO charge_status (charge_id, instance_id, system, made_at, status, reason, changes, attempts,
    tries, uncertain, changed_at)
VALUES ('{id}', '{clinic}', 'webhook', '2026-03-10', 'held', 'Ask Anna.', 1, 1, 1, false, '2026-03-10');
INSERT INTO charge_history (charge_id, number, instance_id, at, status, reason)
VALUES ('{id}', 1, '{clinic}', '2026-03-10', 'held', 'Ask Anna.');
INSERT INTO push_attempt (charge_id, number, instance_id, started_at, url)
VALUES ('{id}', 1, '{clinic}', '2026-03-10', 'https\\://billing.example');
INSERT INTO push_result (charge_id, number, instance_id, ended_at, verdict, answer)
VALUES ('{id}', 1, '{clinic}', '2026-03-10', 'rejected', 'No policy.')
"""


def _before(connection: Connection) -> None:
    config = configuration("billing_bridge")
    config.attributes["connection"] = connection
    command.upgrade(config, "0010")
    ids = {"id": CHARGE, "clinic": CLINIC}
    stored = ids if connection.dialect.name == "postgresql" else {name: one.hex for name, one in ids.items()}
    for statement in BEFORE.format(**stored).split(";"):
        connection.execute(text(statement))


@pytest_asyncio.fixture(params=BOTH)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path}/billing.sqlite3"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database("billing_before")
    engine = seeing_all(create_engine(url))
    async with database_on(engine).writing_for_all() as connection:
        await connection.run_sync(_before)
    await upgrade(engine, "billing_bridge")
    yield database_on(engine)
    await engine.dispose()


async def _only(database: Database, table: Table) -> Any:
    sealed = [one for one in SEALED if one.table == table.name]
    (row,) = await opened_rows(database, select(table), sealed)
    return row


async def test_what_was_kept_in_the_clear_is_sealed_and_still_read(database: Database) -> None:
    async with database.reading(CLINIC) as db:
        charge = await find_charge(db, CHARGE)
        blind = db.fields.blind("Ask Anna.", place=REASON)
    assert charge is not None
    assert (charge.mrn, charge.modifiers, charge.patient_family) == ("MRN-7Q", ("HQ",), "Okafor")
    assert (str(charge.patient_born), charge.revenue_code) == ("1977-02-03", None)
    status, history = await _only(database, charge_status), await _only(database, charge_history)
    assert (status.reason, status.reason_blind, history.reason) == ("Ask Anna.", blind, "Ask Anna.")
    assert (await _only(database, push_result)).answer == "No policy."
    with pytest.raises(DBAPIError, match=REFUSAL):
        async with database.writing_for_all() as connection:
            await connection.execute(text("UPDATE charge SET mrn = 'x'"))
