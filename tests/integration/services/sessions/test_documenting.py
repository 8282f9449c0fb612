from itertools import groupby
from typing import Any
from uuid import UUID

import pytest

from services.sessions.metadata import TRAIL
from tests.integration.services.sessions.clinic import STAFF, Clinic


async def _roster(clinic: Clinic, session_id: UUID) -> dict[str, dict[str, Any]]:
    return {one["patient_id"]: one for one in (await clinic.session(session_id))["roster"]}


@pytest.mark.rule("DOC-3")
async def test_all_are_marked_in_one_step(clinic: Clinic) -> None:
    session_id = await clinic.started()
    await clinic.mark(session_id, dict.fromkeys(clinic.patient_ids, "present"))
    roster = await _roster(clinic, session_id)
    assert {one["attendance"] for one in roster.values()} == {"present"}


@pytest.mark.rule("DOC-3")
async def test_a_mark_can_be_corrected(clinic: Clinic) -> None:
    session_id = await clinic.started()
    one, *_ = clinic.patient_ids
    await clinic.mark(session_id, {one: "present"})
    await clinic.mark(session_id, {one: "absent"}, version=2)
    marks = [entry["attendance"] for entry in (await _roster(clinic, session_id)).values()]
    assert marks == ["absent", None, None]


@pytest.mark.rule("DOC-3")
async def test_marking_someone_who_is_not_on_the_roster_marks_nobody(clinic: Clinic) -> None:
    session_id = await clinic.started()
    marks = [
        {"patient_id": str(one), "attendance": "present"}
        for one in (clinic.patient_ids[0], clinic.id_of("nobody"))
    ]
    path = f"/v1/group-sessions/{session_id}/attendance"
    assert (await clinic.ask("Margaret", "PUT", path, json={"marks": marks})).status_code == 404
    assert {one["attendance"] for one in (await _roster(clinic, session_id)).values()} == {None}


@pytest.mark.rule("DOC-4")
async def test_notes_are_kept_exactly_as_they_were_written(clinic: Clinic) -> None:
    session_id = await clinic.started()
    text = "  Línea 1\n\n\t“weiß nicht” — 💬 e\u0301 <b>&amp;  "
    await clinic.write_note(session_id, clinic.patient_ids[0], text)
    await clinic.write_group_note(session_id, description=text)
    roster = await _roster(clinic, session_id)
    assert roster[str(clinic.patient_ids[0])]["individual_note"] == text
    assert (await clinic.session(session_id))["description"] == text


@pytest.mark.rule("DOC-4")
async def test_the_end_that_is_written_down_is_a_point_in_time(clinic: Clinic) -> None:
    session_id = await clinic.started()
    await clinic.write_group_note(session_id, ended_at="2026-03-10T09:45:00-05:00")
    assert (await clinic.session(session_id))["ended_at"] == "2026-03-10T14:45:00Z"


@pytest.mark.rule("DOC-5")
@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ({"topic": "Only the topic"}, {"topic": "Only the topic"}),
        ({"description": ""}, {"description": ""}),
        ({"ended_at": None}, {"ended_at": None}),
    ],
)
async def test_what_a_write_leaves_out_of_the_group_note_stays(
    clinic: Clinic, written: dict[str, Any], changed: dict[str, Any]
) -> None:
    session_id = await clinic.started()
    await clinic.write_group_note(session_id)
    before = await clinic.session(session_id)
    path = f"/v1/group-sessions/{session_id}/group-note"
    await clinic.do("Margaret", "PUT", path, json=written, if_match='"2"')
    after = await clinic.session(session_id)
    names = ("topic", "description", "started_at", "ended_at")
    assert {one: after[one] for one in names} == {one: before[one] for one in names} | changed


@pytest.mark.rule("PERM-4", "PERM-1", "PERM-7")
async def test_notes_are_written_by_leaders_and_admins_alone(clinic: Clinic) -> None:
    session_id = await clinic.started()
    path, body = f"/v1/group-sessions/{session_id}/group-note", {"topic": "Cravings"}
    version, statuses = 1, {}
    for name in STAFF:
        answer = await clinic.ask(name, "PUT", path, json=body, if_match=f'"{version}"')
        version, statuses[name] = version + answer.is_success, answer.status_code
    assert statuses == {name: 204 if name in {"Margaret", "Ada", "Rosa"} else 403 for name in STAFF}


@pytest.mark.rule("PERM-8")
async def test_a_refused_note_names_the_patient_in_the_trail(clinic: Clinic) -> None:
    session_id = await clinic.started()
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/note"
    assert (await clinic.ask("Nora", "PUT", path, json={"text": "x"})).status_code == 403
    (refusal,) = (one for one in await clinic.rows(TRAIL) if one.outcome == "refused")
    assert (refusal.patient_id, refusal.user_id) == (clinic.patient_ids[0], clinic.id_of("Nora"))


@pytest.mark.rule("PERM-4")
async def test_an_upcoming_session_is_not_written_in(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    path = f"/v1/group-sessions/{session_id}/group-note"
    assert (await clinic.ask("Margaret", "PUT", path, json={"topic": "Early"})).status_code == 409


@pytest.mark.rule("PERM-8")
async def test_every_step_is_in_the_trail(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    all_of_them = set(clinic.patient_ids)
    first, second, _ = clinic.patient_ids
    assert await _trail(clinic, session_id) == [
        ("session.started", all_of_them),
        ("group_note.written", all_of_them),
        ("attendance.marked", all_of_them),
        ("individual_note.written", {first, second}),
        ("session.document_seen", all_of_them),
        ("session.signed", all_of_them),
    ]


@pytest.mark.rule("PERM-8")
async def test_the_trail_still_tells_who_saw_a_patient_who_was_removed_afterwards(clinic: Clinic) -> None:
    session_id = await clinic.started()
    here, all_of_them = f"/v1/group-sessions/{session_id}", set(clinic.patient_ids)
    removed, *_ = clinic.patient_ids
    await clinic.session(session_id)
    await clinic.do("Margaret", "POST", f"{here}/roster/{removed}/removal", json={"reason": "By mistake"})
    await clinic.do("Margaret", "GET", f"{here}/verification")
    await clinic.do("Margaret", "GET", f"{here}/pre-sign-check")
    await clinic.do("Margaret", "GET", f"{here}/history")
    assert await _trail(clinic, session_id) == [
        ("session.started", all_of_them),
        ("session.seen", all_of_them),
        ("roster.patient_removed", {removed}),
        ("session.verified", all_of_them - {removed}),
        ("session.checked", all_of_them - {removed}),
        ("session.history_seen", {removed}),
    ]


async def _trail(clinic: Clinic, session_id: UUID) -> list[tuple[str, set[UUID | None]]]:
    """Give the steps in their order, each with the patients whose data it touched."""
    rows = [one for one in await clinic.rows(TRAIL) if one.subject == str(session_id)]
    return [
        (action, {one.patient_id for one in together})
        for action, together in groupby(rows, key=lambda one: str(one.action))
    ]
