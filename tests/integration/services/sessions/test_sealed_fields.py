"""Who has the database reads nobody's name and nothing that was written about anybody."""

from typing import Any, Final
from uuid import UUID

import pytest
import structlog
from sqlalchemy import select, update

from services.sessions.directory.known_patients import KnownPatients
from services.sessions.directory.models import PATIENT
from services.sessions.directory.repository import patient_ids_by_mrn
from services.sessions.documentation.models import ROSTER_ENTRY
from services.sessions.metadata import LEDGER, metadata
from services.sessions.scheduling.models import SESSION
from tests.integration.services.sessions.clinic import Clinic
from tests.integration.services.sessions.statements import counted_statements
from tests.support.fhir_exports import ndjson, patient

PATIENTS: Final = "/v1/directory/patients"
WRITTEN: Final = (
    "Kowalski", "Minka", "M-PLANTED", "1988-02-29", "Coping with cravings", "Urge surfing",
    "Note number 0.", "F10.20", "Overslept", "Added later.", "Mixed up.", "By mistake.",
)  # fmt: skip
"""Names, numbers and texts, each of which is stored in one way or another."""


async def _a_whole_life(clinic: Clinic) -> None:
    await clinic.do("Ada", "POST", "/v1/directory/imports", content=ndjson(patient(mrn="M-PLANTED")))
    (imported,) = (await clinic.do("Ada", "POST", f"{PATIENTS}/search", json={"mrn": "M-PLANTED"}))["items"]
    await clinic.do(
        "Ada", "PATCH", f"{PATIENTS}/{imported['id']}", json={"preferred_name": "Minka"},
        headers={"If-Match": f'"{imported["version"]}"'},
    )  # fmt: skip
    session_id = await clinic.documented()
    place, about = f"/v1/group-sessions/{session_id}", clinic.patient_ids[0]
    note = {"text": "Note number 0.", "problems": ["F10.20"]}
    await clinic.do("Margaret", "PUT", f"{place}/roster/{about}/note", json=note, if_match='"2"')
    late: dict[str, Any] = {"patient_id": str(clinic.patient_ids[-1]), "attendance": "absent", "version": 2}
    await clinic.do(
        "Margaret", "PUT", f"{place}/attendance", json={"marks": [late | {"absence_reason": "Overslept"}]}
    )
    assert (await clinic.sign(session_id)).is_success
    await clinic.do("Margaret", "POST", f"{place}/roster/{about}/annotations", json={"text": "Added later."})
    await clinic.do("Rosa", "POST", f"{place}/deletion", json={"reason": "Mixed up."})
    await clinic.do("Rosa", "POST", f"{place}/restoration")
    await clinic.do("Margaret", "POST", f"{place}/roster/{about}/removal", json={"reason": "By mistake."})
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/sign-in-sheet")


async def test_a_dump_shows_no_name_and_no_text(clinic: Clinic) -> None:
    await _a_whole_life(clinic)
    opened = [await clinic.everything(table) for table in metadata.sorted_tables]
    async with clinic.database.reading_for_all() as connection:
        stored = [(await connection.execute(select(table))).all() for table in metadata.sorted_tables]
    everyone = {one.last_name for one in clinic.patients} | {one.mrn for one in clinic.patients}
    assert [one for one in WRITTEN if one not in str(opened)] == []
    assert [one for one in {*WRITTEN, *everyone} if one in str(stored)] == []


async def test_the_order_of_what_is_stored_is_not_that_of_the_names(clinic: Clinic) -> None:
    async with clinic.database.writing(clinic.instance_id) as db:
        rows = await db.all(db.rows_of(PATIENT, PATIENT.c.last_name, PATIENT.c.mrn_blind))
        found = await patient_ids_by_mrn(db, {one.mrn for one in clinic.patients})
    # A field begins with its key's version and a random nonce; equal names have nothing in common.
    assert len({row.last_name for row in rows}) == len({row.mrn_blind for row in rows}) == len(rows)
    assert found == {one.mrn: one.id for one in clinic.patients}


async def test_what_was_copied_opens_in_its_own_row(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    await clinic.do("Rosa", "POST", f"/v1/group-sessions/{session_id}/deletion", json={"reason": "Mixed up."})
    await clinic.do("Rosa", "POST", f"/v1/group-sessions/{session_id}/restoration")
    entries = await clinic.rows(ROSTER_ENTRY)
    (session,) = await clinic.rows(SESSION)
    ours, before = (
        {
            (one.patient_id, one.individual_note, one.has_note)
            for one in entries
            if (one.documentation_id == session.documentation_id) is is_ours
        }
        for is_ours in (True, False)
    )
    assert ours == before
    assert (session.topic, session.has_topic, len(await clinic.rows(LEDGER.event))) == (
        "Coping with cravings", True, 2,
    )  # fmt: skip


async def test_an_import_of_the_same_writes_nothing(clinic: Clinic) -> None:
    content = ndjson(patient())
    await clinic.do("Ada", "POST", "/v1/directory/imports", content=content)
    async with clinic.database.reading_for_all() as connection:
        before = (await connection.execute(select(PATIENT))).all()
    await clinic.do("Ada", "POST", "/v1/directory/imports", content=content)
    async with clinic.database.reading_for_all() as connection:
        assert (await connection.execute(select(PATIENT))).all() == before


async def test_a_list_of_patients_follows_each_change_of_a_name(clinic: Clinic) -> None:
    async def names() -> list[tuple[UUID, str]]:
        listed = await clinic.do("Tom", "GET", PATIENTS)
        return [(UUID(one["id"]), one["last_name"]) for one in listed["items"]]

    first, *others = await names()
    await clinic.do(
        "Ada", "PATCH", f"{PATIENTS}/{first[0]}", json={"last_name": "Zygmunt"}, headers={"If-Match": '"1"'}
    )
    assert await names() == [*others, (first[0], "Zygmunt")]


@pytest.mark.parametrize(("at_most", "statements"), [(3, 3), (2, 4)])
async def test_as_many_patients_are_kept_as_there_is_room_for(
    clinic: Clinic, at_most: int, statements: int
) -> None:
    known = KnownPatients(patients_at_most=at_most)
    async with clinic.database.reading(clinic.instance_id) as db:
        with counted_statements(clinic) as counted:
            first, second = await known.of(db), await known.of(db)
    assert first.patients == second.patients == sorted(first.patients)
    assert (len(first.patients), len(counted)) == (3, statements)


@pytest.mark.parametrize("column", ["last_name", "mrn"])
async def test_a_patient_who_can_not_be_read_is_told_and_all_others_are_listed(
    clinic: Clinic, column: str
) -> None:
    broken, *others = [one["id"] for one in (await clinic.do("Tom", "GET", PATIENTS))["items"]]
    async with clinic.database.writing(clinic.instance_id) as db:
        forged = {column: "s1.AAAA", "version": PATIENT.c.version + 1}
        await db.execute(update(PATIENT).where(PATIENT.c.id == UUID(broken)).values(forged))
    with structlog.testing.capture_logs() as logged:
        listed = await clinic.do("Tom", "GET", PATIENTS)
    assert ([one["id"] for one in listed["items"]], listed["unreadable"]) == (others, [broken])
    assert [(one["code"], one["count"]) for one in logged] == [("patients.unreadable", 1)]
    problem = await clinic.ask("Tom", "GET", f"{PATIENTS}/{broken}")
    assert (problem.status_code, problem.json()["title"]) == (500, "This can't be read")
