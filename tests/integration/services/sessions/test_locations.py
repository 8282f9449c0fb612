"""Groups that meet at several locations: one session at each, in that location's time (TPL-2)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import insert

from services.sessions.directory.models import CARE_TEAM_MEMBER
from services.sessions.scheduling.domain import session_id_of
from services.sessions.scheduling.models import SESSION
from services.sessions.templates.models import SCHEDULE_OCCURRENCE
from tests.integration.services.sessions.clinic import TODAY, Clinic

WEEKS = [TODAY + timedelta(weeks=week) for week in range(3)]


async def _annex(clinic: Clinic) -> UUID:
    body = {"name": "Annex", "time_zone": "America/New_York"}
    return UUID((await clinic.do("Ada", "POST", "/v1/directory/locations", json=body))["id"])


async def _at_both(clinic: Clinic, annex: UUID, **changes: Any) -> UUID:
    """A weekly group at both locations, its sessions of three weeks made."""
    template_id = await clinic.new_template(location_ids=[str(clinic.location_id), str(annex)], **changes)
    await clinic.generate(until=WEEKS[2])
    return template_id


async def _move_to(clinic: Clinic, template_id: UUID, *places: UUID) -> None:
    body = clinic.template_body(location_ids=[str(one) for one in places])
    await clinic.do("Ada", "PUT", f"/v1/templates/{template_id}", json=body, if_match="*")


async def _assign(clinic: Clinic, patient: int, **body: Any) -> httpx2.Response:
    body["patient_ids"] = [str(clinic.patient_ids[patient])]
    return await clinic.ask("Margaret", "POST", "/v1/assignments", json=body)


async def _places_of(clinic: Clinic, patient: int) -> set[UUID]:
    place = f"/v1/patients/{clinic.patient_ids[patient]}/schedule?since={TODAY}&until={WEEKS[2]}"
    return {UUID(one["location_id"]) for one in (await clinic.do("Margaret", "GET", place))["items"]}


async def _statuses(clinic: Clinic, location_id: UUID) -> dict[date, str]:
    return {one.held_on: one.status for one in await clinic.rows(SESSION) if one.location_id == location_id}


@pytest.mark.rule("TPL-2", "TPL-3")
async def test_each_location_has_its_session_at_nine_on_its_own_wall(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    template_id = await _at_both(clinic, annex)
    made = await clinic.rows(SESSION)
    await clinic.generate(until=WEEKS[2])
    assert await clinic.rows(SESSION) == made
    assert {(one.location_id, one.starts_at.hour) for one in made} == {(clinic.location_id, 14), (annex, 13)}
    ids = {session_id_of(template_id, day, location_id=at) for day in WEEKS for at in (None, annex)}
    assert {one.id for one in made} == ids


@pytest.mark.rule("TPL-2")
async def test_a_group_is_listed_at_each_of_its_locations_and_read_as_it_was_written(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    template_id = await _at_both(clinic, annex)
    asked = [f"/v1/templates?location_id={one}" for one in (clinic.location_id, annex)]
    listed = [one for place in asked for one in (await clinic.do("Ada", "GET", place))["items"]]
    read = await clinic.do("Ada", "GET", f"/v1/templates/{template_id}")
    both = [str(clinic.location_id), str(annex)]
    assert [one["location_ids"] for one in [*listed, read]] == [both] * 3


@pytest.mark.rule("TPL-3")
async def test_a_location_that_is_left_loses_what_is_to_come_and_keeps_what_has_started(
    clinic: Clinic,
) -> None:
    annex = await _annex(clinic)
    template_id = await _at_both(clinic, annex)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id_of(template_id, TODAY)}/start")
    await _move_to(clinic, template_id, annex)
    cancelled = dict.fromkeys(WEEKS, "cancelled") | {TODAY: "in_progress"}
    assert await _statuses(clinic, clinic.location_id) == cancelled
    assert await _statuses(clinic, annex) == dict.fromkeys(WEEKS, "upcoming")


@pytest.mark.rule("TPL-3")
async def test_a_location_that_is_taken_up_again_has_the_sessions_that_it_had(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    template_id = await _at_both(clinic, annex)
    before = {one.id for one in await clinic.rows(SESSION)}
    await _move_to(clinic, template_id, annex)
    await _move_to(clinic, template_id, annex, clinic.location_id)
    after = await clinic.rows(SESSION)
    assert ({one.id for one in after}, {one.status for one in after}) == (before, {"upcoming"})


@pytest.mark.rule("TPL-5")
async def test_one_occurrence_is_cancelled_at_one_location_alone(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    template_id = await _at_both(clinic, annex)
    place = f"/v1/templates/{template_id}/occurrences/{WEEKS[1]}"
    body = {"location_id": str(annex), "cancelled": True}
    await clinic.do("Ada", "PUT", place, json=body)
    assert (await _statuses(clinic, annex))[WEEKS[1]] == "cancelled"
    assert set((await _statuses(clinic, clinic.location_id)).values()) == {"upcoming"}
    await clinic.do("Ada", "DELETE", f"{place}?location_id={annex}")
    assert (await _statuses(clinic, annex))[WEEKS[1]] == "upcoming"


@pytest.mark.rule("TPL-5")
async def test_without_a_location_an_occurrence_is_moved_at_all_of_them(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    template_id = await _at_both(clinic, annex)
    thursday = WEEKS[1] + timedelta(days=2)
    place = f"/v1/templates/{template_id}/occurrences/{WEEKS[1]}"
    await clinic.do("Ada", "PUT", place, json={"moved_to": str(thursday)})
    moved = {one.location_id for one in await clinic.rows(SESSION) if one.held_on == thursday}
    assert moved == {clinic.location_id, annex}
    elsewhere = {"location_id": str(clinic.id_of("nowhere")), "cancelled": True}
    assert (await clinic.ask("Ada", "PUT", place, json=elsewhere)).status_code == 404


@pytest.mark.rule("SCH-1")
async def test_a_schedule_enrols_at_its_own_location(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    schedule_id = await clinic.new_schedule(await _at_both(clinic, annex))
    await _assign(clinic, 0, schedule_ids=[str(schedule_id)])
    assert await _places_of(clinic, 0) == {clinic.location_id}


@pytest.mark.rule("SCH-1", "TPL-3")
async def test_no_schedule_has_a_group_at_a_location_that_it_left(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    template_id = await _at_both(clinic, annex)
    await clinic.new_schedule(template_id)
    await _move_to(clinic, template_id, annex)
    assert await clinic.rows(SCHEDULE_OCCURRENCE) == []


@pytest.mark.rule("SCH-3")
async def test_a_patient_is_assigned_to_a_group_at_one_location(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    group = {"template_ids": [str(await _at_both(clinic, annex))]}
    unclear = await _assign(clinic, 0, **group)
    assert (unclear.status_code, unclear.json()["errors"][0]["pointer"]) == (409, "#/location_id")
    elsewhere = await _assign(clinic, 0, **group, location_id=str(clinic.id_of("nowhere")))
    assert (elsewhere.status_code, elsewhere.json()["errors"][0]["pointer"]) == (409, "#/location_id")
    assert (await _assign(clinic, 0, **group, location_id=str(annex))).status_code == 201
    assert await _places_of(clinic, 0) == {annex}


@pytest.mark.rule("SCH-3")
async def test_a_location_is_named_with_groups_alone(clinic: Clinic) -> None:
    schedule_id = await clinic.new_schedule(await clinic.new_template())
    answer = await _assign(clinic, 0, schedule_ids=[str(schedule_id)], location_id=str(clinic.location_id))
    assert answer.status_code == 422


@pytest.mark.rule("SCH-4")
async def test_a_group_clashes_where_the_patient_sits_in_it(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    at_nine_in_chicago = await clinic.new_template(title="Art")
    group = {"template_ids": [str(await _at_both(clinic, annex))]}
    await _assign(clinic, 0, template_ids=[str(at_nine_in_chicago)])
    refused = await _assign(clinic, 0, **group, location_id=str(clinic.location_id))
    assert refused.status_code == 409
    assert (await _assign(clinic, 0, **group, location_id=str(annex))).status_code == 201


@pytest.mark.rule("SCH-6")
async def test_each_location_has_its_own_places(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    group = {"template_ids": [str(await _at_both(clinic, annex, capacity=1))]}
    for patient, place in enumerate((annex, annex, clinic.location_id)):
        await _assign(clinic, patient, **group, location_id=str(place))
        clinic.clock.forward(minutes=1)
    waiting = []
    for patient_id in clinic.patient_ids:
        day = f"/v1/patients/{patient_id}/schedule?since={TODAY}&until={TODAY}"
        (session,) = (await clinic.do("Margaret", "GET", day))["items"]
        waiting.append(session["waiting_position"])
    assert waiting == [None, 1, None]


@pytest.mark.rule("TPL-4")
async def test_a_caseload_is_divided_by_the_patients_locations(clinic: Clinic) -> None:
    annex = await _annex(clinic)
    await clinic.admit(
        clinic.patient(0, location_id=annex), clinic.patient(1, location_id=clinic.location_id)
    )
    members = [
        {"patient_id": one, "user_id": clinic.id_of("Ivy"), "instance_id": clinic.instance_id}
        for one in clinic.patient_ids
    ]
    async with clinic.database.engine.begin() as connection:
        await connection.execute(insert(CARE_TEAM_MEMBER).values(primary_therapist=True), members)
    await _at_both(clinic, annex, leaders=[], caseload=True)
    # Of no location on file: at the first one of the group.
    assert [await _places_of(clinic, patient) for patient in range(3)] == [
        {annex},
        {clinic.location_id},
        {clinic.location_id},
    ]
