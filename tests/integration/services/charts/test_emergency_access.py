"""Break-glass: one patient's chart is read without the role for it, for a while, and it is written down."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.charts.access import Purpose
from shared.events.catalogue import EMERGENCY_ACCESS_ENDED, EMERGENCY_ACCESS_OPENED
from shared.events.emergency import EmergencyAccess
from shared.events.staff import Role
from shared.identifiers import new_id
from shared.testing.records import MARGARET, OTHER_CLINIC, a_session_record
from tests.integration.services.charts.conftest import NOW, Charts

PATIENT, ANOTHER = (one.patient_id for one in a_session_record().participants[:2])
LATER = NOW + timedelta(hours=1)


def _access(
    until: datetime = LATER, *, patient_id: UUID = PATIENT, access_id: UUID | None = None
) -> EmergencyAccess:
    return EmergencyAccess(
        access_id=access_id or new_id(), user_id=MARGARET, patient_id=patient_id, until=until
    )


async def _statuses(charts: Charts) -> set[int]:
    (note,) = [one for one in await charts.notes() if one.patient_id == PATIENT]
    paths = [
        f"/notes/{note.id}",
        f"/notes/{note.id}.html",
        f"/notes/{note.id}/history",
        f"/patients/{PATIENT}/notes",
        f"/fhir/DocumentReference/{note.id}",
    ]
    return {(await charts.ask(path)).status_code for path in paths}


@pytest.fixture
async def office(charts: Charts) -> Charts:
    """A filed session, and Margaret who works at the front office and may read no chart."""
    await charts.hire(Role.FRONT_OFFICE)
    await charts.hear(a_session_record())
    assert await _statuses(charts) == {403}
    return charts


@pytest.mark.rule("PERM-8")
async def test_it_opens_one_chart_and_the_trail_says_so(office: Charts) -> None:
    await office.hear(_access(), event_type=EMERGENCY_ACCESS_OPENED)
    assert await _statuses(office) == {200}
    *_, last = await office.audit()
    assert (last.action.split(".")[0], last.purpose, last.patient_id) == (
        "emergency",
        Purpose.ETREAT,
        PATIENT,
    )


async def test_it_opens_no_other_chart_no_session_and_nothing_to_write(office: Charts) -> None:
    await office.hear(_access(), event_type=EMERGENCY_ACCESS_OPENED)
    record = a_session_record()
    others = [one.id for one in await office.notes() if one.patient_id == ANOTHER]
    reads = [
        f"/notes/{others[0]}",
        f"/patients/{ANOTHER}/notes",
        f"/sessions/{record.session_id}/individual-notes",
        f"/sessions/{record.session_id}/filing",
        "/tabs",
    ]
    assert {(await office.ask(path)).status_code for path in reads} == {403}
    body = {"kind": "group_sessions", "name": "Groups"}
    assert (await office.ask("/tabs", method="POST", body=body)).status_code == 403


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(minutes=1)])
async def test_after_its_time_it_opens_nothing(office: Charts, until: datetime) -> None:
    await office.hear(_access(until), event_type=EMERGENCY_ACCESS_OPENED)
    assert await _statuses(office) == {403}


@pytest.mark.rule("DIST-1")
@pytest.mark.parametrize("end_comes_first", [False, True])
async def test_an_early_end_holds_in_any_order(office: Charts, end_comes_first: bool) -> None:
    opened = _access()
    ended = opened.model_copy(update={"until": NOW - timedelta(minutes=1)})
    told = [(opened, EMERGENCY_ACCESS_OPENED), (ended, EMERGENCY_ACCESS_ENDED)]
    for facts, event_type in reversed(told) if end_comes_first else told:
        await office.hear(facts, event_type=event_type)
    assert await _statuses(office) == {403}


async def test_it_is_of_one_clinic_alone(office: Charts) -> None:
    await office.hear(_access(), event_type=EMERGENCY_ACCESS_OPENED, instance_id=OTHER_CLINIC)
    assert await _statuses(office) == {403}
