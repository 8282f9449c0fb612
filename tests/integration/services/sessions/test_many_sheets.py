"""Sheets of a day, a week and a schedule in one file, and sheets that are asked for ahead."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.sessions.documentation.models import PREPARED_SHEET
from services.sessions.documentation.preparing import SheetPreparing
from services.sessions.metadata import LEDGER
from services.sessions.scheduling.domain import session_id_of
from services.sessions.scheduling.planning import Planner
from services.sessions.scheduling.sweeping import Sweeper
from shared.events.catalogue import SHEET_REQUESTED, SHEETS_REQUESTED, parse
from shared.events.sheet import Paper, SignInSheet, SignInSheets
from shared.identifiers import new_id
from tests.integration.services.sessions.clinic import STAFF, TODAY, Clinic

WEEK = "2026-W11"
HOURS_AHEAD = 24


async def _asked(clinic: Clinic, **choice: Any) -> SignInSheets:
    await clinic.do("Margaret", "POST", "/v1/sign-in-sheets", json=choice)
    (event,) = [one for one in await clinic.rows(LEDGER.event) if one.type == SHEETS_REQUESTED]
    asked: SignInSheets = parse(event.body, event.type).data
    return asked


async def _two_groups(clinic: Clinic) -> tuple[UUID, UUID]:
    """Plan two weeks of one group on Tuesdays and of one on Thursdays; give their templates."""
    tuesdays = await clinic.new_template(title="Process Group")
    thursdays = await clinic.new_template(title="Grief", recurrence="FREQ=WEEKLY;BYDAY=TH")
    await clinic.generate(since=TODAY, until=TODAY + timedelta(days=13))
    return tuesdays, thursdays


def _groups(asked: SignInSheets) -> list[str]:
    return [f"{one.starts_at:%a %d} {one.group_title}" for one in asked.sheets]


@pytest.mark.rule("PRINT-2")
async def test_the_sheets_of_a_day_are_one_job(clinic: Clinic) -> None:
    ids = [await clinic.planned(title=title) for title in ("Process Group", "Grief")]
    asked = await _asked(clinic, location_id=str(clinic.location_id), date=str(TODAY))
    assert [one.session_id for one in asked.sheets] == ids
    assert {one.job_id for one in asked.sheets} == {asked.job_id}
    assert [one.names for one in asked.sheets] == [("Anna O.", "Bashir O.", "Chidi O.")] * 2


@pytest.mark.rule("PRINT-2")
async def test_the_sheets_of_a_week_are_of_monday_to_sunday(clinic: Clinic) -> None:
    await _two_groups(clinic)
    asked = await _asked(clinic, location_id=str(clinic.location_id), week=WEEK)
    assert _groups(asked) == ["Tue 10 Process Group", "Thu 12 Grief"]


@pytest.mark.rule("PRINT-2")
async def test_the_sheets_of_a_schedule_are_of_its_own_occurrences(clinic: Clinic) -> None:
    _, thursdays = await _two_groups(clinic)
    schedule_id = await clinic.new_schedule(thursdays, weekday=4)
    asked = await _asked(clinic, schedule_template_id=str(schedule_id), week=WEEK)
    assert _groups(asked) == ["Thu 12 Grief"]


@pytest.mark.rule("PRINT-2")
async def test_one_session_can_be_asked_for_the_same_way(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    body = {"session_id": str(session_id)}
    answer = await clinic.ask("Margaret", "POST", "/v1/sign-in-sheets", json=body)
    (event,) = await clinic.rows(LEDGER.event)
    assert (answer.status_code, event.type, event.subject) == (202, SHEET_REQUESTED, str(session_id))


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"week": WEEK},
        {"location_id": str(new_id())},
        {"location_id": str(new_id()), "week": "2026-W54"},
        {"location_id": str(new_id()), "week": WEEK, "date": str(TODAY)},
        {"schedule_template_id": str(new_id()), "date": str(TODAY)},
    ],
    ids=["nothing", "week alone", "no days", "no such week", "week and date", "schedule of a day"],
)
async def test_anything_but_one_choice_is_refused(clinic: Clinic, choice: dict[str, str]) -> None:
    answer = await clinic.ask("Margaret", "POST", "/v1/sign-in-sheets", json=choice)
    assert answer.status_code == 422


async def test_days_without_a_session_are_refused(clinic: Clinic) -> None:
    body = {"location_id": str(clinic.location_id), "date": str(TODAY)}
    answer = await clinic.ask("Margaret", "POST", "/v1/sign-in-sheets", json=body)
    assert (answer.status_code, await clinic.rows(LEDGER.event)) == (409, [])


async def test_a_location_that_is_not_here_is_not_found(clinic: Clinic) -> None:
    body = {"location_id": str(new_id()), "date": str(TODAY)}
    answer = await clinic.ask("Margaret", "POST", "/v1/sign-in-sheets", json=body)
    assert answer.status_code == 404


@pytest.mark.rule("PERM-7")
async def test_many_sheets_are_for_who_sees_sessions(clinic: Clinic) -> None:
    await clinic.planned()
    body = {"location_id": str(clinic.location_id), "date": str(TODAY)}
    statuses = {
        name: (await clinic.ask(name, "POST", "/v1/sign-in-sheets", json=body)).status_code for name in STAFF
    }
    assert {name for name, status in statuses.items() if status == 403} == {"Tess", "Nora", "Dora", "Fay"}


@pytest.mark.rule("PRINT-4")
async def test_the_paper_is_the_locations(clinic: Clinic) -> None:
    path = f"/v1/directory/locations/{clinic.location_id}"
    session_id = await clinic.planned()
    headers = {"If-Match": '"1"'}
    await clinic.do("Ada", "PATCH", path, json={"paper": "A4"}, headers=headers)
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/sign-in-sheet")
    (event,) = await clinic.rows(LEDGER.event)
    assert parse(event.body, event.type).data.paper is Paper.A4


async def _sweep(clinic: Clinic) -> list[SignInSheet]:
    """Let the planner pass, and give all sheets that it has asked for so far."""
    sweeper = Sweeper(
        database=clinic.database,
        plan=Planner(horizon_days=14),
        then=(SheetPreparing(hours_ahead=HOURS_AHEAD),),
        every_seconds=300,
        clock=clinic.clock,
    )
    await sweeper.sweep(asyncio.Event())
    events = [one for one in await clinic.rows(LEDGER.event) if one.type == SHEET_REQUESTED]
    return [parse(one.body, one.type).data for one in events]


@pytest.mark.rule("PRINT-2")
async def test_the_sheet_of_a_session_that_starts_soon_is_asked_for_once(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    (sheet,) = await _sweep(clinic)
    assert sheet.session_id == session_id_of(template_id, TODAY)
    assert await _sweep(clinic) == [sheet]


@pytest.mark.rule("PRINT-2")
async def test_a_sheet_is_asked_for_again_when_something_on_it_has_changed(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await _sweep(clinic)
    await clinic.assign(await clinic.new_schedule(template_id), clinic.patient_ids)
    first, second = await _sweep(clinic)
    assert (first.names, len(second.names)) == ((), 3)
    assert first.job_id != second.job_id


@pytest.mark.rule("PRINT-2")
async def test_a_session_of_a_later_day_waits(clinic: Clinic) -> None:
    await clinic.new_template(first_on=str(TODAY + timedelta(days=7)))
    assert await _sweep(clinic) == []
    clinic.clock.forward(days=6, hours=1)
    assert len(await _sweep(clinic)) == 1


@pytest.mark.rule("PRINT-2")
async def test_a_session_that_has_started_needs_no_sheet_any_more(clinic: Clinic) -> None:
    await clinic.started()
    assert await _sweep(clinic) == []


@pytest.mark.rule("SET-2")
async def test_nothing_is_asked_for_while_the_feature_is_off(clinic: Clinic) -> None:
    await clinic.planned()
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"use_group_sessions": False})
    assert await _sweep(clinic) == []
    assert await clinic.rows(PREPARED_SHEET) == []
