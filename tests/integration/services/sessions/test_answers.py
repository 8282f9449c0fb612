"""What is served is what the description says, with rows of every kind there."""

from typing import Any, Final

import httpx2
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from services.sessions.scheduling.models import ASSIGNMENT
from tests.integration.services.sessions.clinic import BILLING, TODAY, Clinic

TAGS: Final = {"templates", "scheduling", "calendars", "group sessions", "worklists"}


def _operations(clinic: Clinic) -> dict[str, dict[str, Any]]:
    paths = clinic.application.openapi()["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
        if TAGS & set(operation.get("tags", ()))
    }


def _schema(operation: dict[str, Any]) -> dict[str, Any]:
    (answer,) = (one for status, one in operation["responses"].items() if status.startswith("2"))
    schema: dict[str, Any] = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _check(clinic: Clinic, route: str, answer: httpx2.Response) -> None:
    assert answer.is_success, (route, answer.text)
    schema = _schema(_operations(clinic)[route])
    whole = {**schema, "components": clinic.application.openapi()["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(answer.json())


async def test_every_answer_with_a_body_is_described(clinic: Clinic) -> None:
    empty = {
        route
        for route, operation in _operations(clinic).items()
        if "204" not in operation["responses"] and not _schema(operation)
    }
    assert empty == set()


@pytest.mark.rule("TPL-2", "SCH-1", "DOC-4")
async def test_what_is_read_is_as_described(clinic: Clinic) -> None:
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"integrated_billing": "webhook"})
    session_id = await clinic.documented(billing=BILLING, exceptions=["2026-03-17"])
    await clinic.sign(session_id)
    await clinic.do("Ada", "POST", f"/v1/group-sessions/{session_id}/deletion", json={"reason": "Wrong day"})
    await clinic.do("Ada", "POST", f"/v1/group-sessions/{session_id}/restoration")
    await clinic.do("Ada", "POST", "/v1/calendar-feeds", json={})
    session = await clinic.session(session_id)
    template = f"/v1/templates/{session['template_id']}"
    change = {"moved_to": "2026-03-26", "starts_at": "10:00"}
    await clinic.do("Ada", "PUT", f"{template}/occurrences/2026-03-24", json=change)
    (schedule,) = (await clinic.do("Ada", "GET", "/v1/schedules"))["items"]
    assignment, *_ = await clinic.rows(ASSIGNMENT)
    patient = f"/v1/patients/{clinic.patient_ids[0]}"
    history = f"/v1/group-sessions/{session_id}/history"
    aside, *_ = (await clinic.do("Ada", "GET", history))["items"]
    places = {
        "/v1/templates": "/v1/templates",
        "/v1/templates/{template_id}": template,
        "/v1/schedules": "/v1/schedules",
        "/v1/schedules/{schedule_id}": f"/v1/schedules/{schedule['id']}",
        "/v1/assignments/{assignment_id}": f"/v1/assignments/{assignment.id}",
        "/v1/patients/{patient_id}/assignments": f"{patient}/assignments",
        "/v1/patients/{patient_id}/schedule": f"{patient}/schedule",
        "/v1/calendar-feeds": "/v1/calendar-feeds",
        "/v1/group-sessions": f"/v1/group-sessions?location_id={clinic.location_id}&date={TODAY}",
        "/v1/group-sessions/{session_id}": f"/v1/group-sessions/{session_id}",
        "/v1/group-sessions/{session_id}/history": history,
        "/v1/group-sessions/{session_id}/history/{discarded_id}": f"{history}/{aside['id']}",
        "/v1/group-sessions/{session_id}/document": f"/v1/group-sessions/{session_id}/document",
        "/v1/group-sessions/{session_id}/verification": f"/v1/group-sessions/{session_id}/verification",
    }
    for path, place in places.items():
        answer = await clinic.ask("Ada", "GET", place)
        _check(clinic, f"GET {path}", answer)
        assert answer.json().get("items") != [], path


@pytest.mark.rule("TPL-2")
async def test_templates_are_found_by_what_a_front_end_asks_for(clinic: Clinic) -> None:
    process = await clinic.new_template(title="Process Group")
    art = await clinic.new_template(title="Art", leaders=["Tom"], starts_at="11:00", enabled=False)
    queries = {
        "title=proc": [process],
        "title=Art": [art],
        f"leader_id={clinic.id_of('Tom')}": [art],
        "enabled=true": [process],
        f"location_id={clinic.location_id}": [art, process],
        f"location_id={clinic.id_of('nowhere')}": [],
    }
    for query, wanted in queries.items():
        listed = (await clinic.do("Ada", "GET", f"/v1/templates?{query}"))["items"]
        assert [one["id"] for one in listed] == [str(one) for one in wanted], query


@pytest.mark.rule("SCH-1")
async def test_schedules_are_found_by_title_and_group(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    schedule_id = await clinic.new_schedule(template_id)
    queries = {
        "title=day": 1,
        "title=night": 0,
        f"template_id={template_id}": 1,
        f"template_id={schedule_id}": 0,
    }
    for query, count in queries.items():
        listed = (await clinic.do("Ada", "GET", f"/v1/schedules?{query}"))["items"]
        assert len(listed) == count, query


@pytest.mark.rule("SCH-2")
async def test_assignments_and_sessions_of_a_patient_come_page_by_page(clinic: Clinic) -> None:
    for number in range(3):
        group = {
            "patient_ids": [str(clinic.patient_ids[0])],
            "template_ids": [str(await clinic.new_template(title="Group", starts_at=f"1{number}:00"))],
            "ends_on": None if number else str(TODAY),
        }
        await clinic.do("Margaret", "POST", "/v1/assignments", json=group)
    place = f"/v1/patients/{clinic.patient_ids[0]}"
    assert len(await _pages(clinic, f"{place}/assignments?limit=1")) == 3
    assert len(await _pages(clinic, f"{place}/assignments?on=2026-03-11&limit=1")) == 2
    starts = [one["starts_at"] for one in await _pages(clinic, f"{place}/schedule?limit=2")]
    assert starts == sorted(starts)
    assert len(starts) == 3


async def _pages(clinic: Clinic, place: str) -> list[dict[str, Any]]:
    items, cursor = list[dict[str, Any]](), ""
    while True:
        page = await clinic.do("Margaret", "GET", place + cursor)
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"
