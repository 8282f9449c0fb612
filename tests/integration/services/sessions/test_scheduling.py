from datetime import date, timedelta
from uuid import UUID

import pytest

from services.sessions.scheduling.domain import session_id_of
from services.sessions.scheduling.models import ASSIGNMENT, SESSION, SESSION_LEADER
from tests.integration.services.sessions.clinic import STAFF, TODAY, Clinic

NEXT_WEEK = TODAY + timedelta(weeks=1)


async def _roster_on(clinic: Clinic, template_id: UUID, day: date) -> list[str]:
    """Start the session of that day and see who was expected."""
    await clinic.generate(since=day, until=day)
    session_id = session_id_of(template_id, day)
    today = clinic.clock().date()
    if day > today:
        clinic.clock.forward(days=(day - today).days)
    await clinic.do("Ada", "POST", f"/v1/group-sessions/{session_id}/start")
    return [one["patient_id"] for one in (await clinic.session(session_id))["roster"]]


@pytest.mark.rule("TPL-3")
async def test_generating_twice_gives_the_same_sessions(clinic: Clinic) -> None:
    await clinic.new_template(recurrence="FREQ=WEEKLY;BYDAY=TU,TH", leaders=["Margaret", "Tom"])
    first = await clinic.generate(until=NEXT_WEEK)
    sessions, leaders = await clinic.rows(SESSION), await clinic.rows(SESSION_LEADER)
    assert await clinic.generate(until=NEXT_WEEK) == first
    assert (await clinic.rows(SESSION), await clinic.rows(SESSION_LEADER)) == (sessions, leaders)
    assert (len(sessions), len(leaders)) == (3, 6)


@pytest.mark.rule("TPL-3")
async def test_generating_leaves_what_was_documented_alone(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    before = await clinic.session(session_id)
    await clinic.generate(until=NEXT_WEEK)
    assert await clinic.session(session_id) == before


@pytest.mark.rule("TPL-3", "PERM-3")
async def test_generating_gives_nobody_a_second_leader(clinic: Clinic) -> None:
    await clinic.started(by="Tom", leaders=[])
    await clinic.generate()
    assert [one.user_id for one in await clinic.rows(SESSION_LEADER)] == [clinic.id_of("Tom")]


@pytest.mark.rule("TPL-2")
async def test_nine_in_the_morning_stays_nine_over_the_spring_change(clinic: Clinic) -> None:
    await clinic.new_template(first_on="2026-03-03")
    await clinic.generate(since=date(2026, 3, 3), until=TODAY)
    starts = {one.held_on: one.starts_at.hour for one in await clinic.rows(SESSION)}
    assert starts == {date(2026, 3, 3): 15, TODAY: 14}


async def test_a_disabled_template_yields_nothing(clinic: Clinic) -> None:
    await clinic.new_template(enabled=False)
    assert await clinic.generate() == []


async def test_a_year_of_many_groups_is_generated_at_once(clinic: Clinic) -> None:
    for number in range(5):
        await clinic.new_template(title=f"Group {number}", recurrence="FREQ=DAILY")
    made = await clinic.generate(until=TODAY + timedelta(days=364))
    assert len(made) == len(await clinic.rows(SESSION)) == 5 * 365


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-03-11", "2026-03-10"), ("2026-01-01", "2027-06-01"), ("9999-12-31", "9999-12-31")],
)
async def test_a_horizon_is_in_order_and_not_far(clinic: Clinic, since: str, until: str) -> None:
    body = {"since": since, "until": until}
    assert (await clinic.ask("Ada", "POST", "/v1/group-sessions/generation", json=body)).status_code == 422


@pytest.mark.rule("TPL-3")
async def test_sessions_are_generated_a_year_ahead_and_no_further(clinic: Clinic) -> None:
    last = TODAY + timedelta(days=366)
    body = {"since": str(last), "until": str(last + timedelta(days=1))}
    refused = await clinic.ask("Ada", "POST", "/v1/group-sessions/generation", json=body)
    assert (refused.status_code, refused.json()["errors"]) == (
        409,
        [{"pointer": "#/until", "detail": f"must be {last} or earlier"}],
    )
    assert await clinic.generate(since=last, until=last) == []


@pytest.mark.rule("SCH-2")
async def test_assigned_patients_are_expected_in_sessions_generated_later_too(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await clinic.assign(await clinic.new_schedule(template_id), clinic.patient_ids)
    later = TODAY + timedelta(weeks=5)
    assert await _roster_on(clinic, template_id, later) == [str(one) for one in clinic.patient_ids]


@pytest.mark.rule("SCH-1")
async def test_a_schedule_with_tuesday_expects_nobody_on_thursday(clinic: Clinic) -> None:
    template_id = await clinic.new_template(recurrence="FREQ=WEEKLY;BYDAY=TU,TH")
    await clinic.assign(await clinic.new_schedule(template_id, weekday=2), clinic.patient_ids)
    assert await _roster_on(clinic, template_id, TODAY + timedelta(days=2)) == []
    assert len(await _roster_on(clinic, template_id, NEXT_WEEK)) == 3


@pytest.mark.rule("SCH-2")
async def test_before_its_start_and_after_its_end_an_assignment_is_nothing(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    schedule_id = await clinic.new_schedule(template_id)
    await clinic.assign(
        schedule_id, clinic.patient_ids, starts_on=str(NEXT_WEEK), ends_on=str(NEXT_WEEK + timedelta(days=6))
    )
    sizes = [len(await _roster_on(clinic, template_id, TODAY + timedelta(weeks=week))) for week in range(3)]
    assert sizes == [0, 3, 0]


@pytest.mark.rule("SCH-2")
async def test_who_is_assigned_by_two_schedules_is_expected_once(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    for _ in range(2):
        await clinic.assign(await clinic.new_schedule(template_id), clinic.patient_ids[:1] * 2)
    assert await _roster_on(clinic, template_id, TODAY) == [str(clinic.patient_ids[0])]


@pytest.mark.rule("SCH-5")
async def test_the_dead_and_the_discharged_are_pointed_at_and_nobody_is_assigned(clinic: Clinic) -> None:
    dead = clinic.patient(7, deceased_on=date(2026, 3, 1))
    discharged = clinic.patient(8, discharged_on=date(2026, 3, 2))
    await clinic.admit(dead, discharged)
    schedule_id = await clinic.new_schedule(await clinic.new_template())
    answer = await clinic.assign(schedule_id, [clinic.patient_ids[0], dead.id, discharged.id])
    assert answer.status_code == 409
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/patient_ids/1", "#/patient_ids/2"]
    assert await clinic.rows(ASSIGNMENT) == []


@pytest.mark.rule("SCH-5")
async def test_death_takes_a_patient_out_of_future_rosters_and_leaves_past_ones(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await clinic.assign(await clinic.new_schedule(template_id), clinic.patient_ids)
    assert len(await _roster_on(clinic, template_id, TODAY)) == 3
    await clinic.admit(clinic.patient(0, deceased_on=TODAY + timedelta(days=1)))
    assert len(await _roster_on(clinic, template_id, NEXT_WEEK)) == 2
    assert len((await clinic.session(session_id_of(template_id, TODAY)))["roster"]) == 3


@pytest.mark.rule("SCH-5")
async def test_an_assignment_that_is_said_again_with_an_end_ends(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    schedule_id = await clinic.new_schedule(template_id)
    await clinic.assign(schedule_id, clinic.patient_ids)
    await clinic.assign(schedule_id, clinic.patient_ids[:2], ends_on=str(TODAY))
    assert await _roster_on(clinic, template_id, NEXT_WEEK) == [str(clinic.patient_ids[2])]


@pytest.mark.rule("SCH-2")
async def test_an_assignment_does_not_end_before_it_starts(clinic: Clinic) -> None:
    schedule_id = await clinic.new_schedule(await clinic.new_template())
    assert (await clinic.assign(schedule_id, clinic.patient_ids, ends_on="2026-03-09")).status_code == 422


async def test_a_schedule_or_patient_that_does_not_exist_is_not_found(clinic: Clinic) -> None:
    schedule_id = await clinic.new_schedule(await clinic.new_template())
    nobody = clinic.id_of("nobody")
    answers = [
        await clinic.assign(nobody, clinic.patient_ids),
        await clinic.assign(schedule_id, [*clinic.patient_ids, nobody]),
    ]
    assert [one.status_code for one in answers] == [404, 404]
    assert await clinic.rows(ASSIGNMENT) == []


@pytest.mark.rule("PERM-7")
async def test_schedules_are_assigned_by_who_may(clinic: Clinic) -> None:
    schedule_id = await clinic.new_schedule(await clinic.new_template())
    answers = {name: await clinic.assign(schedule_id, clinic.patient_ids, by=name) for name in STAFF}
    refused = {name for name, one in answers.items() if one.status_code == 403}
    assert refused == {"Ruth", "Nora", "Dora", "Fay"}
