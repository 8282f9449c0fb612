"""The Group Sessions tab: created by switching on, renamed, refused twice, deleted, brought back (TAB)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.charts.tabs.domain import LAST_POSITION
from services.charts.tabs.schemas import TabAnswer, TabList
from shared.events.catalogue import SESSION_RETRACTED, SETTINGS_CHANGED
from shared.events.record import LocationFacts
from shared.events.staff import Role
from shared.identifiers import new_id
from shared.testing.corrections import retraction_of
from shared.testing.records import OTHER_CLINIC, TUESDAY, a_patient, a_session_record
from shared.web.instance_settings import NOTHING_HEARD
from tests.integration.services.charts.conftest import Charts

PATIENT = a_patient(0).patient_id
CHART = f"/patients/{PATIENT}/notes"
IN_CHART = f"/patients/{PATIENT}/tabs"
A_TAB = {"name": "Groups", "kind": "group_sessions"}


async def switch(charts: Charts, version: int, *, on: bool) -> None:
    change = NOTHING_HEARD.model_copy(update={"version": version, "use_group_sessions": on})
    await charts.hear(change, event_type=SETTINGS_CHANGED)


async def the_tab(charts: Charts) -> dict[str, Any]:
    (tab,) = (await charts.ask("/tabs")).json()["items"]
    shown: dict[str, Any] = tab
    return shown


async def change(charts: Charts, tab: dict[str, Any], **changes: Any) -> Any:
    body = {name: tab[name] for name in ("name", "enabled", "order", "location_ids")} | changes
    headers = {"If-Match": f'"{tab["version"]}"'}
    return await charts.ask(f"/tabs/{tab['id']}", method="PUT", body=body, headers=headers)


async def delete(charts: Charts, tab: dict[str, Any]) -> Any:
    headers = {"If-Match": f'"{tab["version"]}"'}
    return await charts.ask(f"/tabs/{tab['id']}", method="DELETE", headers=headers)


async def listed(charts: Charts) -> list[str]:
    return [one["note_id"] for one in (await charts.ask(CHART)).json()["items"]]


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


@pytest.mark.rule("TAB-1")
async def test_switching_on_puts_the_tab_into_every_chart(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    for patient_id in (PATIENT, new_id()):
        shown = await charts.ask(f"/patients/{patient_id}/tabs")
        (tab,) = TabList.model_validate_json(shown.content).items
        assert (tab.name, tab.kind, tab.enabled) == ("Group Sessions", "group_sessions", True)


@pytest.mark.rule("TAB-1", "TAB-4")
async def test_a_change_of_another_setting_brings_no_deleted_tab_back(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    await delete(charts, await the_tab(charts))
    await switch(charts, 1, on=True)
    assert (await charts.ask("/tabs")).json() == {"items": []}


@pytest.mark.rule("TAB-1", "SET-2")
async def test_switching_off_and_on_again_brings_the_tab_back_as_it_was(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    await change(charts, await the_tab(charts), name="Groups")
    await switch(charts, 1, on=False)
    assert (await charts.ask(IN_CHART)).json() == {"items": []}
    await switch(charts, 2, on=True)
    assert [one["name"] for one in (await charts.ask(IN_CHART)).json()["items"]] == ["Groups"]


@pytest.mark.rule("TAB-2")
async def test_the_tab_is_renamed_in_the_patient_settings(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    answer = await change(charts, await the_tab(charts), name="Our Groups", order=3)
    renamed = TabAnswer.model_validate_json(answer.content)
    assert (renamed.name, renamed.order, renamed.kind, renamed.version) == (
        "Our Groups",
        3,
        "group_sessions",
        2,
    )
    assert answer.headers["etag"] == '"2"'
    assert (await the_tab(charts)) == answer.json()


@pytest.mark.rule("TAB-2")
async def test_tabs_are_shown_in_their_order(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    for name, order in (("Labs", None), ("Intake", 0), ("Vitals", 7)):
        body = {"name": name, "kind": "standard", "order": order}
        assert (await charts.ask("/tabs", method="POST", body=body)).status_code == 201
    items = (await charts.ask(IN_CHART)).json()["items"]
    assert [(one["name"], one["order"]) for one in items] == [
        ("Group Sessions", 0),
        ("Intake", 0),
        ("Labs", 1),
        ("Vitals", 7),
    ]


@pytest.mark.rule("TAB-3")
async def test_a_second_tab_of_the_kind_is_refused(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    answers = [await charts.ask("/tabs", method="POST", body=A_TAB | {"enabled": on}) for on in (True, False)]
    assert [problem(one) for one in answers] == [(409, "conflict")] * 2
    assert (await the_tab(charts))["name"] == "Group Sessions"


@pytest.mark.rule("TAB-3")
async def test_of_many_created_at_once_one_stays(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    await delete(charts, await the_tab(charts))
    answers = await asyncio.gather(*(charts.ask("/tabs", method="POST", body=A_TAB) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]


@pytest.mark.rule("TAB-4", "TAB-5")
async def test_a_deleted_tab_takes_no_note_with_it_and_a_new_one_brings_all_back(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    await charts.hear(*(a_session_record(present=1, absent=0) for _ in range(3)))
    before, stored = await listed(charts), await charts.notes()
    await delete(charts, await the_tab(charts))
    assert problem(await charts.ask(CHART)) == (404, "tab-missing")
    assert (await charts.ask(f"/notes/{before[0]}")).status_code == 200
    await charts.hear(a_session_record(present=1, absent=0))
    made = await charts.ask("/tabs", method="POST", body=A_TAB)
    assert set(await listed(charts)) > set(before)
    assert made.headers["location"] == f"/v1/charts/tabs/{made.json()['id']}"
    assert set(stored) < set(await charts.notes())


@pytest.mark.rule("TAB-4", "TAB-5")
async def test_what_was_documented_before_switching_off_is_back_after_switching_on(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    await charts.hear(a_session_record(present=1, absent=0))
    before = await listed(charts)
    await switch(charts, 1, on=False)
    assert problem(await charts.ask(CHART)) == (403, "switched-off")
    await switch(charts, 2, on=True)
    assert await listed(charts) == before != []


@pytest.mark.rule("TAB-2")
async def test_a_disabled_tab_is_in_no_chart(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    await change(charts, await the_tab(charts), enabled=False)
    assert (await charts.ask(IN_CHART)).json() == {"items": []}
    assert problem(await charts.ask(CHART)) == (403, "switched-off")


@pytest.mark.rule("TAB-2")
async def test_a_tab_of_one_location_is_in_the_charts_of_its_patients(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    here, there = (
        LocationFacts(location_id=new_id(), name=name, time_zone="UTC") for name in ("Here", "There")
    )
    elsewhere = a_patient(1)
    await charts.hear(
        a_session_record(participants=(a_patient(0),), location=here),
        a_session_record(participants=(elsewhere,), location=there),
    )
    await change(charts, await the_tab(charts), location_ids=[str(here.location_id)])
    answers = [
        await charts.ask(f"/patients/{one}/notes") for one in (PATIENT, elsewhere.patient_id, new_id())
    ]
    assert [one.status_code for one in answers] == [200, 404, 200]


@pytest.mark.rule("TAB-2", "DOC-6")
async def test_a_session_entered_in_error_tells_no_location(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    here, there = (
        LocationFacts(location_id=new_id(), name=name, time_zone="UTC") for name in ("Here", "There")
    )
    later = TUESDAY + timedelta(days=1)
    wrong = a_session_record(
        participants=(a_patient(0),),
        location=there,
        started_at=later,
        ended_at=later + timedelta(minutes=50),
    )
    await charts.hear(a_session_record(participants=(a_patient(0),), location=here), wrong)
    await change(charts, await the_tab(charts), location_ids=[str(here.location_id)])
    assert (await charts.ask(f"/patients/{PATIENT}/notes")).status_code == 404
    await charts.hear(retraction_of(wrong), event_type=SESSION_RETRACTED)
    assert (await charts.ask(f"/patients/{PATIENT}/notes")).status_code == 200


async def test_a_tab_without_an_order_never_has_a_place_that_is_refused(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    for order in ({"order": LAST_POSITION}, {}):
        made = await charts.ask("/tabs", method="POST", body={"kind": "standard", "name": "Labs", **order})
        assert made.json()["order"] == LAST_POSITION


@pytest.mark.rule("SET-2")
async def test_no_tab_is_created_while_group_sessions_are_switched_off(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    await delete(charts, await the_tab(charts))
    await switch(charts, 1, on=False)
    assert problem(await charts.ask("/tabs", method="POST", body=A_TAB)) == (409, "conflict")


@pytest.mark.rule("TAB-2", "PERM-8")
@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SUPER_ADMIN}))
async def test_tabs_are_changed_by_super_admins_alone(charts: Charts, role: Role) -> None:
    admin = new_id()
    await charts.hire(Role.SUPER_ADMIN, user_id=admin)
    tab = (await charts.ask("/tabs", user_id=admin)).json()["items"][0]
    await charts.hire(role)
    answers = [
        await change(charts, tab, name="Mine"),
        await delete(charts, tab),
        await charts.ask("/tabs", method="POST", body=A_TAB),
    ]
    assert [one.status_code for one in answers] == [403, 403, 403]
    assert "super_admin" in answers[0].json()["detail"]
    assert (await charts.ask("/tabs", user_id=admin)).json()["items"] == [tab]


async def test_a_change_names_the_version_it_is_of(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    tab = await the_tab(charts)
    assert problem(await charts.ask(f"/tabs/{tab['id']}", method="DELETE")) == (428, "precondition-needed")
    assert (await change(charts, tab, name="First")).status_code == 200
    stale = await change(charts, tab, name="Second")
    assert problem(stale) == (412, "stale-version")
    assert stale.headers["etag"] == '"2"'


async def test_tabs_of_another_instance_do_not_exist(charts: Charts) -> None:
    visitor = new_id()
    await charts.hire(Role.SUPER_ADMIN)
    await charts.hire(Role.SUPER_ADMIN, user_id=visitor, instance_id=OTHER_CLINIC)
    tab = await the_tab(charts)
    answer = await charts.ask(f"/tabs/{tab['id']}", user_id=visitor, instance_id=OTHER_CLINIC)
    assert answer.status_code == 404


async def test_a_post_with_a_key_is_done_once(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    body, headers = {"name": "Labs", "kind": "standard"}, {"Idempotency-Key": "labs-1"}
    answers = [await charts.ask("/tabs", method="POST", body=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await charts.ask("/tabs")).json()["items"]) == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "#/name"),
        ({"name": "a\u0000b"}, "#/name"),
        ({"kind": "labs"}, "#/kind"),
        ({"order": -1}, "#/order"),
        ({"location_ids": ["x"]}, "#/location_ids/0"),
        ({"colour": "red"}, "#/colour"),
    ],
)
async def test_a_malformed_tab_is_refused_with_the_place(
    charts: Charts, body: dict[str, Any], pointer: str
) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    answer = await charts.ask("/tabs", method="POST", body=A_TAB | body)
    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, [pointer])


@pytest.mark.rule("PERM-8")
async def test_who_changed_the_tabs_is_in_the_audit_trail(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    tab = await the_tab(charts)
    await change(charts, tab, name="Groups")
    await delete(charts, tab)
    told = [(one.action, one.outcome) for one in await charts.audit()]
    assert told == [("tabs.listed", "allowed"), ("tab.changed", "allowed"), ("tab.deleted", "refused")]
    assert {UUID(one.subject) for one in (await charts.audit())[1:]} == {UUID(tab["id"])}
