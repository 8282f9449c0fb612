"""A database of the first release, with rows in it, brought to today's tables."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from alembic import command
from sqlalchemy import Connection, insert, select, text, true, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.sessions.directory.models import PATIENT
from services.sessions.directory.repository import find_patients, patient_ids_by_mrn
from services.sessions.documentation.frozen import REFUSAL
from services.sessions.documentation.models import DISCARDED, DISTRIBUTED, ROSTER_ENTRY
from services.sessions.documentation.repository import load_documentation, load_sessions
from services.sessions.metadata import LEDGER
from services.sessions.scheduling.models import SESSION
from shared.database.engine import create_engine
from shared.database.migrations import _check_foreign_keys, configuration, upgrade
from shared.events.catalogue import SESSION_REVIEWED
from shared.testing.databases import database_on
from shared.testing.records import CLINIC, a_session_record, enveloped
from tests.support.databases import BOTH, seeing_all
from tests.support.servers import PostgresServer

ROWS = {
    "location": {"name": "Main Street", "time_zone": "UTC"},
    "patient": {"mrn": "1", "first_name": "Anna", "last_name": "Kim", "birth_date": "1984-05-17"},
    "schedule_template": {"title": "Days"},
}


DOCUMENTATION = uuid4()


def _first_release(connection: Connection, revision: str = "0001") -> None:
    config = configuration("sessions")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _insert(connection: Connection, table: str, **values: Any) -> None:
    shown = [one.hex if isinstance(one, UUID) else str(one) for one in values.values()]
    # Literals: what type they are of, each database knows by the column.
    written = ", ".join(f"'{one}'" for one in shown)
    connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({written})")  # noqa: S608


def _some_rows(connection: Connection) -> None:
    ids = {name: uuid4() for name in (*ROWS, "group_session_template", "group_session")}
    instance = {"instance_id": CLINIC}
    place = {"location_id": ids["location"]}
    for table, values in ROWS.items():
        more = place if table == "schedule_template" else {}
        _insert(connection, table, id=ids[table], **values, **more, **instance)
    day, moment = date(2026, 3, 10), datetime(2026, 3, 10, 9, tzinfo=UTC).replace(tzinfo=None)
    _insert(
        connection, "group_session_template", id=ids["group_session_template"], title="Process",
        description="", first_on=day, starts_at="09:00:00.000000", duration_minutes=50, leader_ids="[]",
        enabled=1, notes_required=1, **place, **instance,
    )  # fmt: skip
    _insert(
        connection, "group_session", id=ids["group_session"], template_id=ids["group_session_template"],
        held_on=day, title="Process", starts_at=moment, duration_minutes=50, status="in_progress", version=2,
        topic="Grief", description="", documentation_id=DOCUMENTATION, **place, **instance,
    )  # fmt: skip
    _insert(
        connection, "roster_entry", documentation_id=DOCUMENTATION, patient_id=ids["patient"],
        session_id=ids["group_session"], individual_note="He cried.", **instance,
    )  # fmt: skip
    _insert(
        connection, "schedule_assignment", schedule_id=ids["schedule_template"], patient_id=ids["patient"],
        starts_on=day, **instance,
    )  # fmt: skip


@pytest_asyncio.fixture(params=BOTH)
async def open_unmigrated(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database without a table."""
    url = f"sqlite+aiosqlite:///{tmp_path}/empty.sqlite3"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database(f"unmigrated_{uuid4().hex}")
    engine = seeing_all(create_engine(url))
    yield engine
    await engine.dispose()


async def test_sqlite_keeps_every_row_and_every_reference(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite+aiosqlite:///{tmp_path}/first.sqlite3")
    async with engine.begin() as connection:
        await connection.run_sync(_first_release)
        await connection.run_sync(_some_rows)
    await upgrade(engine, "sessions")
    async with engine.connect() as connection:
        broken = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
        enforced = (await connection.execute(text("PRAGMA foreign_keys"))).scalar_one()
        counted = [
            (await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()  # noqa: S608
            for table in ("group_session", "roster_entry", "assignment", "template_location")
        ]
    await engine.dispose()
    assert (broken, enforced, counted) == ([], 1, [1, 1, 1, 1])


@pytest.mark.rule("SIGN-5")
async def test_what_was_distributed_before_can_be_annotated_after(open_unmigrated: AsyncEngine) -> None:
    record = a_session_record()
    envelope = enveloped(record, event_type=SESSION_REVIEWED)
    event = {
        "id": envelope.id,
        "instance_id": envelope.instanceid,
        "type": envelope.type,
        "subject": envelope.subject,
        "occurred_at": envelope.time,
        "body": envelope.model_dump_json(),
    }
    async with open_unmigrated.begin() as connection:
        await connection.run_sync(_first_release, "0004")
        await connection.execute(insert(LEDGER.event).values(event))
    await upgrade(open_unmigrated, "sessions")
    async with open_unmigrated.connect() as connection:
        rows = (await connection.execute(select(DISTRIBUTED))).all()
    kept = [(one.documentation_id, one.instance_id, one.event_id) for one in rows]
    assert kept == [(record.documentation_id, envelope.instanceid, envelope.id)]


def _set_aside(connection: Connection) -> None:
    _first_release(connection, "0016")
    moment = "2026-03-10 09:00:00.000000"
    about = {"documentation_id": DOCUMENTATION, "instance_id": CLINIC}
    session_id = connection.execute(text("SELECT id FROM group_session")).scalar_one()
    _insert(connection, "frozen_documentation", frozen_at=moment, **about)
    _insert(connection, "signed_document", sha256="0" * 64, instance_id=CLINIC, document="{}")
    _insert(
        connection, "discarded_documentation", id=uuid4(), session_id=session_id, how="delete", status="x",
        reason="Mixed up", discarded_at=moment, discarded_by=uuid4(), distributed=0,
        content='{"topic": "Loss"}', **about,
    )  # fmt: skip


@pytest.mark.rule("SIGN-4")
async def test_what_was_stored_in_the_clear_is_sealed_signed_or_not(open_unmigrated: AsyncEngine) -> None:
    async with open_unmigrated.connect() as connection:
        if open_unmigrated.dialect.name == "sqlite":
            await _check_foreign_keys(connection, "OFF")
        async with connection.begin():
            await connection.run_sync(_first_release)
            await connection.run_sync(_some_rows)
            await connection.run_sync(_set_aside)
    await upgrade(open_unmigrated, "sessions")
    database = database_on(open_unmigrated)
    async with open_unmigrated.connect() as connection:
        tables = (PATIENT, SESSION, ROSTER_ENTRY, DISCARDED)
        stored = str([(await connection.execute(select(table))).all() for table in tables])
    assert [
        one for one in ("Anna", "Kim", "1984-05-17", "Grief", "cried", "Mixed", "Loss") if one in stored
    ] == []
    async with database.reading(CLINIC) as db:
        (patient,) = await find_patients(db, true())
        (session,) = await load_sessions(db)
        documentation = await load_documentation(db, session.id)
        asked = await db.all(
            select(SESSION.c.has_topic, ROSTER_ENTRY.c.has_note).select_from(
                SESSION.join(ROSTER_ENTRY, ROSTER_ENTRY.c.session_id == SESSION.c.id)
            )
        )
        assert await patient_ids_by_mrn(db, {"1"}) == {"1": patient.id}
    assert (patient.printed_name, patient.birth_date) == ("Anna Kim", date(1984, 5, 17))
    assert (session.topic, documentation.roster[0].individual_note) == ("Grief", "He cried.")
    assert [tuple(one) for one in asked] == [(True, True)]
    with pytest.raises(DBAPIError, match=REFUSAL):
        async with open_unmigrated.begin() as connection:
            await connection.execute(update(SESSION).values(topic="Changed"))
