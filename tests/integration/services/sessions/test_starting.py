import pytest

from services.sessions.metadata import TRAIL
from services.sessions.scheduling.domain import session_id_of
from services.sessions.scheduling.models import SESSION_LEADER
from tests.integration.services.sessions.clinic import STAFF, TODAY, Clinic

MAY_START = {"Ada", "Rosa", "Margaret", "Tom", "Ivy", "Frank"}


@pytest.mark.rule("DOC-2")
async def test_starting_notes_the_time_and_freezes_the_roster(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    clinic.clock.forward(minutes=3)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    session = await clinic.session(session_id)
    assert (session["status"], session["started_at"]) == ("in_progress", "2026-03-10T14:03:00Z")
    assert [one["patient_id"] for one in session["roster"]] == [str(one) for one in clinic.patient_ids]


@pytest.mark.rule("DOC-2")
async def test_who_is_enrolled_after_the_start_is_not_on_the_roster(clinic: Clinic) -> None:
    session_id = await clinic.started()
    await clinic.admit(clinic.patient(9))
    template_id = (await clinic.session(session_id))["template_id"]
    await clinic.assign(await clinic.new_schedule(template_id), clinic.patient_ids)
    assert len((await clinic.session(session_id))["roster"]) == 3


@pytest.mark.rule("DOC-2")
async def test_a_session_starts_once(clinic: Clinic) -> None:
    session_id = await clinic.started()
    assert (await clinic.ask("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")).status_code == 409


@pytest.mark.rule("PERM-1", "PERM-2", "PERM-7")
async def test_unassigned_sessions_are_started_by_who_leads_groups(clinic: Clinic) -> None:
    statuses = {}
    for name in STAFF:
        session_id = await clinic.planned(leaders=[], title=f"For {name}")
        answer = await clinic.ask(name, "POST", f"/v1/group-sessions/{session_id}/start")
        statuses[name] = answer.status_code
    assert statuses == {name: 204 if name in MAY_START else 403 for name in STAFF}


@pytest.mark.rule("PERM-1", "PERM-2")
async def test_another_leaders_session_is_started_by_admins_alone(clinic: Clinic) -> None:
    statuses = {}
    for name in MAY_START:
        session_id = await clinic.planned(leaders=["Margaret"], title=f"For {name}")
        answer = await clinic.ask(name, "POST", f"/v1/group-sessions/{session_id}/start")
        statuses[name] = answer.status_code
    may = {"Ada", "Rosa", "Margaret"}
    assert statuses == {name: 204 if name in may else 403 for name in MAY_START}


@pytest.mark.rule("PERM-3")
async def test_who_starts_an_unassigned_session_leads_it(clinic: Clinic) -> None:
    await clinic.started(by="Frank", leaders=[])
    assert [one.user_id for one in await clinic.rows(SESSION_LEADER)] == [clinic.id_of("Frank")]


@pytest.mark.rule("PERM-1")
async def test_an_admin_who_starts_a_leaders_session_does_not_lead_it(clinic: Clinic) -> None:
    await clinic.started(by="Rosa")
    assert [one.user_id for one in await clinic.rows(SESSION_LEADER)] == [clinic.id_of("Margaret")]


@pytest.mark.rule("PERM-8")
async def test_a_refused_start_changes_nothing_and_is_written_down(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    await clinic.ask("Tom", "POST", f"/v1/group-sessions/{session_id}/start")
    assert (await clinic.session(session_id))["status"] == "upcoming"
    (refusal,) = (one for one in await clinic.rows(TRAIL) if one.outcome == "refused")
    shown = (refusal.user_id, refusal.action, refusal.subject)
    assert shown == (clinic.id_of("Tom"), "POST /v1/group-sessions/{session_id}/start", str(session_id))


@pytest.mark.rule("DOC-2")
async def test_a_session_is_not_started_before_its_day(clinic: Clinic) -> None:
    session_id = await clinic.planned(leaders=["Margaret"])
    clinic.clock.forward(days=-1)
    answer = await clinic.ask("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    assert answer.status_code == 409


@pytest.mark.rule("DOC-2", "DOC-3")
async def test_with_nobody_expected_it_is_started_but_signed_with_a_walk_in_only(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    session_id = session_id_of(template_id, TODAY)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    await clinic.write_group_note(session_id)
    refused = await clinic.sign(session_id)
    assert (refused.status_code, refused.json()["errors"]) == (
        409,
        [
            {
                "pointer": "#/roster",
                "detail": "nobody is on the roster: add who came, or delete the session",
            }
        ],
    )
    (patient_id, *_) = clinic.patient_ids
    await clinic.do("Margaret", "PUT", f"/v1/group-sessions/{session_id}/roster/{patient_id}")
    await clinic.mark(session_id, {patient_id: "absent"})
    assert (await clinic.sign(session_id)).status_code == 201
