"""Templates, schedules and assignments are changed over what was read, and never into an overlap."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import insert

from services.sessions.directory.models import CARE_TEAM_MEMBER
from services.sessions.scheduling.domain import session_id_of
from services.sessions.scheduling.models import SESSION
from services.sessions.templates.models import TEMPLATE
from tests.integration.services.sessions.clinic import TODAY, Clinic

THURSDAY = TODAY + timedelta(days=2)


async def _two_groups(clinic: Clinic) -> tuple[UUID, UUID]:
    """Process at nine and Art at eleven, both on Tuesdays, with the first patient in both."""
    process = await clinic.new_template(title="Process")
    art = await clinic.new_template(title="Art", starts_at="11:00")
    body = {"patient_ids": [str(clinic.patient_ids[0])], "template_ids": [str(process), str(art)]}
    await clinic.do("Margaret", "POST", "/v1/assignments", json=body)
    return process, art


async def _retime(clinic: Clinic, template_id: UUID, **changes: Any) -> httpx2.Response:
    body = clinic.template_body(title="Art", starts_at="11:00") | changes
    return await clinic.ask("Ada", "PUT", f"/v1/templates/{template_id}", json=body, if_match="*")


@pytest.mark.rule("SCH-4", "TPL-3")
async def test_a_group_is_not_moved_onto_another_one_of_its_patients(clinic: Clinic) -> None:
    process, art = await _two_groups(clinic)
    before = await clinic.rows(SESSION)
    refused = await _retime(clinic, art, starts_at="09:30")
    error, *more = refused.json()["errors"]
    assert (refused.status_code, len(more)) == (409, 52)  # a year of Tuesdays
    assert (error["session_id"], error["overlaps_session_id"]) == (
        str(session_id_of(process, TODAY)),
        str(session_id_of(art, TODAY)),
    )
    assert error["detail"].endswith("for 1 patients")
    assert not [
        one for one in clinic.patients if str(one.id) in refused.text or one.last_name in refused.text
    ]
    assert await clinic.rows(SESSION) == before


@pytest.mark.rule("SCH-4", "TPL-3")
async def test_a_longer_one_is_refused_where_it_overlaps_and_taken_where_it_does_not(clinic: Clinic) -> None:
    _, art = await _two_groups(clinic)
    process_longer = clinic.template_body(title="Process", duration_minutes=121)
    (process,) = [one.id for one in await clinic.rows(TEMPLATE) if one.id != art]
    place = f"/v1/templates/{process}"
    assert (await clinic.ask("Ada", "PUT", place, json=process_longer)).status_code == 409
    assert (await clinic.ask("Ada", "PUT", place, json=process_longer | {"duration_minutes": 120})).is_success


@pytest.mark.rule("SCH-4", "SCH-5")
async def test_who_has_left_stands_in_no_groups_way(clinic: Clinic) -> None:
    _, art = await _two_groups(clinic)
    await clinic.admit(clinic.patient(0, discharged_on=TODAY - timedelta(days=1)))
    assert (await _retime(clinic, art, starts_at="09:30")).status_code == 204


@pytest.mark.rule("SCH-4", "TPL-5")
async def test_one_occurrence_is_not_moved_onto_another_group(clinic: Clinic) -> None:
    _, art = await _two_groups(clinic)
    place = f"/v1/templates/{art}/occurrences/{TODAY}"
    asked = [
        await clinic.ask("Ada", "PUT", place, json=body, if_match="*")
        for body in ({"starts_at": "09:30"}, {"moved_to": str(THURSDAY), "starts_at": "09:30"})
    ]
    assert [one.status_code for one in asked] == [409, 204]


@pytest.mark.rule("SCH-4", "TPL-5")
async def test_an_occurrence_is_not_put_back_onto_a_group_that_took_its_place(clinic: Clinic) -> None:
    _, art = await _two_groups(clinic)
    place = f"/v1/templates/{art}/occurrences/{TODAY}"
    await clinic.do("Ada", "PUT", place, json={"moved_to": str(THURSDAY)})
    other = await clinic.new_template(title="Yoga", starts_at="11:00", recurrence=None)
    body = {"patient_ids": [str(clinic.patient_ids[0])], "template_ids": [str(other)]}
    await clinic.do("Margaret", "POST", "/v1/assignments", json=body)
    assert (await clinic.ask("Ada", "DELETE", place)).status_code == 409


@pytest.mark.rule("SCH-4", "TPL-4")
async def test_a_caseload_group_is_not_moved_onto_a_group_of_the_caseload(clinic: Clinic) -> None:
    member = {
        "patient_id": clinic.patient_ids[0],
        "user_id": clinic.id_of("Ivy"),
        "instance_id": clinic.instance_id,
        "primary_therapist": True,
    }
    async with clinic.database.engine.begin() as connection:
        await connection.execute(insert(CARE_TEAM_MEMBER).values(member))
    await _two_groups(clinic)
    caseload = await clinic.new_template(leaders=[], caseload=True, starts_at="13:00")
    body: dict[str, Any] = {"leader_ids": [], "caseload": True}
    assert (await _retime(clinic, caseload, starts_at="14:00", **body)).status_code == 204
    assert (await _retime(clinic, caseload, starts_at="11:30", **body)).status_code == 409


@pytest.mark.rule("SCH-4", "TPL-4")
async def test_a_caseload_group_is_not_laid_over_groups_of_the_caseload(clinic: Clinic) -> None:
    assert (await _cared_for_by_ivy(clinic)).is_success
    process, _ = await _two_groups(clinic)
    before = await clinic.rows(SESSION)
    body = clinic.template_body(title="Check-in", leader_ids=[], caseload=True)
    refused = await clinic.ask("Ada", "POST", "/v1/templates", json=body | {"starts_at": "09:30"})
    (error, *_) = refused.json()["errors"]
    assert (refused.status_code, error["session_id"]) == (409, str(session_id_of(process, TODAY)))
    assert await clinic.rows(SESSION) == before
    taken = await clinic.ask("Ada", "POST", "/v1/templates", json=body | {"starts_at": "13:00"})
    assert taken.status_code == 201


@pytest.mark.rule("SCH-4", "TPL-4")
@pytest.mark.parametrize("days_ahead", [42, 182])
async def test_a_caseload_group_that_begins_far_ahead_is_looked_through_too(
    clinic: Clinic, days_ahead: int
) -> None:
    assert (await _cared_for_by_ivy(clinic)).is_success
    await _two_groups(clinic)
    first_on = str(TODAY + timedelta(days=days_ahead))
    body = clinic.template_body(title="Check-in", leader_ids=[], caseload=True, first_on=first_on)
    refused = await clinic.ask("Ada", "POST", "/v1/templates", json=body | {"starts_at": "09:30"})
    taken = await clinic.ask("Ada", "POST", "/v1/templates", json=body | {"starts_at": "13:00"})
    assert (refused.status_code, taken.status_code) == (409, 201)


@pytest.mark.rule("SCH-4", "TPL-4")
async def test_nobody_comes_into_a_caseload_whose_group_overlaps_their_own(clinic: Clinic) -> None:
    process, _ = await _two_groups(clinic)
    caseload = await clinic.new_template(title="Check-in", leaders=[], caseload=True, starts_at="09:30")
    refused = await _cared_for_by_ivy(clinic)
    error = refused.json()["errors"][0]
    assert (refused.status_code, error["pointer"]) == (409, "#/members")
    assert (error["session_id"], error["overlaps_session_id"]) == (
        str(session_id_of(process, TODAY)),
        str(session_id_of(caseload, TODAY, clinic.id_of("Ivy"))),
    )
    assert await clinic.rows(CARE_TEAM_MEMBER) == []
    assert (await _cared_for_by_ivy(clinic, primary_therapist=False)).is_success


async def _cared_for_by_ivy(clinic: Clinic, *, primary_therapist: bool = True) -> httpx2.Response:
    place = f"/v1/directory/patients/{clinic.patient_ids[0]}/care-team"
    members = [{"user_id": str(clinic.id_of("Ivy")), "primary_therapist": primary_therapist}]
    etag = (await clinic.ask("Rosa", "GET", place)).headers["ETag"]
    return await clinic.ask("Rosa", "PUT", place, json={"members": members}, if_match=etag)


@pytest.mark.rule("TPL-3")
async def test_a_template_is_changed_over_the_version_that_was_read(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    place, body = f"/v1/templates/{template_id}", clinic.template_body(title="Art")
    read = await clinic.ask("Ada", "GET", place)
    written = await clinic.ask("Ada", "PUT", place, json=body, if_match=read.headers["ETag"])
    stale = await clinic.ask("Ada", "PUT", place, json=body, if_match=read.headers["ETag"])
    assert [one.status_code for one in (read, written, stale)] == [200, 204, 412]
    assert (await clinic.ask("Ada", "GET", place)).headers["ETag"] == written.headers["ETag"]


@pytest.mark.rule("TPL-5")
async def test_a_moved_occurrence_is_a_new_version_of_its_template(clinic: Clinic) -> None:
    place = f"/v1/templates/{await clinic.new_template()}"
    await clinic.do("Ada", "PUT", f"{place}/occurrences/{TODAY}", json={"starts_at": "10:00"})
    asked = [
        await clinic.ask("Ada", "PUT", place, json=clinic.template_body()),
        await clinic.ask("Ada", "PUT", f"{place}/occurrences/{TODAY}", json={"cancelled": True}),
        await clinic.ask("Ada", "DELETE", place, headers={"If-Match": '"1"'}),
        await clinic.ask("Ada", "DELETE", place, headers={"If-Match": '"2"'}),
    ]
    assert [one.status_code for one in asked] == [412, 412, 412, 204]


@pytest.mark.rule("TPL-3")
async def test_of_two_who_change_one_template_at_once_one_is_refused(clinic: Clinic) -> None:
    place = f"/v1/templates/{await clinic.new_template()}"
    bodies = [clinic.template_body(title=title) for title in ("Art", "Yoga")]
    answers = await asyncio.gather(*(clinic.ask("Ada", "PUT", place, json=body) for body in bodies))
    assert sorted(one.status_code for one in answers) == [204, 412]


@pytest.mark.rule("SCH-1")
async def test_a_schedule_is_changed_over_the_version_that_was_read(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    place = f"/v1/schedules/{await clinic.new_schedule(template_id)}"
    body = {"title": "Mornings", "occurrences": [{"template_id": str(template_id), "weekday": 2}]}
    asked = [await clinic.ask("Ada", "PUT", place, json=body) for _ in range(2)]
    assert [one.status_code for one in asked] == [204, 412]
    read = await clinic.ask("Ada", "GET", place)
    assert (read.headers["ETag"], read.json()["version"]) == (asked[0].headers["ETag"], 2)
    deleting = [await clinic.ask("Ada", "DELETE", place, headers={"If-Match": one}) for one in ('"1"', '"2"')]
    assert [one.status_code for one in deleting] == [412, 204]


@pytest.mark.rule("SCH-2")
async def test_an_assignment_is_changed_over_the_version_that_was_read(clinic: Clinic) -> None:
    body = {
        "patient_ids": [str(clinic.patient_ids[0])],
        "template_ids": [str(await clinic.new_template())],
    }
    (assigned,) = (await clinic.do("Margaret", "POST", "/v1/assignments", json=body))["ids"]
    place, end = f"/v1/assignments/{assigned}", {"ends_on": str(THURSDAY)}
    without = await clinic.ask("Margaret", "PATCH", place, json=end)
    asked = [
        await clinic.ask("Margaret", "PATCH", place, json=end, headers={"If-Match": '"1"'}) for _ in range(2)
    ]
    assert [one.status_code for one in (without, *asked)] == [428, 204, 412]
    read = await clinic.ask("Margaret", "GET", place)
    assert (read.headers["ETag"], read.json()["ends_on"]) == ('"2"', str(THURSDAY))
    stale = await clinic.ask("Margaret", "DELETE", place, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
