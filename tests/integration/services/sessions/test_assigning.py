"""Assignments of all kinds, overlaps, waiting lists, and what a patient's schedule and calendar show."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from icalendar import Calendar
from sqlalchemy import insert

from services.sessions.directory.models import CARE_TEAM_MEMBER
from services.sessions.scheduling.domain import session_id_of
from services.sessions.scheduling.models import ASSIGNMENT, CALENDAR_FEED
from tests.integration.services.sessions.clinic import TODAY, Clinic

WEEKS = [TODAY + timedelta(weeks=week) for week in range(5)]


async def _assign(clinic: Clinic, *patients: int, **body: Any) -> httpx2.Response:
    body["patient_ids"] = [str(clinic.patient_ids[number]) for number in patients]
    return await clinic.ask("Margaret", "POST", "/v1/assignments", json=body)


async def _set_end(clinic: Clinic, assignment_id: str, day: date | None) -> None:
    place = f"/v1/assignments/{assignment_id}"
    seen = await clinic.ask("Margaret", "GET", place)
    body = {"ends_on": str(day) if day else None}
    await clinic.do("Margaret", "PATCH", place, json=body, headers={"If-Match": seen.headers["ETag"]})


async def _group(clinic: Clinic, title: str = "Group", **changes: Any) -> UUID:
    template_id = await clinic.new_template(title=title, **changes)
    await clinic.generate(until=WEEKS[4])
    return template_id


async def _schedule_of(clinic: Clinic, patient: int, *, by: str = "Margaret") -> list[dict[str, Any]]:
    place = f"/v1/patients/{clinic.patient_ids[patient]}/schedule?since={TODAY}&until={WEEKS[4]}"
    seen = await clinic.do(by, "GET", place)
    return list(seen["items"])


async def _days_of(clinic: Clinic, patient: int) -> list[date]:
    return [date.fromisoformat(one["held_on"]) for one in await _schedule_of(clinic, patient)]


async def _waiting(clinic: Clinic) -> list[int | None]:
    return [(await _schedule_of(clinic, patient))[0]["waiting_position"] for patient in range(3)]


@pytest.mark.rule("SCH-3")
async def test_a_group_is_assigned_from_a_date_on_and_a_session_for_its_day(clinic: Clinic) -> None:
    template_id = await _group(clinic)
    assert (
        await _assign(clinic, 0, template_ids=[str(template_id)], starts_on=str(WEEKS[2]))
    ).status_code == 201
    session_id = session_id_of(template_id, WEEKS[1])
    assert (await _assign(clinic, 1, session_ids=[str(session_id)])).status_code == 201
    assert [await _days_of(clinic, patient) for patient in range(3)] == [WEEKS[2:], WEEKS[1:2], []]


@pytest.mark.rule("SCH-2")
async def test_without_a_start_it_is_today_at_the_location(clinic: Clinic) -> None:
    clinic.clock.forward(hours=14)  # tomorrow in UTC, still today in Chicago
    template_id = await _group(clinic)
    await _assign(clinic, 0, template_ids=[str(template_id)])
    assert [one.starts_on for one in await clinic.rows(ASSIGNMENT)] == [TODAY]


@pytest.mark.rule("SCH-4")
async def test_an_overlap_is_refused_with_the_sessions_that_clash(clinic: Clinic) -> None:
    art = await _group(clinic, "Art", starts_at="09:30", recurrence=None)
    process = await _group(clinic, "Process")
    await _assign(clinic, 1, template_ids=[str(process)])
    refused = await _assign(clinic, 0, 1, template_ids=[str(art)])
    (clash,) = refused.json()["errors"]
    assert (refused.status_code, clash["pointer"]) == (409, "#/patient_ids/1")
    assert clash["session_id"] == str(session_id_of(process, TODAY))
    assert clash["overlaps_session_id"] == str(session_id_of(art, TODAY))
    assert len(await clinic.rows(ASSIGNMENT)) == 1


@pytest.mark.rule("SCH-4")
async def test_what_is_assigned_together_must_not_overlap_either(clinic: Clinic) -> None:
    groups = [str(await _group(clinic, title)) for title in ("Art", "Process")]
    assert (await _assign(clinic, 0, template_ids=groups)).status_code == 409
    schedules = [str(await clinic.new_schedule(UUID(one))) for one in groups]
    assert (await _assign(clinic, 0, schedule_ids=schedules)).status_code == 409
    assert (await _assign(clinic, 0, schedule_ids=schedules[:1])).status_code == 201


@pytest.mark.rule("SCH-4")
async def test_series_that_meet_once_in_months_overlap_too(clinic: Clinic) -> None:
    third = await _group(clinic, "Third", recurrence="FREQ=WEEKLY;INTERVAL=3;BYDAY=TU")
    eleventh = await _group(
        clinic, "Eleventh", first_on=str(WEEKS[1]), recurrence="FREQ=WEEKLY;INTERVAL=11;BYDAY=TU"
    )
    await _assign(clinic, 0, template_ids=[str(third)])
    refused = await _assign(clinic, 0, template_ids=[str(eleventh)])
    assert (refused.status_code, len(refused.json()["errors"])) == (409, 2)


@pytest.mark.rule("SCH-4", "TPL-5")
async def test_a_moved_occurrence_clashes_where_it_is_held(clinic: Clinic) -> None:
    moved = await _group(clinic, "Moved")
    thursday = WEEKS[1] + timedelta(days=2)
    place = f"/v1/templates/{moved}/occurrences/{WEEKS[1]}"
    await clinic.do("Ada", "PUT", place, json={"moved_to": str(thursday)})
    other = await _group(clinic, "Thursday", first_on=str(thursday), recurrence=None)
    await _assign(clinic, 0, template_ids=[str(moved)])
    assert (await _assign(clinic, 0, template_ids=[str(other)])).status_code == 409


@pytest.mark.rule("SCH-4", "TPL-4")
async def test_the_therapists_caseload_group_takes_its_time_too(clinic: Clinic) -> None:
    member = {
        "patient_id": clinic.patient_ids[0],
        "user_id": clinic.id_of("Ivy"),
        "instance_id": clinic.instance_id,
        "primary_therapist": True,
    }
    async with clinic.database.engine.begin() as connection:
        await connection.execute(insert(CARE_TEAM_MEMBER).values(member))
    await clinic.new_template(leaders=[], caseload=True)
    group = await _group(clinic)
    assert (await _assign(clinic, 0, template_ids=[str(group)])).status_code == 409
    assert (await _assign(clinic, 1, template_ids=[str(group)])).status_code == 201


@pytest.mark.rule("SCH-4")
async def test_two_assignments_at_once_do_not_slip_past_each_other(clinic: Clinic) -> None:
    groups = [await _group(clinic, title) for title in ("Art", "Process")]
    answers = await asyncio.gather(*(_assign(clinic, 0, template_ids=[str(one)]) for one in groups))
    assert sorted(one.status_code for one in answers) == [201, 409]


@pytest.mark.rule("SCH-5")
async def test_ending_an_assignment_takes_the_patient_out_of_what_is_to_come(clinic: Clinic) -> None:
    template_id = await _group(clinic)
    ids = [
        (await _assign(clinic, patient, template_ids=[str(template_id)])).json()["ids"][0]
        for patient in range(2)
    ]
    await _set_end(clinic, ids[0], WEEKS[1])
    assert await _days_of(clinic, 0) == WEEKS[:2]
    clinic.clock.forward(days=7)
    await clinic.do("Margaret", "DELETE", f"/v1/assignments/{ids[1]}")
    assert await _days_of(clinic, 1) == WEEKS[:1]


@pytest.mark.rule("SCH-1", "SCH-5")
async def test_a_changed_schedule_changes_rosters_to_come_and_a_deleted_one_empties_them(
    clinic: Clinic,
) -> None:
    template_id = await _group(clinic, recurrence="FREQ=WEEKLY;BYDAY=TU,TH")
    schedule_id = await clinic.new_schedule(template_id)
    await _assign(clinic, 0, schedule_ids=[str(schedule_id)])
    assert await _days_of(clinic, 0) == WEEKS
    thursday = {"title": "Days", "occurrences": [{"template_id": str(template_id), "weekday": 4}]}
    await clinic.do("Ada", "PUT", f"/v1/schedules/{schedule_id}", json=thursday)
    assert await _days_of(clinic, 0) == [week + timedelta(days=2) for week in WEEKS[:4]]
    (listed,) = (await clinic.do("Ada", "GET", "/v1/schedules"))["items"]
    assert [one["weekday"] for one in listed["occurrences"]] == [4]
    await clinic.do("Ada", "DELETE", f"/v1/schedules/{schedule_id}")
    assert await _days_of(clinic, 0) == []


@pytest.mark.rule("SCH-4", "SCH-5")
async def test_a_schedule_is_not_changed_into_an_overlap(clinic: Clinic) -> None:
    first, second = await _group(clinic, "Art"), await _group(clinic, "Process")
    schedule_id = await clinic.new_schedule(first)
    await _assign(clinic, 0, schedule_ids=[str(schedule_id)])
    both = [{"template_id": str(one), "weekday": 2} for one in (first, second)]
    place = f"/v1/schedules/{schedule_id}"
    asked = [
        await clinic.ask("Ada", "PUT", place, json={"title": "Days", "occurrences": occurrences})
        for occurrences in (both, both[1:])
    ]
    assert [one.status_code for one in asked] == [409, 204]


@pytest.mark.rule("SCH-4")
@pytest.mark.parametrize("days", [-367, 367])
async def test_an_assignment_starts_within_a_year_of_today(clinic: Clinic, days: int) -> None:
    template_id = str(await _group(clinic, first_on="1900-01-01", recurrence="FREQ=DAILY"))
    far, near = TODAY + timedelta(days=days), TODAY + timedelta(days=366 if days > 0 else -366)
    refused = await _assign(clinic, 0, template_ids=[template_id], starts_on=str(far))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "#/starts_on")
    taken = await _assign(clinic, 0, template_ids=[template_id], starts_on=str(near))
    assert taken.status_code == 201


@pytest.mark.rule("SCH-6")
async def test_beyond_capacity_one_waits_and_moves_up(clinic: Clinic) -> None:
    template_id = await _group(clinic, capacity=1)
    for patient in range(3):
        assert (await _assign(clinic, patient, template_ids=[str(template_id)])).status_code == 201
        clinic.clock.forward(minutes=1)
    assert await _waiting(clinic) == [None, 1, 2]
    await clinic.admit(clinic.patient(0, discharged_on=TODAY - timedelta(days=1)))
    assert [(await _schedule_of(clinic, patient))[0]["waiting_position"] for patient in (1, 2)] == [None, 1]
    session_id = session_id_of(template_id, TODAY)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    roster = (await clinic.session(session_id))["roster"]
    assert [one["patient_id"] for one in roster] == [str(clinic.patient_ids[1])]


@pytest.mark.rule("SCH-6")
async def test_who_gave_a_place_up_and_wants_it_again_waits_behind_the_others(clinic: Clinic) -> None:
    template_id = await _group(clinic, capacity=1)
    (first,) = (await _assign(clinic, 0, template_ids=[str(template_id)])).json()["ids"]
    await _set_end(clinic, first, TODAY)
    clinic.clock.forward(minutes=1)
    await _assign(clinic, 1, template_ids=[str(template_id)])
    clinic.clock.forward(minutes=1)
    await _set_end(clinic, first, None)
    assert [one["waiting_position"] for one in await _schedule_of(clinic, 0)] == [1] * 5


@pytest.mark.rule("SCH-7")
async def test_a_patients_calendar_is_open_to_its_address_names_nobody_and_is_revoked(clinic: Clinic) -> None:
    template_id = await _group(clinic, modality="telehealth", link="https://video.example/room")
    await _assign(clinic, 0, 1, template_ids=[str(template_id)])
    body = {"patient_id": str(clinic.patient_ids[0])}
    feed = await clinic.do("Margaret", "POST", "/v1/calendar-feeds", json=body)
    answer = await clinic.ask(None, "GET", feed["path"])
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert [one.decoded("dtstart").date() for one in events] == WEEKS
    assert len({str(one["uid"]) for one in events}) == 5
    assert not any(required not in one for one in events for required in ("UID", "DTSTAMP", "SUMMARY"))
    people = [
        one for patient in clinic.patients for one in (patient.first_name, patient.last_name, patient.mrn)
    ]
    assert not [name for name in [*people, "Margaret", "Chen"] if name in answer.text]
    assert all(len(line.encode()) <= 75 for line in answer.text.split("\r\n"))
    (kept,) = await clinic.rows(CALENDAR_FEED)
    assert kept.token_sha256 not in feed["path"]
    await clinic.do("Margaret", "DELETE", f"/v1/calendar-feeds/{feed['id']}")
    assert (await clinic.ask(None, "GET", feed["path"])).status_code == 404


@pytest.mark.rule("SCH-7")
async def test_a_leaders_calendar_has_what_the_leader_leads(clinic: Clinic) -> None:
    await _group(clinic, "Margaret's")
    await _group(clinic, "Tom's", leaders=["Tom"])
    feed = await clinic.do("Tom", "POST", "/v1/calendar-feeds", json={})
    events = Calendar.from_ical((await clinic.ask(None, "GET", feed["path"])).content).walk("VEVENT")
    assert {str(one["summary"]) for one in events} == {"Tom's"}
    listed = await clinic.do("Tom", "GET", "/v1/calendar-feeds")
    assert [one["id"] for one in listed["items"]] == [feed["id"]]
    assert (await clinic.ask("Margaret", "DELETE", f"/v1/calendar-feeds/{feed['id']}")).status_code == 403


@pytest.mark.rule("PERM-7")
async def test_other_roles_see_no_patients_schedule(clinic: Clinic) -> None:
    place = f"/v1/patients/{clinic.patient_ids[0]}"
    asked = [await clinic.ask("Nora", "GET", f"{place}/{part}") for part in ("schedule", "assignments")]
    assert [one.status_code for one in asked] == [403, 403]


@pytest.mark.rule("SET-2")
async def test_switched_off_nothing_of_it_is_changed(clinic: Clinic) -> None:
    template_id = await _group(clinic)
    schedule_id = await clinic.new_schedule(template_id)
    (assigned,) = (await _assign(clinic, 0, template_ids=[str(template_id)])).json()["ids"]
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"use_group_sessions": False})
    schedule = {"title": "Days", "occurrences": [{"template_id": str(template_id), "weekday": 2}]}
    template, assignment = f"/v1/templates/{template_id}", f"/v1/assignments/{assigned}"
    group = {"patient_ids": [str(clinic.patient_ids[1])], "template_ids": [str(template_id)]}
    asked = [
        await clinic.ask("Ada", "PUT", template, json=clinic.template_body()),
        await clinic.ask("Ada", "DELETE", template),
        await clinic.ask("Ada", "PUT", f"{template}/occurrences/{TODAY}", json={"cancelled": True}),
        await clinic.ask("Ada", "DELETE", f"{template}/occurrences/{TODAY}"),
        await clinic.ask("Ada", "PUT", f"/v1/schedules/{schedule_id}", json=schedule),
        await clinic.ask("Ada", "DELETE", f"/v1/schedules/{schedule_id}"),
        await clinic.ask("Ada", "POST", "/v1/assignments", json=group),
        await clinic.ask("Ada", "PATCH", assignment, json={"ends_on": None}),
        await clinic.ask("Ada", "DELETE", assignment),
        await clinic.ask("Ada", "POST", "/v1/calendar-feeds", json={}),
    ]
    assert [one.status_code for one in asked] == [409] * len(asked)
