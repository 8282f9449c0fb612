from datetime import timedelta
from uuid import UUID

import pytest

from services.sessions.metadata import LEDGER
from services.sessions.scheduling.models import SESSION
from shared.events.catalogue import SHEET_REQUESTED, parse
from shared.events.sheet import SignInSheet
from tests.integration.services.sessions.clinic import STAFF, TODAY, Clinic


async def _requested(clinic: Clinic, session_id: UUID) -> SignInSheet:
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/sign-in-sheet")
    (event,) = await clinic.rows(LEDGER.event)
    assert event.type == SHEET_REQUESTED
    sheet: SignInSheet = parse(event.body, event.type).data
    return sheet


@pytest.mark.rule("PRINT-1")
async def test_a_sheet_tells_printing_short_names_and_no_more(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    sheet = await _requested(clinic, session_id)
    assert sheet.names == ("Anna O.", "Bashir O.", "Chidi O.")
    (event,) = await clinic.rows(LEDGER.event)
    assert not any(one.last_name in event.body or one.mrn in event.body for one in clinic.patients)


@pytest.mark.rule("PRINT-1")
async def test_a_sheet_says_which_group_when_where_and_who_leads(clinic: Clinic) -> None:
    sheet = await _requested(clinic, await clinic.planned())
    assert (sheet.group_title, sheet.location_name, sheet.time_zone) == (
        "Process Group",
        "Main Street",
        "America/Chicago",
    )
    assert (sheet.leaders, sheet.starts_at) == (("Margaret Chen, LCSW",), clinic.clock())
    assert sheet.duration_minutes == 50


@pytest.mark.rule("SET-5")
async def test_a_sheet_shows_preferred_names_where_the_setting_says_so(closed_clinic: Clinic) -> None:
    await closed_clinic.open(show_preferred_name=True)
    await closed_clinic.admit(closed_clinic.patient(0, preferred_name="Annie"))
    sheet = await _requested(closed_clinic, await closed_clinic.planned())
    assert sheet.names == ("Annie O.", "Bashir O.", "Chidi O.")


@pytest.mark.rule("PRINT-5")
async def test_who_asks_is_told_where_the_job_is(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    answer = await clinic.ask("Margaret", "POST", f"/v1/group-sessions/{session_id}/sign-in-sheet")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["location"] == f"/v1/printing/jobs/{answer.json()['job_id']}"
    assert [one.consumer for one in await clinic.everything(LEDGER.delivery)] == ["printing"]


@pytest.mark.rule("PRINT-1", "DOC-2")
async def test_the_sheet_of_a_started_session_shows_its_frozen_roster(clinic: Clinic) -> None:
    session_id = await clinic.started()
    await clinic.admit(clinic.patient(0, deceased_on=clinic.clock().date() - timedelta(days=1)))
    assert len((await _requested(clinic, session_id)).names) == 3


@pytest.mark.rule("PERM-7")
async def test_sheets_are_for_who_sees_sessions(clinic: Clinic) -> None:
    path = f"/v1/group-sessions/{await clinic.planned()}/sign-in-sheet"
    statuses = {name: (await clinic.ask(name, "POST", path)).status_code for name in STAFF}
    refused = {name for name, status in statuses.items() if status == 403}
    assert refused == {"Tess", "Nora", "Dora", "Fay"}


@pytest.mark.rule("PRINT-1")
async def test_a_cancelled_session_has_no_sheet(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await clinic.generate()
    (session,) = [one for one in await clinic.everything(SESSION) if one.held_on == TODAY]
    await clinic.do(
        "Ada", "PUT", f"/v1/templates/{template_id}/occurrences/{TODAY}", json={"cancelled": True}
    )
    answer = await clinic.ask("Margaret", "POST", f"/v1/group-sessions/{session.id}/sign-in-sheet")
    assert (answer.status_code, "cancelled" in answer.json()["detail"]) == (409, True)
    assert SHEET_REQUESTED not in {one.type for one in await clinic.everything(LEDGER.event)}
