from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Executable, delete, text, update

from services.sessions.documentation.frozen import frozen_triggers
from services.sessions.documentation.models import ROSTER_ENTRY
from services.sessions.documentation.unopenable import UNOPENABLE
from services.sessions.metadata import metadata
from services.sessions.sealed_columns import ANNOTATIONS, GROUP_NOTES, ROSTERS
from shared.database.sealed_rows import SealedRows
from shared.testing.records import TUESDAY
from tests.integration.services.sessions.clinic import Clinic

INSERT_ONLY = ("signature", "annotation", "signed_document")
WITHOUT_TRIGGERS = """
DO $$ DECLARE its_table regclass; BEGIN
    FOR its_table IN SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', its_table);
    END LOOP;
END $$
"""


async def _tamper(clinic: Clinic, statement: Executable | str) -> None:
    """Change rows as the owner of the tables can."""
    async with clinic.database.writing_for_all() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text(WITHOUT_TRIGGERS))
        else:
            names = [one.split()[2] for one in frozen_triggers(dialect="sqlite")]
            names += [f"{table}_refuses_{verb}" for table in INSERT_ONLY for verb in ("update", "delete")]
            for name in names:
                await connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        await connection.execute(text(statement) if isinstance(statement, str) else statement)


async def _write_past_us(clinic: Clinic, table: SealedRows, number: int = 0, **values: Any) -> None:
    """Change the one row of a table, or that of a patient, as who has the keys too can."""
    rows = metadata.tables[table.table]
    fields = (await clinic.database.fields_of([clinic.instance_id]))[clinic.instance_id]
    (before,) = [
        one._asdict()
        for one in await clinic.rows(rows)
        if getattr(one, "patient_id", None) in {None, clinic.patient_ids[number]}
    ]
    this = {name: before[name] for name in table.key}
    sealed = table.sealed(fields, this | values)
    await _tamper(clinic, update(rows).where(*(rows.c[name] == this[name] for name in this)).values(sealed))


async def _completed(clinic: Clinic) -> UUID:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    return session_id


async def _annotated(clinic: Clinic, text: str = "One.") -> tuple[UUID, str]:
    session_id = await _completed(clinic)
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/annotations"
    added = await clinic.do("Margaret", "POST", path, json={"text": text})
    return session_id, added["annotation_id"]


async def _verified(clinic: Clinic, session_id: UUID) -> dict[str, Any]:
    verified: dict[str, Any] = await clinic.do("Ada", "GET", f"/v1/group-sessions/{session_id}/verification")
    return verified


async def _pointers(clinic: Clinic, session_id: UUID) -> list[str]:
    verified = await _verified(clinic, session_id)
    assert verified["holds"] is (verified["differences"] == [])
    return [one["pointer"] for one in verified["differences"]]


@pytest.mark.rule("SIGN-4", "SIGN-5")
async def test_what_is_as_it_was_signed_holds(clinic: Clinic) -> None:
    session_id, annotation_id = await _annotated(clinic)
    verified = await _verified(clinic, session_id)
    assert (verified["holds"], verified["differences"]) == (True, [])
    assert [(one["annotation_id"], one["holds"]) for one in verified["annotations"]] == [
        (annotation_id, True)
    ]


@pytest.mark.rule("SIGN-4")
@pytest.mark.parametrize("field", ["title", "topic", "description", "started_at", "ended_at"])
async def test_a_changed_part_of_the_group_note_is_named(clinic: Clinic, field: str) -> None:
    session_id = await _completed(clinic)
    value: Any = TUESDAY - timedelta(minutes=7) if field.endswith("_at") else "Changed"
    await _write_past_us(clinic, GROUP_NOTES, **{field: value})
    named = await _pointers(clinic, session_id)
    # Who has no minutes of their own was there as long as the session took.
    assert [one for one in named if not one.endswith("/minutes")] == [f"#/{field}"]


@pytest.mark.rule("SIGN-4")
async def test_a_difference_tells_what_was_signed_and_what_is_stored(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    await _write_past_us(clinic, ROSTERS, individual_note="Changed")
    (told,) = (await _verified(clinic, session_id))["differences"]
    assert (told["signed"], told["stored"]) == ("Note number 0.", "Changed")


@pytest.mark.rule("SIGN-4")
async def test_what_was_written_without_the_keys_is_named_and_does_not_open(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    await _tamper(clinic, "UPDATE roster_entry SET individual_note = 'Changed', problems = 's1.x'")
    told = (await _verified(clinic, session_id))["differences"]
    assert {one["stored"] for one in told if one["pointer"].endswith("individual_note")} == {UNOPENABLE}
    assert len([one for one in told if one["pointer"].endswith("/problems")]) == len(clinic.patients)


@pytest.mark.rule("SIGN-4")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"individual_note": "Changed"}, ["individual_note"]),
        ({"minutes": 5}, ["minutes"]),
        ({"attendance": "absent"}, ["attendance", "minutes"]),
        ({"absence_reason": "ill"}, ["absence_reason"]),
        ({"problems": ["F10.20"]}, ["problems"]),
    ],
)
async def test_a_changed_part_about_a_patient_is_named(
    clinic: Clinic, change: dict[str, Any], named: list[str]
) -> None:
    session_id = await _completed(clinic)
    await _write_past_us(clinic, ROSTERS, 1, **change)
    place = f"#/roster/{clinic.patient_ids[1]}"
    assert await _pointers(clinic, session_id) == [f"{place}/{one}" for one in named]


@pytest.mark.rule("SIGN-4")
async def test_a_patient_who_is_missing_is_named(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    await _tamper(clinic, delete(ROSTER_ENTRY).where(ROSTER_ENTRY.c.patient_id == clinic.patient_ids[1]))
    assert await _pointers(clinic, session_id) == [f"#/roster/{clinic.patient_ids[1]}"]


@pytest.mark.rule("SIGN-4")
async def test_a_changed_list_of_leaders_is_named(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    await _tamper(clinic, "DELETE FROM session_leader")
    assert await _pointers(clinic, session_id) == ["#/leaders"]


@pytest.mark.rule("SIGN-4", "SIGN-5")
async def test_a_changed_annotation_is_named_and_nothing_else(clinic: Clinic) -> None:
    session_id, annotation_id = await _annotated(clinic)
    await _write_past_us(clinic, ANNOTATIONS, text="Changed")
    verified = await _verified(clinic, session_id)
    assert [one["pointer"] for one in verified["differences"]] == [f"#/annotations/{annotation_id}/text"]
    assert [one["holds"] for one in verified["signatures"]] == [True]
    assert [one["holds"] for one in verified["annotations"]] == [False]
    assert verified["holds"] is False


@pytest.mark.rule("SIGN-4")
@pytest.mark.parametrize(
    "statement", ["DELETE FROM signed_document", "UPDATE signed_document SET document = '{}'"]
)
async def test_without_the_document_that_was_signed_the_whole_is_named(
    clinic: Clinic, statement: str
) -> None:
    session_id = await _completed(clinic)
    await _tamper(clinic, statement)
    assert (await _verified(clinic, session_id))["holds"] is True
    await _tamper(clinic, "UPDATE group_session SET topic = 'Changed'")
    assert await _pointers(clinic, session_id) == ["#"]


@pytest.mark.rule("SIGN-4")
async def test_what_nobody_signed_does_not_hold(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    verified = await _verified(clinic, session_id)
    assert (verified["holds"], verified["differences"]) == (False, [])
