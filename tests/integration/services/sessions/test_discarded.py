from uuid import UUID

import pytest

from services.sessions.metadata import TRAIL
from tests.integration.services.sessions.clinic import STAFF, Clinic


async def _set_aside(clinic: Clinic, session_id: UUID, what: str) -> str:
    place = f"/v1/group-sessions/{session_id}"
    await clinic.do("Ada", "POST", f"{place}/{what}", json={"reason": "By mistake"})
    (kept,) = (await clinic.do("Ada", "GET", f"{place}/history"))["items"]
    return f"{place}/history/{kept['id']}"


@pytest.mark.rule("DOC-6")
async def test_admins_read_all_that_was_deleted(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    before = await clinic.session(session_id)
    seen = await clinic.do("Rosa", "GET", await _set_aside(clinic, session_id, "deletion"))
    assert (seen["roster"], seen["signatures"]) == (before["roster"], before["signatures"])
    assert seen["roster"][0]["individual_note"] is not None
    assert seen["content"]["title"] == before["title"]


@pytest.mark.rule("DOC-6", "PERM-8")
async def test_the_audit_of_each_patient_tells_who_read_it(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.do("Rosa", "GET", await _set_aside(clinic, session_id, "deletion"))
    read = [one for one in await clinic.rows(TRAIL) if one.action == "session.discarded_seen"]
    assert {one.patient_id for one in read} == set(clinic.patient_ids)
    assert {one.user_id for one in read} == {clinic.id_of("Rosa")}


@pytest.mark.rule("DOC-6", "PERM-1")
async def test_nobody_else_reads_it(clinic: Clinic) -> None:
    place = await _set_aside(clinic, await clinic.documented(), "deletion")
    others = STAFF.keys() - {"Ada", "Rosa"}
    assert {(await clinic.ask(name, "GET", place)).status_code for name in others} == {403}


@pytest.mark.rule("DOC-2", "DOC-6")
async def test_of_a_removed_patient_nothing_of_the_others_is_shown(clinic: Clinic) -> None:
    session_id, gone = await clinic.documented(), clinic.patient_ids[0]
    place = await _set_aside(clinic, session_id, f"roster/{gone}/removal")
    seen = await clinic.do("Ada", "GET", place)
    assert (seen["roster"], seen["signatures"]) == ([], [])
    assert seen["content"]["individual_note"] == "Note number 0."
    last = [one for one in await clinic.rows(TRAIL) if one.action == "session.discarded_seen"]
    assert [one.patient_id for one in last] == [gone]
