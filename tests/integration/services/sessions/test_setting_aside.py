from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.sessions.documentation.frozen import REFUSAL
from services.sessions.documentation.models import SIGNATURE
from services.sessions.metadata import LEDGER, TRAIL
from shared.events.catalogue import SESSION_COMPLETED, SESSION_RETRACTED, parse
from tests.integration.services.sessions.clinic import STAFF, Clinic

REASON = {"reason": "The wrong group"}


async def _post(clinic: Clinic, who: str, session_id: UUID, what: str) -> httpx2.Response:
    body = None if what == "restoration" else REASON
    return await clinic.ask(who, "POST", f"/v1/group-sessions/{session_id}/{what}", json=body)


async def _events(clinic: Clinic) -> list[str]:
    return [one.type for one in await clinic.rows(LEDGER.event)]


@pytest.mark.rule("SIGN-3")
async def test_a_returned_session_is_in_progress_and_its_signatures_are_void(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(session_id, by="Ivy")
    assert (await _post(clinic, "Ruth", session_id, "return")).status_code == 204
    session = await clinic.session(session_id)
    assert (session["status"], session["signatures"]) == ("in_progress", [])
    assert session["roster"][0]["individual_note"] is not None
    assert len(await clinic.rows(SIGNATURE)) == 1
    await clinic.write_group_note(session_id, by="Ivy", topic="Better", if_match='"2"')
    assert (await clinic.sign(session_id, by="Ivy")).json() == {"status": "pending_review"}
    assert (await clinic.sign(session_id, by="Ruth")).json() == {"status": "completed"}


@pytest.mark.rule("SIGN-3")
async def test_only_a_reviewer_returns(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(session_id, by="Ivy")
    others = STAFF.keys() - {"Ruth"}
    assert {(await _post(clinic, name, session_id, "return")).status_code for name in others} == {403}


@pytest.mark.rule("DOC-6", "TPL-2")
async def test_a_deleted_session_has_again_what_its_template_gives_to_write_from(clinic: Clinic) -> None:
    session_id = await clinic.started(topic="Coping", note="What we did:")
    await clinic.write_group_note(session_id, topic="Sleep")
    assert (await _post(clinic, "Ada", session_id, "deletion")).status_code == 204
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    session = await clinic.session(session_id)
    assert (session["topic"], session["description"]) == ("Coping", "What we did:")


@pytest.mark.rule("DOC-5", "SIGN-4")
async def test_what_one_leader_signed_is_reopened_before_another_writes(clinic: Clinic) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Tom"])
    await clinic.sign(session_id)
    path = f"/v1/group-sessions/{session_id}/group-note"
    refused = await clinic.ask("Tom", "PUT", path, json={"topic": "Mine"}, if_match='"2"')
    assert refused.status_code == 409
    assert (await _post(clinic, "Tom", session_id, "reopening")).status_code == 204
    written = await clinic.ask("Tom", "PUT", path, json={"topic": "Mine"}, if_match='"2"')
    assert written.status_code == 204


@pytest.mark.rule("DOC-5", "DOC-6")
async def test_what_was_read_before_a_deletion_overwrites_nothing_of_a_new_start(clinic: Clinic) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Tom"])
    patient_id = clinic.patient_ids[0]
    here = f"/v1/group-sessions/{session_id}"
    await _post(clinic, "Ada", session_id, "deletion")
    await clinic.do("Margaret", "POST", f"{here}/start")
    session = await clinic.session(session_id)
    versions = {(one["note_version"], one["attendance_version"]) for one in session["roster"]}
    assert (session["note_version"], versions) == (3, {(3, 3)})
    await clinic.write_note(session_id, patient_id, "New.", if_match='"3"')
    stale = await clinic.ask(
        "Tom", "PUT", f"{here}/roster/{patient_id}/note", json={"text": "Stale."}, if_match='"2"'
    )
    assert (stale.status_code, stale.headers["etag"]) == (412, '"4"')
    group_note = {"topic": "Stale"}
    stale = await clinic.ask("Tom", "PUT", f"{here}/group-note", json=group_note, if_match='"2"')
    assert (stale.status_code, stale.headers["etag"]) == (412, '"3"')


@pytest.mark.rule("DOC-6", "PERM-1")
async def test_only_admins_delete(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    others = STAFF.keys() - {"Ada", "Rosa"}
    assert {(await _post(clinic, name, session_id, "deletion")).status_code for name in others} == {403}


@pytest.mark.rule("DOC-6")
async def test_a_deleted_session_is_upcoming_without_its_notes(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    assert (await _post(clinic, "Rosa", session_id, "deletion")).status_code == 204
    session = await clinic.session(session_id)
    shown = (session["status"], session["topic"], session["roster"], session["signatures"])
    assert shown == ("upcoming", "", [], [])
    history = await clinic.do("Rosa", "GET", f"/v1/group-sessions/{session_id}/history")
    (kept,) = history["items"]
    assert (kept["reason"], kept["content"]["topic"]) == ("The wrong group", "Coping with cravings")


@pytest.mark.rule("DOC-6", "BILL-6")
async def test_deleting_what_was_distributed_retracts_it(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    await _post(clinic, "Rosa", session_id, "deletion")
    completed, retracted = await clinic.rows(LEDGER.event)
    record, facts = parse(completed.body, completed.type).data, parse(retracted.body, retracted.type).data
    assert retracted.type == SESSION_RETRACTED
    assert facts.documentation_id == record.documentation_id
    assert facts.version > record.version


@pytest.mark.rule("DIST-3", "DOC-6")
async def test_a_reason_that_the_charts_would_show_is_changed_or_acknowledged(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    path, body = f"/v1/group-sessions/{session_id}/deletion", {"reason": "ANNA was in another group"}
    refused = await clinic.ask("Ada", "POST", path, json=body)
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"]) == (409, "#/reason")
    assert "anna" not in refused.text.lower()
    assert await _events(clinic) == [SESSION_COMPLETED]
    assert (await clinic.session(session_id))["status"] == "completed"
    await clinic.do("Ada", "POST", path, json=body | {"acknowledged": [error["id"]]})
    assert await _events(clinic) == [SESSION_COMPLETED, SESSION_RETRACTED]
    assert "session.deleted_with_names_acknowledged" in {one.action for one in await clinic.rows(TRAIL)}


@pytest.mark.rule("DIST-3", "DOC-6")
async def test_a_reason_that_no_chart_shows_may_name_a_patient(clinic: Clinic) -> None:
    path = f"/v1/group-sessions/{await clinic.documented()}/deletion"
    await clinic.do("Ada", "POST", path, json={"reason": "Anna was in another group"})


@pytest.mark.rule("DOC-6")
async def test_what_was_never_distributed_is_restored_with_its_signatures(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(session_id, by="Ivy")
    before = await clinic.session(session_id)
    await _post(clinic, "Ada", session_id, "deletion")
    assert (await _post(clinic, "Ada", session_id, "restoration")).json() == {"status": "pending_review"}
    after = await clinic.session(session_id)
    assert after | {name: before[name] for name in ("version", "note_version")} == before
    assert await _events(clinic) == []


@pytest.mark.rule("DOC-6")
async def test_a_draft_that_was_deleted_and_restored_can_be_written_on(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await _post(clinic, "Ada", session_id, "deletion")
    await _post(clinic, "Ada", session_id, "restoration")
    await clinic.write_note(session_id, clinic.patient_ids[0], "More.", if_match='"2"')
    assert (await clinic.sign(session_id)).json() == {"status": "completed"}


@pytest.mark.rule("DOC-6")
async def test_what_was_distributed_is_restored_to_be_signed_again(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    await _post(clinic, "Ada", session_id, "deletion")
    assert (await _post(clinic, "Ada", session_id, "restoration")).json() == {"status": "in_progress"}
    assert (await clinic.sign(session_id)).json() == {"status": "completed"}
    assert await _events(clinic) == [SESSION_COMPLETED, SESSION_RETRACTED, SESSION_COMPLETED]
    first, _, second = await clinic.rows(LEDGER.event)
    ids = {parse(one.body, one.type).data.documentation_id for one in (first, second)}
    assert len(ids) == 2


@pytest.mark.rule("DOC-6")
async def test_once_something_new_is_documented_nothing_is_restored(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await _post(clinic, "Ada", session_id, "deletion")
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    assert (await _post(clinic, "Ada", session_id, "restoration")).status_code == 409


@pytest.mark.rule("SIGN-4")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE roster_entry SET individual_note = 'x'",
        "DELETE FROM roster_entry",
        "UPDATE group_session SET topic = 'x'",
    ],
)
async def test_the_database_refuses_to_change_what_was_signed(clinic: Clinic, statement: str) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    async with clinic.database.writing_for_all() as connection:
        with pytest.raises(DBAPIError, match=REFUSAL):
            await connection.execute(text(statement))
        await connection.rollback()
    verified = await clinic.do("Margaret", "GET", f"/v1/group-sessions/{session_id}/verification")
    assert verified["holds"] is True


@pytest.mark.rule("SIGN-4", "DOC-5")
async def test_only_the_document_that_was_shown_is_signed(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    shown = await clinic.do("Margaret", "GET", f"/v1/group-sessions/{session_id}/document")
    body = {"document_sha256": shown["document_sha256"]}
    await clinic.write_note(session_id, clinic.patient_ids[0], "Changed.", if_match='"2"')
    assert (await clinic.sign(session_id, json=body)).status_code == 412
    assert await clinic.rows(SIGNATURE) == []


@pytest.mark.rule("DOC-5")
async def test_a_stale_note_is_refused_with_the_current_version(clinic: Clinic) -> None:
    session_id = await clinic.started()
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/note"
    await clinic.do("Margaret", "PUT", path, json={"text": "First"})
    stale = await clinic.ask("Ada", "PUT", path, json={"text": "Second"})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    assert str(clinic.id_of("Margaret")) in stale.json()["detail"]


@pytest.mark.rule("DOC-5")
@pytest.mark.parametrize("if_match", ["", "*", '"x"'])
async def test_a_write_that_names_no_version_is_refused(clinic: Clinic, if_match: str) -> None:
    session_id = await clinic.started()
    path = f"/v1/group-sessions/{session_id}/group-note"
    answer = await clinic.ask("Margaret", "PUT", path, json={"topic": "x"}, if_match=if_match)
    assert answer.status_code == 428


@pytest.mark.rule("PERM-8")
async def test_setting_aside_and_bringing_back_are_in_the_trail_of_each_patient(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(session_id, by="Ivy")
    steps = [("Ruth", "return"), ("Ivy", "reopening"), ("Ada", "deletion"), ("Ada", "restoration")]
    for who, what in steps:
        assert (await _post(clinic, who, session_id, what)).is_success
    actions = ["session.returned", "session.reopened", "session.deleted", "session.restored"]
    told = {
        action: {one.patient_id for one in await clinic.rows(TRAIL) if one.action == action}
        for action in actions
    }
    assert told == {action: set(clinic.patient_ids) for action in actions}
