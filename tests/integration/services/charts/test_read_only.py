import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.events.staff import Role
from shared.testing.records import a_session_record
from tests.integration.services.charts.conftest import Charts

CHANGES = {
    "update": "UPDATE chart_note SET content = 'rewritten'",
    "update of one column": "UPDATE chart_note SET minutes = 0",
    "delete": "DELETE FROM chart_note",
}


async def _refused(charts: Charts, statement: str) -> None:
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        async with charts.database.writing_for_all() as connection:
            await connection.execute(text(statement))


@pytest.mark.rule("DIST-2")
@pytest.mark.parametrize("change", CHANGES)
async def test_the_database_itself_refuses_to_change_a_note(charts: Charts, change: str) -> None:
    await charts.hear(a_session_record(present=2, absent=0))
    before = await charts.notes()
    await _refused(charts, CHANGES[change])
    assert await charts.notes() == before


@pytest.mark.rule("DIST-2")
async def test_postgresql_refuses_to_empty_the_notes(charts: Charts) -> None:
    if charts.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite knows no TRUNCATE: its form is DELETE without WHERE")
    await charts.hear(a_session_record(present=2, absent=0))
    await _refused(charts, "TRUNCATE chart_note")
    assert len(await charts.notes()) == 2


@pytest.mark.rule("DIST-2")
async def test_sqlite_refuses_to_replace_a_note(charts: Charts) -> None:
    if charts.database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL knows no REPLACE: its form is UPDATE")
    await charts.hear(a_session_record(present=1, absent=0))
    before = await charts.notes()
    await _refused(charts, "REPLACE INTO chart_note SELECT * FROM chart_note")
    assert await charts.notes() == before


@pytest.mark.rule("PERM-8")
async def test_the_audit_trail_is_insert_only_too(charts: Charts) -> None:
    await charts.hire(Role.DOCTOR)
    await charts.ask(f"/patients/{a_session_record().participants[0].patient_id}/notes")
    await _refused(charts, "DELETE FROM audit_entry")


@pytest.mark.rule("DIST-2")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_no_other_verb_exists_for_notes(charts: Charts, method: str) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    record = a_session_record(present=1, absent=0)
    await charts.hear(record)
    (before,) = await charts.notes()
    for path in (f"/notes/{before.id}", f"/notes/{before.id}.html", f"/patients/{before.patient_id}/notes"):
        assert (await charts.ask(path, method=method)).status_code == 405
    assert list(await charts.notes()) == [before]
