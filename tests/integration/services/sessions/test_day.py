"""The day view of a location."""

from datetime import timedelta
from itertools import chain
from typing import Any, Final
from uuid import UUID, uuid5

import pytest
from sqlalchemy import insert

from services.sessions.documentation.list_answers import DayAnswer
from services.sessions.documentation.repository import change_session, freeze_roster, load_session
from services.sessions.scheduling.domain import PlannedSession
from services.sessions.scheduling.models import ASSIGNMENT
from services.sessions.scheduling.repository import add_sessions
from shared.testing.records import TUESDAY
from tests.integration.services.sessions.clinic import TODAY, Clinic
from tests.integration.services.sessions.statements import counted_statements

PATIENTS: Final = 25
SESSIONS: Final = 200


async def _day(clinic: Clinic, query: str = f"&date={TODAY}", *, who: str = "Margaret") -> dict[str, Any]:
    path = f"/v1/group-sessions?location_id={clinic.location_id}{query}"
    day: dict[str, Any] = await clinic.do(who, "GET", path)
    return day


def _titles(day: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [one["title"] for one in rows] for name, rows in day.items() if isinstance(rows, list)}


@pytest.mark.rule("DOC-1")
async def test_what_is_upcoming_is_sorted_by_start_then_title(clinic: Clinic) -> None:
    for title, starts_at in [("Yoga", "09:00"), ("Art", "09:00"), ("Morning", "08:00"), ("Late", "18:00")]:
        await clinic.new_template(title=title, starts_at=starts_at)
    assert _titles(await _day(clinic))["upcoming"] == ["Morning", "Art", "Yoga", "Late"]


@pytest.mark.rule("DOC-1")
async def test_each_session_is_in_the_group_of_its_status(clinic: Clinic) -> None:
    await clinic.planned(title="Upcoming")
    await clinic.started(title="Started")
    await clinic.sign(await clinic.documented(title="Completed"))
    await clinic.sign(await clinic.documented(title="Reviewed", by="Ivy", leaders=["Ivy"]), by="Ivy")
    gone = await clinic.new_template(title="Gone", starts_at="20:00")
    await clinic.do("Ada", "DELETE", f"/v1/templates/{gone}")
    assert _titles(await _day(clinic)) == {
        "upcoming": ["Upcoming"],
        "in_progress_or_completed": ["Started", "Completed"],
        "pending_review": ["Reviewed"],
        "cancelled": ["Gone"],
    }


@pytest.mark.rule("DOC-1")
async def test_a_row_has_what_a_front_end_draws(clinic: Clinic) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Tom"], capacity=8)
    (seen,) = (await _day(clinic))["in_progress_or_completed"]
    session = await clinic.session(session_id)
    assert [one["first_name"] for one in seen.pop("leaders")] == ["Margaret", "Tom"]
    assert seen == {
        "template_id": session["template_id"],
        "id": str(session_id),
        "title": "Process Group",
        "topic": "Coping with cravings",
        "status": "in_progress",
        "starts_at": f"{TODAY}T09:00:00-05:00",
        "duration_minutes": 50,
        "version": session["version"],
        "modality": "in_person",
        "capacity": 8,
        "roster_size": 3,
    }


async def test_the_day_is_as_it_is_described(clinic: Clinic) -> None:
    await clinic.documented(leaders=["Margaret", "Tom"])
    await clinic.planned(capacity=2)
    day = await _day(clinic)
    assert DayAnswer.model_validate(day).model_dump(mode="json").keys() == day.keys()


@pytest.mark.rule("DOC-1", "SCH-6")
async def test_who_waits_for_a_place_is_not_expected(clinic: Clinic) -> None:
    await clinic.planned(capacity=2)
    await clinic.planned(title="Without a limit")
    assert [one["roster_size"] for one in (await _day(clinic))["upcoming"]] == [2, 3]


@pytest.mark.rule("DOC-1", "DOC-2")
async def test_the_size_is_the_frozen_roster_from_the_start_on(clinic: Clinic) -> None:
    await clinic.started()
    gone = clinic.patient(0, discharged_on=TODAY)
    await clinic.admit(gone)
    (seen,) = (await _day(clinic))["in_progress_or_completed"]
    assert seen["roster_size"] == 3


@pytest.mark.rule("DOC-1")
async def test_a_late_evening_is_on_the_date_of_the_location(clinic: Clinic) -> None:
    await clinic.new_template(starts_at="22:00")
    (seen,) = (await _day(clinic))["upcoming"]
    assert seen["starts_at"] == f"{TODAY}T22:00:00-05:00"


@pytest.mark.rule("DOC-1")
async def test_today_is_the_date_at_the_location(clinic: Clinic) -> None:
    clinic.clock.moment = TUESDAY.replace(hour=3) + timedelta(days=1)
    day = await _day(clinic, "")
    assert (day["date"], day["time_zone"]) == (str(TODAY), "America/Chicago")


@pytest.mark.rule("DOC-1")
async def test_the_day_can_be_narrowed(clinic: Clinic) -> None:
    await clinic.started(title="Started")
    await clinic.planned(title="Tom's", leaders=["Tom"])
    template_id = await clinic.new_template(title="Third", starts_at="20:00")
    seen = {
        query: sorted(chain(*_titles(await _day(clinic, query)).values()))
        for query in (
            f"&leader_id={clinic.id_of('Tom')}",
            f"&template_id={template_id}",
            "&status=in_progress",
            "&status=in_progress&status=upcoming",
        )
    }
    assert list(seen.values()) == [["Tom's"], ["Third"], ["Started"], ["Started", "Third", "Tom's"]]


async def test_a_location_of_somewhere_else_is_not_found(clinic: Clinic, other_clinic: Clinic) -> None:
    path = f"/v1/group-sessions?location_id={other_clinic.location_id}"
    assert (await clinic.ask("Margaret", "GET", path)).status_code == 404


@pytest.mark.parametrize("ending", ["&status=asleep", "&date=today", "&leader=me"])
async def test_a_filter_that_is_not_known_is_refused(clinic: Clinic, ending: str) -> None:
    path = f"/v1/group-sessions?location_id={clinic.location_id}{ending}"
    assert (await clinic.ask("Margaret", "GET", path)).status_code == 422


async def _fill_day(clinic: Clinic, template_id: UUID, numbers: range) -> None:
    """Add sessions, every second one started, each with all patients of the clinic."""
    sessions = [
        PlannedSession(
            id=uuid5(template_id, str(number)),
            template_id=template_id,
            location_id=clinic.location_id,
            held_on=TODAY,
            title=f"Group {number}",
            starts_at=TUESDAY,
            duration_minutes=50,
            leader_ids=(clinic.id_of("Margaret"), clinic.id_of("Tom")),
        )
        for number in numbers
    ]
    async with clinic.database.writing(clinic.instance_id) as db:
        await add_sessions(db, sessions)
        for one in sessions[::2]:
            session = await load_session(db, one.id)
            await freeze_roster(db, session, one.id, clinic.patient_ids)
            await change_session(db, session, {"status": "in_progress", "documentation_id": one.id})


async def _enrol_all(clinic: Clinic, template_id: UUID) -> None:
    rows = [
        {
            "id": uuid5(template_id, str(patient_id)),
            "instance_id": clinic.instance_id,
            "patient_id": patient_id,
            "template_id": template_id,
            "location_id": clinic.location_id,
            "starts_on": TODAY,
            "assigned_at": TUESDAY,
        }
        for patient_id in clinic.patient_ids
    ]
    async with clinic.database.writing(clinic.instance_id) as db:
        await db.execute(insert(ASSIGNMENT), rows)


async def test_two_hundred_sessions_take_as_many_statements_as_two(closed_clinic: Clinic) -> None:
    clinic = closed_clinic
    await clinic.open(patients=PATIENTS)
    template_id = await clinic.new_template(recurrence="FREQ=WEEKLY;BYDAY=MO")
    await _enrol_all(clinic, template_id)
    await _fill_day(clinic, template_id, range(2))
    with counted_statements(clinic) as few:
        await _day(clinic)
    await _fill_day(clinic, template_id, range(2, SESSIONS))
    with counted_statements(clinic) as many:
        day = await _day(clinic)
    sizes = [one["roster_size"] for rows in day.values() if isinstance(rows, list) for one in rows]
    assert sizes == [PATIENTS] * SESSIONS
    # Access, versions, location, sessions, leaders, trail; SQLite's BEGIN is one of its own.
    assert len(many) == len(few) <= 7
