import pytest

from services.sessions.configuration.use_cases import found_instance
from services.sessions.directory.models import PATIENT
from services.sessions.documentation.models import ROSTER_ENTRY, SIGNATURE
from services.sessions.metadata import LEDGER
from services.sessions.scheduling.models import ASSIGNMENT, SESSION
from services.sessions.templates.models import SCHEDULE, TEMPLATE
from shared.events.catalogue import SETTINGS_CHANGED, SHEET_REQUESTED, parse
from shared.events.settings import InstanceSettingsChanged
from shared.events.sheet import SignInSheet
from tests.integration.services.sessions.clinic import TODAY, Clinic

KEPT = (PATIENT, ROSTER_ENTRY, SIGNATURE, ASSIGNMENT, SESSION, SCHEDULE, TEMPLATE)


async def _told(clinic: Clinic) -> list[InstanceSettingsChanged]:
    events = await clinic.everything(LEDGER.event)
    return [parse(one.body, one.type).data for one in events if one.type == SETTINGS_CHANGED]


@pytest.mark.rule("SET-7")
async def test_a_change_is_told_in_its_own_transaction(clinic: Clinic) -> None:
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"show_attendance_in_chart": True})
    (told,) = await _told(clinic)
    assert (told.version, told.show_attendance_in_chart, told.use_group_sessions) == (2, True, True)
    owed = await clinic.everything(LEDGER.delivery)
    assert sorted(one.consumer for one in owed) == ["charts"]


@pytest.mark.rule("SET-7")
async def test_a_founded_instance_is_told_of(closed_clinic: Clinic) -> None:
    await found_instance(closed_clinic.database, name="Harbor", clock=closed_clinic.clock)
    assert [one.version for one in await _told(closed_clinic)] == [1]


@pytest.mark.rule("SET-1", "SET-7")
async def test_a_refused_change_is_told_to_nobody(clinic: Clinic) -> None:
    answer = await clinic.ask("Rosa", "PATCH", "/v1/settings", json={"show_attendance_in_chart": True})
    assert (answer.status_code, await _told(clinic)) == (403, [])


@pytest.mark.rule("SET-7")
async def test_a_change_of_an_older_version_is_stale(clinic: Clinic) -> None:
    read = (await clinic.ask("Ada", "GET", "/v1/settings")).headers["etag"]
    change = {"show_attendance_in_chart": True}
    first = await clinic.ask("Ada", "PATCH", "/v1/settings", json=change, headers={"If-Match": read})
    second = await clinic.ask("Ada", "PATCH", "/v1/settings", json=change, headers={"If-Match": read})
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.headers["etag"] == first.headers["etag"]


@pytest.mark.rule("SET-2")
async def test_off_and_on_again_leaves_every_row_as_it_was(clinic: Clinic) -> None:
    await clinic.sign(await clinic.documented())
    await clinic.planned(title="Tomorrow's", starts_at="15:00")
    before = [await clinic.rows(table) for table in KEPT]
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"use_group_sessions": False})
    assert (await clinic.ask("Ada", "POST", "/v1/templates", json=clinic.template_body())).status_code == 409
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"use_group_sessions": True})
    assert [await clinic.rows(table) for table in KEPT] == before
    day = await clinic.do("Ada", "GET", f"/v1/group-sessions?location_id={clinic.location_id}&date={TODAY}")
    assert (len(day["upcoming"]), len(day["in_progress_or_completed"])) == (1, 1)


@pytest.mark.rule("SET-5")
async def test_a_preferred_name_is_on_the_sheet_where_the_setting_says_so(clinic: Clinic) -> None:
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"show_preferred_name": True})
    patient, other = clinic.patients[0], clinic.patients[1]
    await clinic.do(
        "Ada",
        "PATCH",
        f"/v1/directory/patients/{patient.id}",
        json={"preferred_name": "Zaza"},
        headers={"If-Match": "*"},
    )
    session_id = await clinic.planned()
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/sign-in-sheet")
    (event,) = [one for one in await clinic.rows(LEDGER.event) if one.type == SHEET_REQUESTED]
    sheet: SignInSheet = parse(event.body, event.type).data
    assert f"Zaza {patient.last_name[0]}." in str(sheet)
    assert f"{other.first_name} {other.last_name[0]}." in str(sheet)
