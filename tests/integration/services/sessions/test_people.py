from datetime import timedelta

import pytest

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
    assert kept["content"]["note"] == "Not lost."


@pytest.mark.rule("DOC-2")
async def test_who_has_left_treatment_is_no_walk_in(clinic: Clinic) -> None:
    session_id = await clinic.started()
    gone = clinic.patient(9, discharged_on=TODAY - timedelta(days=1))
    await clinic.admit(gone)
    answer = await clinic.ask("Margaret", "PUT", f"/v1/group-sessions/{session_id}/roster/{gone.id}")
    assert answer.status_code == 409
