from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import pytest

from services.sessions.documentation.models import SIGNATURE
from services.sessions.documentation.schemas import ShownCheck
from services.sessions.metadata import LEDGER, TRAIL
from tests.integration.services.sessions.clinic import STAFF, Clinic

SAME: Final = "Present, engaged."


async def _check(clinic: Clinic, session_id: UUID, *, who: str = "Margaret") -> dict[str, Any]:
    seen: dict[str, Any] = await clinic.do(who, "GET", f"/v1/group-sessions/{session_id}/pre-sign-check")
    # The bytes go past the declared shape.
    ShownCheck.model_validate(seen)
    return seen


def _places(check: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["kind"], pointer) for one in check["findings"] for pointer in one["pointers"]}


def _ids(check: dict[str, Any]) -> list[str]:
    return [one["id"] for one in check["findings"]]


async def _with_a_name(clinic: Clinic, **leaders: Any) -> UUID:
    """A documented session in whose topic the first patient is named."""
    session_id = await clinic.documented(**leaders)
    by = leaders.get("by", "Margaret")
    await clinic.write_group_note(session_id, by=by, topic="What ANNA said", if_match='"2"')
    return session_id


async def _sign(
    clinic: Clinic, session_id: UUID, acknowledged: Sequence[str], *, by: str = "Margaret"
) -> Any:
    sha256 = (await _check(clinic, session_id, who=by))["document_sha256"]
    return await clinic.sign(
        session_id, by=by, json={"document_sha256": sha256, "acknowledged": acknowledged}
    )


@pytest.mark.rule("SIGN-4")
async def test_a_finished_document_has_no_findings_and_names_its_digest(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    document = await clinic.do("Margaret", "GET", f"/v1/group-sessions/{session_id}/document")
    assert await _check(clinic, session_id) == {
        "document_sha256": document["document_sha256"],
        "findings": [],
        "charges": None,
    }


@pytest.mark.rule("DOC-3", "DOC-4")
async def test_what_is_missing_blocks(clinic: Clinic) -> None:
    session_id = await clinic.started()
    unmarked, without_note, absent = clinic.patient_ids
    await clinic.mark(session_id, {without_note: "present", absent: "absent"})
    check = await _check(clinic, session_id)
    assert _places(check) == {
        ("topic_missing", "#/group_note/topic"),
        ("times_not_right", "#/group_note/ended_at"),
        ("attendance_unmarked", f"#/roster/{unmarked}/attendance"),
        ("note_missing", f"#/roster/{without_note}/note"),
    }
    assert {(one["blocking"], one["needs_acknowledgement"]) for one in check["findings"]} == {(True, False)}


@pytest.mark.rule("DOC-3")
async def test_what_blocks_is_not_acknowledged_away(clinic: Clinic) -> None:
    session_id = await clinic.started()
    check = await _check(clinic, session_id)
    answer = await _sign(clinic, session_id, _ids(check))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "conflict")
    assert await clinic.rows(SIGNATURE) == []


@pytest.mark.rule("DIST-3")
async def test_the_name_of_another_is_flagged_in_every_text_that_goes_to_charts(clinic: Clinic) -> None:
    session_id = await clinic.documented(title="Bashir's group")
    anna, bashir, chidi = clinic.patient_ids
    mark = {"patient_id": str(chidi), "attendance": "absent", "version": 2}
    mark |= {"absence_reason": "Drove Anna home"}
    path = f"/v1/group-sessions/{session_id}"
    await clinic.do("Margaret", "PUT", f"{path}/attendance", json={"marks": [mark]})
    about_chidi = {"text": "Missed.", "problems": ["F10.20", "Conflict with Bashir"]}
    await clinic.do("Margaret", "PUT", f"{path}/roster/{chidi}/note", json=about_chidi)
    await clinic.write_group_note(
        session_id, topic="chidi's idea", description="With BASHIR.", if_match='"2"'
    )
    await clinic.write_note(session_id, anna, "Anna disagreed with Bashír.", if_match='"2"')
    await clinic.write_note(session_id, bashir, "See MRN-00000.", if_match='"2"')
    named = {
        (pointer, *one["patient_ids"])
        for one in (await _check(clinic, session_id))["findings"]
        for pointer in one["pointers"]
    }
    assert named == {
        ("#/title", str(bashir)),
        (f"#/roster/{chidi}/absence_reason", str(anna)),
        (f"#/roster/{chidi}/problems/1", str(bashir)),
        ("#/group_note/topic", str(chidi)),
        ("#/group_note/description", str(bashir)),
        (f"#/roster/{anna}/note", str(bashir)),
        (f"#/roster/{bashir}/note", str(anna)),
    }


@pytest.mark.rule("DIST-3")
async def test_a_finding_holds_no_name_and_leaves_none_in_a_log(clinic: Clinic, logs: list[Any]) -> None:
    session_id = await _with_a_name(clinic)
    check = await _check(clinic, session_id)
    refused = await clinic.sign(session_id)
    assert refused.status_code == 409
    for told in (str(check["findings"]), refused.text, str(logs)):
        assert "anna" not in told.lower()


@pytest.mark.rule("DOC-8")
async def test_copied_notes_are_flagged_with_their_pairs(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    anna, bashir, _ = clinic.patient_ids
    for one in (anna, bashir):
        await clinic.write_note(session_id, one, SAME, if_match='"2"')
    (finding,) = (await _check(clinic, session_id))["findings"]
    assert (finding["kind"], set(finding["pointers"])) == (
        "notes_alike",
        {f"#/roster/{one}/note" for one in (anna, bashir)},
    )
    (pair,) = finding["pairs"]
    assert (set(pair["patient_ids"]), pair["percent"]) == ({str(anna), str(bashir)}, 100)


@pytest.mark.rule("DIST-3", "SIGN-4")
async def test_a_warning_that_is_not_acknowledged_refuses_the_signature(clinic: Clinic) -> None:
    session_id = await _with_a_name(clinic)
    (finding,) = (await _check(clinic, session_id))["findings"]
    answer = await _sign(clinic, session_id, [])
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (
        409,
        "warnings-not-acknowledged",
    )
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["id"], error["kind"]) == (
        "#/group_note/topic",
        finding["id"],
        "names_another_patient",
    )
    assert [await clinic.rows(SIGNATURE), await clinic.rows(LEDGER.event)] == [[], []]


@pytest.mark.rule("DIST-3", "DOC-8", "SIGN-4")
async def test_what_is_acknowledged_stands_with_the_signature(clinic: Clinic) -> None:
    session_id = await _with_a_name(clinic)
    for one in clinic.patient_ids[:2]:
        await clinic.write_note(session_id, one, SAME, if_match='"2"')
    check = await _check(clinic, session_id)
    assert (await _sign(clinic, session_id, _ids(check))).json() == {"status": "completed"}
    (signature,) = (await clinic.session(session_id))["signatures"]
    told = ("id", "kind", "pointers", "detail", "patient_ids")
    assert signature["acknowledged"] == [{name: one[name] for name in told} for one in check["findings"]]
    assert "anna" not in str(signature["acknowledged"]).lower()


@pytest.mark.rule("DIST-2", "DIST-3")
async def test_no_chart_hears_of_what_was_acknowledged(clinic: Clinic) -> None:
    session_id = await _with_a_name(clinic)
    check = await _check(clinic, session_id)
    await _sign(clinic, session_id, _ids(check))
    (event,) = await clinic.rows(LEDGER.event)
    assert _ids(check)[0] not in event.body
    assert "acknowledged" not in event.body


@pytest.mark.rule("DIST-3")
async def test_an_acknowledgement_is_void_when_the_text_changes(clinic: Clinic) -> None:
    session_id = await _with_a_name(clinic)
    before = _ids(await _check(clinic, session_id))
    await clinic.write_group_note(session_id, topic="What ANNA said then", if_match='"3"')
    assert (await _sign(clinic, session_id, before)).status_code == 409


@pytest.mark.rule("DIST-3")
async def test_an_acknowledgement_holds_while_other_parts_change(clinic: Clinic) -> None:
    session_id = await _with_a_name(clinic)
    before = _ids(await _check(clinic, session_id))
    await clinic.write_note(session_id, clinic.patient_ids[0], "Quite another note.", if_match='"2"')
    assert (await _sign(clinic, session_id, before)).status_code == 201


async def test_the_acknowledgement_of_what_is_gone_is_not_kept(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    assert (await _sign(clinic, session_id, ["0" * 32])).status_code == 201
    (signature,) = await clinic.rows(SIGNATURE)
    assert signature.acknowledged == []


@pytest.mark.rule("SIGN-1", "DIST-3")
async def test_each_leader_acknowledges(clinic: Clinic) -> None:
    session_id = await _with_a_name(clinic, leaders=["Margaret", "Tom"])
    ids = _ids(await _check(clinic, session_id))
    assert (await _sign(clinic, session_id, ids)).status_code == 201
    assert (await _sign(clinic, session_id, [], by="Tom")).status_code == 409
    assert (await _sign(clinic, session_id, ids, by="Tom")).json() == {"status": "completed"}


@pytest.mark.rule("SIGN-3", "DIST-3")
async def test_the_reviewer_acknowledges_too(clinic: Clinic) -> None:
    session_id = await _with_a_name(clinic, by="Ivy", leaders=["Ivy"])
    ids = _ids(await _check(clinic, session_id, who="Ivy"))
    await _sign(clinic, session_id, ids, by="Ivy")
    assert _ids(await _check(clinic, session_id, who="Ruth")) == ids
    assert (await _sign(clinic, session_id, [], by="Ruth")).status_code == 409
    assert (await _sign(clinic, session_id, ids, by="Ruth")).json() == {"status": "completed"}


@pytest.mark.rule("PERM-7", "PERM-8")
async def test_leaders_reviewers_and_admins_see_the_check(clinic: Clinic) -> None:
    path = f"/v1/group-sessions/{await clinic.documented()}/pre-sign-check"
    allowed = {name for name in STAFF if (await clinic.ask(name, "GET", path)).status_code == 200}
    assert allowed == {"Margaret", "Ada", "Rosa", "Ruth"}
    trail = {(one.action, one.outcome) for one in (await clinic.rows(TRAIL))[-len(STAFF) :]}
    assert trail == {
        ("session.checked", "allowed"),
        ("GET /v1/group-sessions/{session_id}/pre-sign-check", "refused"),
    }


async def test_what_is_not_to_be_signed_is_not_checked(clinic: Clinic) -> None:
    upcoming = await clinic.planned()
    completed = await clinic.documented()
    await clinic.sign(completed)
    for session_id in (upcoming, completed):
        path = f"/v1/group-sessions/{session_id}/pre-sign-check"
        assert (await clinic.ask("Margaret", "GET", path)).status_code == 409


@pytest.mark.rule("DOC-8")
async def test_one_note_for_a_whole_roster_is_one_finding_with_all_pairs(clinic: Clinic) -> None:
    await clinic.admit(*(clinic.patient(number) for number in range(3, 40)))
    session_id = await clinic.documented()
    for one in clinic.patient_ids[:-1]:
        await clinic.write_note(session_id, one, SAME, if_match='"2"')
    (finding,) = (await _check(clinic, session_id))["findings"]
    assert (len(finding["pointers"]), len(finding["pairs"])) == (39, 39 * 38 / 2)
