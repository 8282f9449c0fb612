from datetime import timedelta

import pytest

from services.sessions.directory.repository import store_access
from shared.events.staff import Role, StaffAccess
from tests.integration.services.sessions.clinic import STAFF, TODAY, Clinic


@pytest.mark.rule("PERM-4")
async def test_a_leader_hands_the_session_over(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    path, body = f"/v1/group-sessions/{session_id}/leaders", {"leader_ids": [str(clinic.id_of("Tom"))]}
    await clinic.do("Margaret", "PUT", path, json=body, if_match="*")
    assert (await clinic.sign(session_id)).status_code == 403
    assert (await clinic.sign(session_id, by="Tom")).json() == {"status": "completed"}


@pytest.mark.rule("PERM-4")
async def test_leaders_are_added_to_co_sign(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    ids = [str(clinic.id_of(name)) for name in ("Margaret", "Frank")]
    path = f"/v1/group-sessions/{session_id}/leaders"
    await clinic.do("Margaret", "PUT", path, json={"leader_ids": ids}, if_match="*")
    assert (await clinic.sign(session_id)).json() == {"status": "in_progress"}
    assert (await clinic.sign(session_id, by="Frank")).json() == {"status": "completed"}


@pytest.mark.rule("PERM-4", "PERM-2")
async def test_who_may_not_lead_is_handed_nothing(clinic: Clinic) -> None:
    session_id = await clinic.started()
    path, body = f"/v1/group-sessions/{session_id}/leaders", {"leader_ids": [str(clinic.id_of("Nora"))]}
    assert (await clinic.ask("Margaret", "PUT", path, json=body, if_match="*")).status_code == 409


@pytest.mark.rule("PERM-4")
async def test_only_leaders_and_admins_hand_over(clinic: Clinic) -> None:
    session_id = await clinic.started()
    path, body = f"/v1/group-sessions/{session_id}/leaders", {"leader_ids": [str(clinic.id_of("Margaret"))]}
    statuses = {
        name: (await clinic.ask(name, "PUT", path, json=body, if_match="*")).status_code for name in STAFF
    }
    assert statuses == {name: 204 if name in {"Margaret", "Ada", "Rosa"} else 403 for name in STAFF}


@pytest.mark.rule("PERM-7", "PERM-4")
@pytest.mark.parametrize("lost", ["roles", "employment"])
async def test_a_leader_who_may_lead_no_more_writes_marks_signs_and_hands_over_nothing(
    clinic: Clinic, lost: str
) -> None:
    session_id = await clinic.documented()
    place, shown = f"/v1/group-sessions/{session_id}", await clinic.shown_sha256(session_id)
    roles = frozenset({Role.FRONT_OFFICE if lost == "roles" else Role.THERAPIST})
    access = StaffAccess(
        user_id=clinic.id_of("Margaret"),
        version=2,
        active=lost == "roles",
        roles=roles,
        features=frozenset(),
    )
    async with clinic.database.writing(clinic.instance_id) as db:
        await store_access(db, [access])
    for method, path, body in (
        ("PUT", "group-note", {"topic": "Mine"}),
        ("PUT", "attendance", {"rest": "present"}),
        ("PUT", f"roster/{clinic.patient_ids[0]}/note", {"text": "Mine"}),
        ("PUT", "leaders", {"leader_ids": [str(clinic.id_of("Tom"))]}),
        ("GET", "pre-sign-check", None),
        ("POST", "signatures", {"document_sha256": shown}),
    ):
        answer = await clinic.ask("Margaret", method, f"{place}/{path}", json=body, if_match='"2"')
        assert (path, answer.status_code) == (path, 403)
    body = {"leader_ids": [str(clinic.id_of("Tom"))]}
    await clinic.do("Ada", "PUT", f"{place}/leaders", json=body, if_match="*")
    assert (await clinic.sign(session_id, by="Tom")).json() == {"status": "completed"}


@pytest.mark.rule("PERM-4")
async def test_leaders_that_were_changed_meanwhile_are_not_overwritten(clinic: Clinic) -> None:
    session_id = await clinic.started()
    place = f"/v1/group-sessions/{session_id}"
    read = (await clinic.ask("Ada", "GET", place)).headers["etag"]
    body = {"leader_ids": [str(clinic.id_of("Margaret")), str(clinic.id_of("Tom"))]}
    await clinic.write_note(session_id, clinic.patient_ids[0], "Another part.")
    answers = [await clinic.ask("Ada", "PUT", f"{place}/leaders", json=body, if_match=read) for _ in range(2)]
    assert [one.status_code for one in answers] == [204, 412]
    version = (await clinic.session(session_id))["version"]
    assert answers[1].headers["etag"] == f'"{version}"'
    assert (await clinic.ask("Ada", "PUT", f"{place}/leaders", json=body, if_match=f'"{version}"')).is_success


@pytest.mark.rule("DOC-2")
async def test_a_walk_in_is_added_and_one_added_by_mistake_removed(clinic: Clinic) -> None:
    session_id = await clinic.started()
    walk_in, place = clinic.patient(9), f"/v1/group-sessions/{session_id}"
    await clinic.admit(walk_in)
    await clinic.do("Margaret", "PUT", f"{place}/roster/{walk_in.id}")
    await clinic.write_note(session_id, walk_in.id, "Not lost.")
    assert len((await clinic.session(session_id))["roster"]) == 4
    removal = f"{place}/roster/{walk_in.id}/removal"
    await clinic.do("Margaret", "POST", removal, json={"reason": "By mistake"})
    assert len((await clinic.session(session_id))["roster"]) == 3
    (kept,) = (await clinic.do("Ada", "GET", f"{place}/history"))["items"]
    assert kept["content"]["individual_note"] == "Not lost."


@pytest.mark.rule("DOC-2")
async def test_all_that_was_written_about_a_removed_patient_is_in_the_history(clinic: Clinic) -> None:
    session_id = await clinic.started()
    place, gone = f"/v1/group-sessions/{session_id}", str(clinic.patient_ids[0])
    moment = clinic.clock().isoformat()
    marked = {"attendance": "present", "minutes": 20, "arrived_at": moment, "left_at": moment}
    await clinic.do("Margaret", "PUT", f"{place}/attendance", json={"marks": [{"patient_id": gone} | marked]})
    note = {"text": "Not lost.", "problems": ["F10.20"]}
    await clinic.do("Ada", "PUT", f"{place}/roster/{gone}/note", json=note)
    await clinic.do("Margaret", "POST", f"{place}/roster/{gone}/removal", json={"reason": "By mistake"})
    (kept,) = (await clinic.do("Ada", "GET", f"{place}/history"))["items"]
    assert kept["content"] == marked | {
        "patient_id": gone,
        "absence_reason": None,
        "attendance_version": 2,
        "attendance_by": str(clinic.id_of("Margaret")),
        "attendance_at": moment,
        "individual_note": "Not lost.",
        "problems": ["F10.20"],
        "note_version": 2,
        "note_by": str(clinic.id_of("Ada")),
        "note_at": moment,
    }


@pytest.mark.rule("DOC-5")
async def test_who_comes_back_onto_the_roster_is_not_overwritten_by_what_was_read_before(
    clinic: Clinic,
) -> None:
    session_id = await clinic.started()
    patient_id = clinic.patient_ids[0]
    line = f"/v1/group-sessions/{session_id}/roster/{patient_id}"
    await clinic.write_note(session_id, patient_id, "Read by Ada.")
    await clinic.do("Margaret", "POST", f"{line}/removal", json={"reason": "By mistake"})
    await clinic.do("Margaret", "PUT", line)
    (entry,) = (
        one for one in (await clinic.session(session_id))["roster"] if one["patient_id"] == str(patient_id)
    )
    assert (entry["note_version"], entry["attendance_version"]) == (3, 3)
    await clinic.write_note(session_id, patient_id, "New.", if_match='"3"')
    stale = await clinic.ask("Ada", "PUT", f"{line}/note", json={"text": "Stale."}, if_match='"2"')
    assert (stale.status_code, stale.headers["etag"]) == (412, '"4"')


@pytest.mark.rule("DOC-2", "SCH-5")
@pytest.mark.parametrize("edge", ["admitted_on", "discharged_on"])
async def test_the_days_of_admission_and_discharge_are_in_treatment(clinic: Clinic, edge: str) -> None:
    expected, walk_in = clinic.patient(0, **{edge: TODAY}), clinic.patient(9, **{edge: TODAY})
    await clinic.admit(expected)
    session_id = await clinic.started()
    await clinic.admit(walk_in)
    await clinic.do("Margaret", "PUT", f"/v1/group-sessions/{session_id}/roster/{walk_in.id}")
    roster = {one["patient_id"] for one in (await clinic.session(session_id))["roster"]}
    assert {str(expected.id), str(walk_in.id)} <= roster


@pytest.mark.rule("DOC-2", "SCH-5")
async def test_who_is_admitted_later_is_neither_expected_nor_a_walk_in(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    later = clinic.patient(0, admitted_on=TODAY + timedelta(days=1))
    await clinic.admit(later)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    assert str(later.id) not in {one["patient_id"] for one in (await clinic.session(session_id))["roster"]}
    answer = await clinic.ask("Margaret", "PUT", f"/v1/group-sessions/{session_id}/roster/{later.id}")
    assert answer.status_code == 409


@pytest.mark.rule("DOC-2")
async def test_who_has_left_treatment_is_no_walk_in(clinic: Clinic) -> None:
    session_id = await clinic.started()
    gone = clinic.patient(9, discharged_on=TODAY - timedelta(days=1))
    await clinic.admit(gone)
    answer = await clinic.ask("Margaret", "PUT", f"/v1/group-sessions/{session_id}/roster/{gone.id}")
    assert answer.status_code == 409
