from uuid import UUID

import pytest

from services.sessions.metadata import TRAIL
from services.sessions.scheduling.models import ASSIGNMENT, SESSION
from services.sessions.templates.models import TEMPLATE
from tests.integration.services.sessions.clinic import BILLING, STAFF, TODAY, Clinic

OFF, ON = {"use_group_sessions": False}, {"use_group_sessions": True}


async def _switch(clinic: Clinic, setting: dict[str, bool]) -> None:
    await clinic.do("Ada", "PATCH", "/v1/settings", json=setting)


@pytest.mark.rule("SET-1")
async def test_nobody_but_a_super_admin_changes_settings(clinic: Clinic) -> None:
    others = STAFF.keys() - {"Ada"}
    answers = [await clinic.ask(name, "PATCH", "/v1/settings", json=OFF) for name in others]
    assert {one.status_code for one in answers} == {403}
    assert all("super_admin" in one.json()["detail"] for one in answers)
    assert (await clinic.do("Nora", "GET", "/v1/settings"))["use_group_sessions"] is True


@pytest.mark.rule("SET-1", "PERM-8")
async def test_a_super_admin_changes_settings_and_it_is_written_down(clinic: Clinic) -> None:
    answer = await clinic.ask("Ada", "PATCH", "/v1/settings", json={"show_preferred_name": True})
    assert (answer.headers["etag"], answer.json()["show_preferred_name"]) == ('"2"', True)
    assert [one.action for one in await clinic.rows(TRAIL)] == ["settings.changed"]


async def test_what_is_left_out_stays(clinic: Clinic) -> None:
    await _switch(clinic, {"show_preferred_name": True})
    await _switch(clinic, {"show_attendance_in_chart": True})
    settings = await clinic.do("Ada", "GET", "/v1/settings")
    assert (settings["show_preferred_name"], settings["show_attendance_in_chart"]) == (True, True)


async def test_a_switch_is_on_or_off(clinic: Clinic) -> None:
    answer = await clinic.ask("Ada", "PATCH", "/v1/settings", json={"use_group_sessions": None})
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/use_group_sessions"]


@pytest.mark.rule("SET-6")
async def test_billing_is_refused_without_a_billing_system(clinic: Clinic) -> None:
    body = clinic.template_body(billing=BILLING)
    assert (await clinic.ask("Ada", "POST", "/v1/templates", json=body)).status_code == 409
    assert await clinic.rows(TEMPLATE) == []


@pytest.mark.rule("SET-6", "BILL-1")
async def test_billing_is_taken_with_a_billing_system(clinic: Clinic) -> None:
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"integrated_billing": "webhook"})
    await clinic.new_template(billing=BILLING)
    assert [one.billing for one in await clinic.rows(TEMPLATE)] == [BILLING]


@pytest.mark.rule("SET-2")
async def test_switched_off_nothing_is_created_assigned_or_started(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    schedule_id = await clinic.new_schedule(template_id)
    (session_id,) = await clinic.generate()
    await _switch(clinic, OFF)
    schedule = {
        "location_id": str(clinic.location_id),
        "title": "Days",
        "occurrences": [{"template_id": str(template_id), "weekday": 2}],
    }
    horizon = {"since": str(TODAY), "until": "2026-04-30"}
    answers = [
        await clinic.ask("Ada", "POST", "/v1/templates", json=clinic.template_body()),
        await clinic.ask("Ada", "POST", "/v1/schedules", json=schedule),
        await clinic.ask("Ada", "POST", "/v1/group-sessions/generation", json=horizon),
        await clinic.assign(schedule_id, clinic.patient_ids),
        await clinic.ask("Margaret", "POST", f"/v1/group-sessions/{session_id}/start"),
        await clinic.ask("Margaret", "POST", f"/v1/group-sessions/{session_id}/sign-in-sheet"),
    ]
    assert [one.status_code for one in answers] == [409] * len(answers)
    assert (len(await clinic.rows(SESSION)), await clinic.rows(ASSIGNMENT)) == (1, [])


@pytest.mark.rule("SET-2")
async def test_switched_off_nothing_is_written_or_signed(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    before = await clinic.session(session_id)
    await _switch(clinic, OFF)
    assert await _writing_and_signing(clinic, session_id) == [409, 409, 409, 409]
    assert await clinic.session(session_id) == before


async def _writing_and_signing(clinic: Clinic, session_id: UUID) -> list[int]:
    here, patient_id = f"/v1/group-sessions/{session_id}", clinic.patient_ids[0]
    mark = {"marks": [{"patient_id": str(patient_id), "attendance": "present", "version": 2}]}
    answers = [
        await clinic.ask("Margaret", "PUT", f"{here}/group-note", json={"topic": "Changed"}, if_match='"2"'),
        await clinic.ask("Margaret", "PUT", f"{here}/attendance", json=mark),
        await clinic.ask(
            "Margaret", "PUT", f"{here}/roster/{patient_id}/note", json={"text": "Changed"}, if_match='"2"'
        ),
        await clinic.sign(session_id),
    ]
    return [one.status_code for one in answers]


@pytest.mark.rule("SET-2")
async def test_switched_on_again_everything_goes_on(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await _switch(clinic, OFF)
    await _switch(clinic, ON)
    assert await _writing_and_signing(clinic, session_id) == [204, 204, 204, 201]
