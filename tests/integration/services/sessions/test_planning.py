"""Editing, moving, cancelling and deleting templates, and the rolling horizon."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from services.sessions.directory.models import CARE_TEAM_MEMBER, LOCATION
from services.sessions.scheduling.domain import session_id_of
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.scheduling.planning import Planner
from services.sessions.scheduling.sweeping import Sweeper
from tests.integration.services.sessions.clinic import STAFF, TODAY, Clinic

WEEKS = [TODAY + timedelta(weeks=week) for week in range(5)]


def _sweeper(clinic: Clinic) -> Sweeper:
    return Sweeper(
        database=clinic.database, plan=Planner(horizon_days=28), every_seconds=300, clock=clinic.clock
    )


async def _sweep(clinic: Clinic) -> None:
    await _sweeper(clinic).sweep(asyncio.Event())


async def _edit(clinic: Clinic, template_id: UUID, **changes: Any) -> None:
    body = clinic.template_body(**changes)
    place = f"/v1/templates/{template_id}"
    seen = await clinic.do("Ada", "GET", place)
    await clinic.do("Ada", "PUT", place, json=body, if_match=f'"{seen["version"]}"')


async def _statuses(clinic: Clinic) -> dict[date, str]:
    return {one.held_on: one.status for one in await clinic.rows(SESSION)}


@pytest.mark.rule("TPL-3")
async def test_the_horizon_rolls_and_a_second_sweep_changes_nothing(clinic: Clinic) -> None:
    await clinic.new_template()
    await _sweep(clinic)
    made = await clinic.rows(SESSION)
    await _sweep(clinic)
    assert await clinic.rows(SESSION) == made
    assert sorted(one.held_on for one in made) == WEEKS
    clinic.clock.forward(days=7)
    await _sweep(clinic)
    assert len(await clinic.rows(SESSION)) == 6


@pytest.mark.rule("TPL-3")
async def test_what_was_generated_beyond_the_horizon_follows_and_has_nothing_added(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    far = [TODAY + timedelta(weeks=week) for week in (50, 51)]
    await clinic.generate(since=far[0], until=far[1])
    await _edit(clinic, template_id, first_on=str(far[1]), starts_at="18:00")
    seen = {one.held_on: (one.status, one.starts_at.hour) for one in await clinic.rows(SESSION)}
    assert seen[far[0]][0] == "cancelled"
    assert seen[far[1]] == ("upcoming", 0)
    await _edit(clinic, template_id)
    await _sweep(clinic)
    assert await _statuses(clinic) == dict.fromkeys([*WEEKS, *far], "upcoming")


@pytest.mark.rule("TPL-3")
async def test_two_sweeps_at_once_make_what_one_makes(clinic: Clinic) -> None:
    await clinic.new_template(leaders=["Margaret", "Tom"], recurrence="FREQ=DAILY")
    await asyncio.gather(*(_sweep(clinic) for _ in range(4)))
    assert (len(await clinic.rows(SESSION)), len(await clinic.rows(SESSION_LEADER))) == (29, 58)


@pytest.mark.rule("TPL-3")
async def test_the_planner_sweeps_until_it_is_told_to_stop(clinic: Clinic) -> None:
    await clinic.new_template()
    stop, lives = asyncio.Event(), list[int]()

    def show_life() -> None:
        lives.append(1)
        if len(lives) == 2:  # the first one is the sweep's, the second one the rest's
            stop.set()

    await replace(_sweeper(clinic), show_life=show_life).run(stop)
    assert sorted(one.held_on for one in await clinic.rows(SESSION)) == WEEKS


@pytest.mark.rule("SET-2", "TPL-3")
async def test_an_instance_that_is_switched_off_is_not_planned(clinic: Clinic) -> None:
    await clinic.new_template()
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"use_group_sessions": False})
    await _sweep(clinic)
    assert len(await clinic.rows(SESSION)) == 1


@pytest.mark.rule("TPL-3")
async def test_an_edit_changes_what_has_not_started_and_nothing_else(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await _sweep(clinic)
    started = session_id_of(template_id, TODAY)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{started}/start")
    await _edit(
        clinic, template_id, title="Evening", starts_at="18:00", leader_ids=[str(clinic.id_of("Tom"))]
    )
    seen = {one.held_on: (one.title, one.starts_at.hour) for one in await clinic.rows(SESSION)}
    assert seen == dict.fromkeys(WEEKS, ("Evening", 23)) | {TODAY: ("Process Group", 14)}
    leaders = {one.session_id: one.user_id for one in await clinic.rows(SESSION_LEADER)}
    assert leaders.pop(started) == clinic.id_of("Margaret")
    assert set(leaders.values()) == {clinic.id_of("Tom")}


@pytest.mark.rule("TPL-3")
async def test_a_changed_recurrence_cancels_and_changed_back_revives(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await _sweep(clinic)
    before = await _statuses(clinic)
    await _edit(clinic, template_id, recurrence="FREQ=WEEKLY;INTERVAL=2;BYDAY=TU")
    assert [(await _statuses(clinic))[day] for day in WEEKS[:3]] == ["upcoming", "cancelled", "upcoming"]
    await _edit(clinic, template_id)
    assert await _statuses(clinic) == before


@pytest.mark.rule("TPL-3")
async def test_a_deleted_template_cancels_what_is_to_come_and_keeps_what_was_documented(
    clinic: Clinic,
) -> None:
    session_id = await clinic.documented()
    await _sweep(clinic)
    template_id = UUID((await clinic.session(session_id))["template_id"])
    await clinic.do("Ada", "DELETE", f"/v1/templates/{template_id}")
    assert await _statuses(clinic) == dict.fromkeys(WEEKS, "cancelled") | {TODAY: "in_progress"}
    assert (await clinic.sign(session_id)).status_code == 201
    assert (await clinic.ask("Ada", "GET", f"/v1/templates/{template_id}")).status_code == 404


@pytest.mark.rule("TPL-5")
async def test_one_occurrence_is_moved_keeps_its_id_and_goes_back(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await _sweep(clinic)
    before = await clinic.rows(SESSION)
    place, thursday = f"/v1/templates/{template_id}/occurrences/{WEEKS[1]}", WEEKS[1] + timedelta(days=2)
    body = {"moved_to": str(thursday), "starts_at": "11:00"}
    await clinic.do("Ada", "PUT", place, json=body)
    moved = {one.id: one for one in await clinic.rows(SESSION)}[session_id_of(template_id, WEEKS[1])]
    assert (moved.held_on, moved.moved_from, moved.starts_at.hour) == (thursday, WEEKS[1], 16)
    assert len(await clinic.rows(SESSION)) == 5
    await clinic.do("Ada", "DELETE", place)
    assert [one.held_on for one in await clinic.rows(SESSION)] == [one.held_on for one in before]


@pytest.mark.rule("TPL-5")
async def test_one_occurrence_is_cancelled_and_the_series_goes_on(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await _sweep(clinic)
    place = f"/v1/templates/{template_id}/occurrences"
    await clinic.do("Ada", "PUT", f"{place}/{WEEKS[1]}", json={"cancelled": True})
    assert await _statuses(clinic) == dict.fromkeys(WEEKS, "upcoming") | {WEEKS[1]: "cancelled"}
    wednesday = TODAY + timedelta(days=1)
    asked = [
        await clinic.ask("Ada", "PUT", f"{place}/{wednesday}", json={"cancelled": True}),
        await clinic.ask("Ada", "PUT", f"{place}/{WEEKS[2]}", json={"moved_to": "2026-03-01"}),
        await clinic.ask("Ada", "PUT", f"{place}/{WEEKS[2]}", json={}),
    ]
    assert [one.status_code for one in asked] == [404, 409, 422]


@pytest.mark.rule("TPL-5")
async def test_an_occurrence_that_was_started_is_neither_moved_nor_cancelled_nor_put_back(
    clinic: Clinic,
) -> None:
    session_id = await clinic.started()
    place = f"/v1/templates/{(await clinic.session(session_id))['template_id']}/occurrences/{TODAY}"
    asked = [
        await clinic.ask("Ada", "PUT", place, json={"cancelled": True}),
        await clinic.ask("Ada", "PUT", place, json={"starts_at": "11:00"}),
        await clinic.ask("Ada", "DELETE", place),
    ]
    assert [one.status_code for one in asked] == [409, 409, 409]
    assert all("in_progress" in one.json()["detail"] for one in asked)
    await clinic.do("Ada", "POST", f"/v1/group-sessions/{session_id}/deletion", json={"reason": "Wrong"})
    await _sweep(clinic)
    assert (await clinic.session(session_id))["status"] == "upcoming"


@pytest.mark.rule("TPL-2", "TPL-3")
async def test_a_change_of_the_time_zone_keeps_the_time_on_the_wall(clinic: Clinic) -> None:
    await clinic.new_template()
    async with clinic.database.engine.begin() as connection:
        await connection.execute(update(LOCATION).values(time_zone="America/New_York"))
    await _sweep(clinic)
    assert {one.starts_at.hour for one in await clinic.rows(SESSION)} == {13}


@pytest.mark.rule("TPL-4")
async def test_a_caseload_group_is_one_session_for_each_therapist_with_a_caseload(clinic: Clinic) -> None:
    first, second, third = clinic.patient_ids
    await _care_team(clinic, {first: "Margaret", second: "Margaret", third: "Ivy"})
    template_id = await clinic.new_template(leaders=[], caseload=True)
    rosters = {}
    for name in ("Margaret", "Ivy"):
        session_id = session_id_of(template_id, TODAY, clinic.id_of(name))
        await clinic.do(name, "POST", f"/v1/group-sessions/{session_id}/start")
        session = await clinic.session(session_id)
        assert [one["first_name"] for one in session["leaders"]] == [name]
        rosters[name] = {UUID(one["patient_id"]) for one in session["roster"]}
    assert rosters == {"Margaret": {first, second}, "Ivy": {third}}
    assert len(await clinic.rows(SESSION)) == 2


@pytest.mark.rule("TPL-4", "SCH-5")
async def test_a_caseload_that_ends_cancels_its_sessions(clinic: Clinic) -> None:
    await _care_team(clinic, {clinic.patient_ids[0]: "Margaret"})
    await clinic.new_template(leaders=[], caseload=True)
    await clinic.admit(clinic.patient(0, discharged_on=WEEKS[2]))
    await _sweep(clinic)
    assert await _statuses(clinic) == dict.fromkeys(WEEKS[:3], "upcoming")


async def _care_team(clinic: Clinic, therapists: dict[UUID, str]) -> None:
    rows = [
        {
            "patient_id": patient_id,
            "user_id": clinic.id_of(name),
            "instance_id": clinic.instance_id,
            "primary_therapist": True,
        }
        for patient_id, name in therapists.items()
    ]
    async with clinic.database.engine.begin() as connection:
        await connection.execute(insert(CARE_TEAM_MEMBER), rows)


@pytest.mark.rule("TPL-2")
async def test_a_template_is_read_as_it_was_written(clinic: Clinic) -> None:
    telehealth: dict[str, Any] = {
        "modality": "telehealth",
        "link": "https://video.example/room",
        "capacity": 12,
    }
    defaults: dict[str, Any] = {
        "topic": "Coping",
        "note": "We began with a round.",
        "exceptions": ["2026-03-17"],
    }
    template_id = await clinic.new_template(**telehealth, **defaults)
    seen = await clinic.do("Nora", "GET", f"/v1/templates/{template_id}")
    assert {name: seen[name] for name in telehealth | defaults} == telehealth | defaults
    listed = await clinic.do("Nora", "GET", f"/v1/templates?location_id={clinic.location_id}")
    assert [one["id"] for one in listed["items"]] == [str(template_id)]
    session = await clinic.session(session_id_of(template_id, TODAY))
    assert (session["topic"], session["description"]) == ("Coping", "We began with a round.")
    await _sweep(clinic)
    assert date(2026, 3, 17) not in await _statuses(clinic)


@pytest.mark.rule("TPL-1")
async def test_templates_are_changed_and_deleted_by_who_may_manage_them(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    place, body = f"/v1/templates/{template_id}", clinic.template_body()
    changing = {
        name: (await clinic.ask(name, "PUT", place, json=body, if_match="*")).status_code for name in STAFF
    }
    assert changing == {name: 204 if name in {"Ada", "Tess"} else 403 for name in STAFF}
    deleting = {name: (await clinic.ask(name, "DELETE", place)).status_code for name in STAFF}
    assert {name for name, status in deleting.items() if status == 403} == set(STAFF) - {"Ada", "Tess"}
