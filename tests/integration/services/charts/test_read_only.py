"""Nobody changes a note: by no route and no verb, by no SQL, not as the service's own role (DIST-2)."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database.engine import create_engine
from shared.database.grants import BadRoleError, grant
from shared.database.transactions import Database
from shared.events.catalogue import SESSION_ANNOTATED, SESSION_RETRACTED
from shared.events.staff import Role
from shared.testing.corrections import an_annotation, annotated, retraction_of
from shared.testing.databases import database_on
from shared.testing.records import a_session_record
from tests.integration.services.charts.conftest import Charts
from tests.support.databases import seeing_all

SERVICE_ROLE = "charts_at_work"
"""Not the name that compose gives its role: roles belong to the server, and tests share one."""
RECORDS = {
    "chart_note": "minutes = 0",
    "chart_note_annotation": "content = '{}'",
    "chart_note_retraction": "content = '{}'",
    "chart_documentation": "version = 0",
    "audit_entry": "outcome = 'allowed'",
}
VERBS = ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]


async def fill(charts: Charts) -> None:
    """One note, annotated and entered in error, and somebody who has read it."""
    await charts.hire(Role.SUPER_ADMIN)
    record = a_session_record(present=1, absent=0)
    added = annotated(record, an_annotation(record.participants[0].patient_id))
    await charts.hear(added, event_type=SESSION_ANNOTATED)
    await charts.hear(retraction_of(record), event_type=SESSION_RETRACTED)
    (note,) = await charts.notes()
    assert (await charts.ask(f"/notes/{note.id}")).status_code == 200


async def records(charts: Charts) -> dict[str, list[str]]:
    async with charts.database.engine.connect() as connection:
        return {
            table: sorted(repr(row) for row in await connection.execute(text(f"SELECT * FROM {table}")))  # noqa: S608
            for table in RECORDS
            if table != "audit_entry"
        }


async def refused(database: Database, statement: str, *, because: str) -> None:
    with pytest.raises(DBAPIError, match=because):
        async with database.writing_for_all() as connection:
            await connection.execute(text(statement))


def changes(table: str, *, dialect: str) -> Iterator[str]:
    yield f"UPDATE {table} SET {RECORDS[table]}"  # noqa: S608
    yield f"DELETE FROM {table}"  # noqa: S608
    if dialect == "postgresql":
        yield f"TRUNCATE {table}"
        yield f"TRUNCATE {table} CASCADE"
    else:
        yield f"REPLACE INTO {table} SELECT * FROM {table}"  # noqa: S608
        yield f"UPDATE OR REPLACE {table} SET {RECORDS[table]}"  # noqa: S608


@pytest.mark.rule("DIST-2", "PERM-8")
@pytest.mark.parametrize("table", RECORDS)
async def test_the_database_itself_refuses_to_change_or_delete(charts: Charts, table: str) -> None:
    await fill(charts)
    before = await records(charts)
    assert all(before.values())
    for statement in changes(table, dialect=charts.database.engine.dialect.name):
        await refused(charts.database, statement, because="never changed or deleted")
    assert await records(charts) == before


@pytest.mark.rule("DIST-2")
async def test_an_upsert_by_hand_is_refused_too(charts: Charts) -> None:
    await fill(charts)
    upsert = (
        "INSERT INTO chart_note SELECT * FROM chart_note WHERE true "
        "ON CONFLICT (id) DO UPDATE SET content = 'rewritten'"
    )
    await refused(charts.database, upsert, because="never changed or deleted")


@pytest.mark.rule("DIST-2")
@pytest.mark.parametrize("verb", VERBS)
async def test_no_route_changes_a_note_by_any_verb(charts: Charts, verb: str) -> None:
    await fill(charts)
    (note,) = await charts.notes()
    before = await records(charts)
    ids = {
        "note_id": note.id,
        "patient_id": note.patient_id,
        "session_id": note.session_id,
        "kind": "Composition",
        "tab_id": (await charts.ask("/tabs")).json()["items"][0]["id"],
    }
    paths = [path.removeprefix("/v1/charts") for path in charts.application.openapi()["paths"]]
    assert len(paths) > 10
    for path in paths:
        filled = re.sub(r"\{(\w+)\}", lambda found: str(ids[found[1]]), path)
        answer = await charts.ask(
            filled, method=verb, body={"content": "rewritten"}, headers={"If-Match": "*"}
        )
        # What is arranged anew are tabs, and they hold no note (TAB-5).
        assert answer.status_code == 405 or path.startswith("/tabs"), (verb, path)
    assert await records(charts) == before


@pytest_asyncio.fixture
async def as_service(charts: Charts) -> AsyncIterator[Charts]:
    """The charts service under a role that owns nothing, as `migrations grant` has made it."""
    if charts.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite knows no roles: whoever opens the file owns it, and triggers alone refuse")
    async with charts.database.engine.begin() as connection:
        created = f"CREATE ROLE {SERVICE_ROLE} LOGIN NOSUPERUSER"
        known = f"SELECT 1 FROM pg_roles WHERE rolname = '{SERVICE_ROLE}'"  # noqa: S608
        if (await connection.execute(text(known))).first() is None:
            await connection.execute(text(created))
    await grant(charts.database.engine, SERVICE_ROLE)
    engine = create_engine(charts.database.engine.url.set(username=SERVICE_ROLE).render_as_string())
    served = database_on(seeing_all(engine))
    charts.application.state.database = served
    yield replace(charts, database=served)
    await engine.dispose()


@pytest.mark.rule("DIST-2")
async def test_the_services_own_role_can_file_and_read(as_service: Charts) -> None:
    await fill(as_service)
    made = await as_service.ask("/tabs", method="POST", body={"name": "Labs", "kind": "standard"})
    assert made.status_code == 201


@pytest.mark.rule("DIST-2")
@pytest.mark.parametrize("table", RECORDS)
async def test_the_services_own_role_can_neither_change_nor_drop_nor_switch_off_what_refuses(
    as_service: Charts, table: str
) -> None:
    await fill(as_service)
    before = await records(as_service)
    for statement in (
        *changes(table, dialect="postgresql"),
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"ALTER TABLE {table} DISABLE TRIGGER {table}_is_insert_only",
        f"DROP TRIGGER {table}_is_insert_only ON {table}",
        f"DROP TABLE {table} CASCADE",
        f"ALTER TABLE {table} RENAME TO elsewhere",
        f"CREATE RULE hidden AS ON SELECT TO {table} DO INSTEAD NOTHING",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
    ):
        await refused(as_service.database, statement, because=r"permission denied|must be owner|privilege")
    assert await records(as_service) == before


async def test_a_role_is_named_plainly(charts: Charts) -> None:
    with pytest.raises(BadRoleError):
        await grant(charts.database.engine, "charts; DROP TABLE chart_note")
