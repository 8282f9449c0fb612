from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from services.sessions.documentation.models import SIGNATURE
from services.sessions.scheduling.models import SESSION
from tests.integration.services.sessions.clinic import TODAY, Clinic

REASON = {"reason": "The wrong group"}


async def _delete(clinic: Clinic, session_id: UUID) -> None:
    await clinic.do("Ada", "POST", f"/v1/group-sessions/{session_id}/deletion", json=REASON)


async def _restore(clinic: Clinic, session_id: UUID) -> str:
    answer = await clinic.do("Ada", "POST", f"/v1/group-sessions/{session_id}/restoration")
    return str(answer["status"])


async def _edit_template(clinic: Clinic, session_id: UUID, **changes: Any) -> None:
    template = f"/v1/templates/{(await clinic.session(session_id))['template_id']}"
    leaders = {"leader_ids": [str(clinic.id_of("Tom"))]}
    await clinic.do("Ada", "PUT", template, json=clinic.template_body(**leaders | changes))


async def _to_be_reviewed(clinic: Clinic) -> UUID:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    assert (await clinic.sign(session_id, by="Ivy")).json() == {"status": "pending_review"}
    return session_id


@pytest.mark.rule("DOC-6", "SIGN-4")
async def test_all_that_was_signed_comes_back_whatever_became_of_the_template(clinic: Clinic) -> None:
    session_id = await _to_be_reviewed(clinic)
    before = await clinic.session(session_id)
    await _delete(clinic, session_id)
    changes = {"title": "Renamed", "starts_at": "11:00", "duration_minutes": 25, "topic": "Another"}
    await _edit_template(clinic, session_id, **changes)
    assert (await clinic.session(session_id))["title"] == "Renamed"
    await _restore(clinic, session_id)
    versions = {name: before[name] for name in ("version", "note_version")}
    assert await clinic.session(session_id) | versions == before
    assert (await clinic.sign(session_id, by="Ruth")).json() == {"status": "completed"}
    verified = await clinic.do("Ada", "GET", f"/v1/group-sessions/{session_id}/verification")
    assert [one["holds"] for one in verified["signatures"]] == [True, True]


@pytest.mark.rule("DOC-6")
async def test_what_was_documented_on_one_day_comes_back_to_it(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.generate(until=TODAY + timedelta(days=7))
    before = await clinic.session(session_id)
    await _delete(clinic, session_id)
    place = f"/v1/templates/{before['template_id']}/occurrences/{before['held_on']}"
    await clinic.do("Ada", "PUT", place, json={"moved_to": "2026-03-12", "starts_at": "10:00"})
    assert (await clinic.session(session_id))["moved_from"] == before["held_on"]
    await _restore(clinic, session_id)
    after = await clinic.session(session_id)
    days = ("held_on", "moved_from", "starts_at")
    assert [after[name] for name in days] == [before[name] for name in days]


@pytest.mark.rule("SIGN-4")
async def test_nobody_signs_beside_a_signature_that_does_not_hold(clinic: Clinic) -> None:
    session_id = await _to_be_reviewed(clinic)
    documentation = (await clinic.session(session_id))["documentation_id"]
    async with clinic.database.writing_for_all() as connection:
        # As if it had come under another documentation id, and back with another title.
        apart = update(SESSION).where(SESSION.c.id == session_id)
        await connection.execute(apart.values(documentation_id=None))
        await connection.execute(apart.values(documentation_id=UUID(documentation), title="Renamed"))
    refused = await clinic.sign(session_id, by="Ruth")
    assert refused.status_code == 409
    assert "not the one that others have signed" in refused.json()["detail"]
    assert len(await clinic.rows(SIGNATURE)) == 1


@pytest.mark.rule("DOC-6")
async def test_an_empty_start_does_not_hide_what_was_documented_before_it(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await _delete(clinic, session_id)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    await _delete(clinic, session_id)
    await _restore(clinic, session_id)
    assert (await clinic.session(session_id))["topic"] == "Coping with cravings"


@pytest.mark.rule("DOC-6")
async def test_what_was_written_last_is_what_comes_back(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await _delete(clinic, session_id)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    version = (await clinic.session(session_id))["note_version"]
    await clinic.write_group_note(session_id, topic="Second", if_match=f'"{version}"')
    await _delete(clinic, session_id)
    await _restore(clinic, session_id)
    assert (await clinic.session(session_id))["topic"] == "Second"


@pytest.mark.rule("DOC-6", "TPL-3")
async def test_it_comes_back_though_its_template_is_gone_and_can_be_signed(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await _delete(clinic, session_id)
    template_id = (await clinic.session(session_id))["template_id"]
    await clinic.do("Ada", "DELETE", f"/v1/templates/{template_id}", headers={"If-Match": '"1"'})
    assert (await clinic.session(session_id))["status"] == "cancelled"
    assert await _restore(clinic, session_id) == "in_progress"
    assert (await clinic.sign(session_id)).json() == {"status": "completed"}


@pytest.mark.rule("DOC-5", "DOC-6")
async def test_a_tab_that_shows_what_was_deleted_last_overwrites_nothing_that_came_back(
    clinic: Clinic,
) -> None:
    session_id = await clinic.documented()
    await _delete(clinic, session_id)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    stale = await clinic.session(session_id)
    await _delete(clinic, session_id)
    await _restore(clinic, session_id)
    patient_id, version = clinic.patient_ids[0], stale["roster"][0]["note_version"]
    note = f"/v1/group-sessions/{session_id}/roster/{patient_id}/note"
    while (await clinic.session(session_id))["roster"][0]["note_version"] < version:
        now = (await clinic.session(session_id))["roster"][0]["note_version"]
        await clinic.write_note(session_id, patient_id, "Written on.", if_match=f'"{now}"')
    overwriting = await clinic.ask(
        "Margaret", "PUT", note, json={"text": "Old tab."}, if_match=f'"{version}"'
    )
    group_note = f"/v1/group-sessions/{session_id}/group-note"
    etag = f'"{stale["note_version"]}"'
    other = await clinic.ask("Margaret", "PUT", group_note, json={"topic": "Old tab."}, if_match=etag)
    assert (overwriting.status_code, other.status_code) == (412, 412)
