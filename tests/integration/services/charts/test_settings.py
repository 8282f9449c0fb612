"""What an instance has chosen to show, kept from its events (SET-3, SET-4, SET-7)."""

from typing import Any

import pytest

from services.charts.domain import SEES_SESSIONS
from services.charts.schemas import AttendanceTotals, NotePage
from shared.events.catalogue import SESSION_RETRACTED, SETTINGS_CHANGED
from shared.events.record import Attendance, GroupFacts, SessionRecord
from shared.events.settings import InstanceSettingsChanged
from shared.events.staff import Role
from shared.identifiers import new_id
from shared.testing.corrections import documented_again, retraction_of
from shared.testing.records import CLINIC, OTHER_CLINIC, a_parcel, a_patient, a_session_record, enveloped
from tests.integration.services.charts.conftest import Charts

ALL_ON = {"view_individual_group_sessions": True, "show_attendance_in_chart": True}
PATIENT = a_patient(0).patient_id


def chosen(version: int = 1, **changes: Any) -> InstanceSettingsChanged:
    facts: dict[str, Any] = {
        "version": version,
        "use_group_sessions": True,
        "view_individual_group_sessions": False,
        "show_attendance_in_chart": False,
        "show_preferred_name": False,
        "integrated_billing": None,
    }
    return InstanceSettingsChanged(**facts | changes)


async def choose(charts: Charts, version: int = 1, **changes: Any) -> None:
    await charts.hear(chosen(version, **changes), event_type=SETTINGS_CHANGED)


def a_meeting(title: str, attendance: Attendance = Attendance.PRESENT) -> SessionRecord:
    group = GroupFacts(template_id=new_id(), title=title)
    return a_session_record(participants=(a_patient(0, attendance=attendance),), group=group)


@pytest.mark.rule("SET-3", "SET-4")
@pytest.mark.parametrize("told", [True, False], ids=["switched off", "nothing heard"])
async def test_what_is_switched_off_is_refused_by_name(charts: Charts, told: bool) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    if told:
        await choose(charts)
    paths = (f"/patients/{PATIENT}/attendance", f"/sessions/{new_id()}/individual-notes")
    answers = [await charts.ask(path) for path in paths]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert {answer.json()["type"].rpartition("/")[2] for answer in answers} == {"switched-off"}
    assert [entry.outcome for entry in await charts.audit()] == ["refused", "refused"]


@pytest.mark.rule("SET-7")
async def test_a_change_takes_effect_by_its_event_alone_and_an_older_one_changes_nothing(
    charts: Charts,
) -> None:
    await charts.hire(Role.NURSE)
    path, seen = f"/patients/{PATIENT}/attendance", []
    for version, on in ((2, True), (1, False), (3, False), (2, True)):
        await choose(charts, version, show_attendance_in_chart=on)
        seen.append((await charts.ask(path)).status_code)
    assert seen == [200, 200, 403, 403]


@pytest.mark.rule("SET-7")
async def test_of_two_versions_in_one_parcel_the_newer_stays(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    events = [chosen(2, **ALL_ON), chosen(1)]
    await charts.consuming.receive(a_parcel([enveloped(one, event_type=SETTINGS_CHANGED) for one in events]))
    assert (await charts.ask(f"/patients/{PATIENT}/attendance")).status_code == 200


async def test_each_instance_chooses_for_itself(charts: Charts) -> None:
    await charts.hire(Role.NURSE, instance_id=CLINIC)
    await charts.hear(chosen(**ALL_ON), event_type=SETTINGS_CHANGED, instance_id=OTHER_CLINIC)
    assert (await charts.ask(f"/patients/{PATIENT}/attendance")).status_code == 403


@pytest.mark.rule("SET-4", "DOC-6")
async def test_attendance_is_counted_per_group_without_what_was_entered_in_error(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    await choose(charts, **ALL_ON)
    first, void = a_meeting("Process Group"), a_meeting("Relapse Prevention", Attendance.ABSENT)
    second = a_session_record(participants=first.participants, group=first.group)
    missed = a_session_record(participants=void.participants, group=first.group)
    await charts.hear(retraction_of(void), event_type=SESSION_RETRACTED)
    await charts.hear(first, second, missed, void, documented_again(void, participants=first.participants))
    answer = await charts.ask(f"/patients/{PATIENT}/attendance")
    totals = AttendanceTotals.model_validate_json(answer.content)
    assert {one.group_title: (one.present, one.absent) for one in totals.groups} == {
        "Process Group": (2, 1),
        "Relapse Prevention": (1, 0),
    }


@pytest.mark.rule("SET-3")
async def test_the_session_view_shows_each_note_exactly_as_its_chart_does(charts: Charts) -> None:
    await charts.hire(Role.THERAPIST)
    await choose(charts, **ALL_ON)
    record = a_session_record(present=3, absent=1)
    await charts.hear(record, a_session_record())
    shown = await charts.ask(f"/sessions/{record.session_id}/individual-notes")
    assert len(NotePage.model_validate_json(shown.content).items) == 4
    for note in shown.json()["items"]:
        assert (await charts.ask(f"/notes/{note['note_id']}")).json() == note


@pytest.mark.rule("SET-3", "PERM-8")
async def test_each_patient_whose_note_was_shown_is_in_the_audit_trail(charts: Charts) -> None:
    await charts.hire(Role.THERAPIST)
    await choose(charts, **ALL_ON)
    record = a_session_record(present=2, absent=1)
    await charts.hear(record)
    path = f"/sessions/{record.session_id}/individual-notes?limit=2"
    first = (await charts.ask(path)).json()
    second = (await charts.ask(f"{path}&cursor={first['next']}")).json()
    named = {entry.patient_id for entry in await charts.audit()} - {None}
    assert named == {one.patient_id for one in record.participants}
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)


@pytest.mark.rule("SET-3", "PERM-7")
@pytest.mark.parametrize("role", sorted(Role))
async def test_the_session_view_is_for_those_who_see_sessions(charts: Charts, role: Role) -> None:
    await charts.hire(role)
    await choose(charts, **ALL_ON)
    answer = await charts.ask(f"/sessions/{new_id()}/individual-notes")
    assert answer.status_code == (200 if role in SEES_SESSIONS else 403)
