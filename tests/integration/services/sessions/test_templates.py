from typing import Any

import pytest

from services.sessions.templates.models import SCHEDULE, TEMPLATE
from tests.integration.services.sessions.clinic import STAFF, Clinic

MAY = {"Ada", "Tess"}


@pytest.mark.rule("TPL-1")
@pytest.mark.parametrize("name", sorted(STAFF))
async def test_templates_and_schedules_are_made_by_who_may(clinic: Clinic, name: str) -> None:
    template_id = await clinic.new_template()
    schedule = {
        "location_id": str(clinic.location_id),
        "title": "Days",
        "occurrences": [{"template_id": str(template_id), "weekday": 2}],
    }
    wanted = 201 if name in MAY else 403
    answers = [
        await clinic.ask(name, "POST", "/v1/templates", json=clinic.template_body(title="Another")),
        await clinic.ask(name, "POST", "/v1/schedules", json=schedule),
    ]
    assert [one.status_code for one in answers] == [wanted, wanted]
    assert len(await clinic.rows(TEMPLATE)) == (2 if name in MAY else 1)


@pytest.mark.rule("TPL-2")
async def test_a_template_is_kept_as_it_was_given(clinic: Clinic) -> None:
    template_id = await clinic.new_template(description="Ä group — 💬", leaders=["Margaret", "Tom"])
    (row,) = await clinic.rows(TEMPLATE)
    assert (row.id, row.description, row.starts_at.hour) == (template_id, "Ä group — 💬", 9)
    assert row.leader_ids == [str(clinic.id_of("Margaret")), str(clinic.id_of("Tom"))]


@pytest.mark.rule("TPL-2")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recurrence", "FREQ=HOURLY"),
        ("recurrence", "FREQ=WEEKLY;INTERVAL=0"),
        ("recurrence", "every Tuesday"),
        ("duration_minutes", 0),
        ("duration_minutes", 1441),
        ("starts_at", "09:00:00Z"),
        ("starts_at", "25:00"),
        ("first_on", "2026-02-30"),
        ("first_on", "0001-01-01"),
        ("title", ""),
        ("title", "nul \x00"),
        ("description", "x" * 50_001),
        ("leader_ids", ["Margaret"]),
        ("colour", "blue"),
    ],
)
async def test_what_no_template_can_be_is_pointed_at(clinic: Clinic, field: str, value: Any) -> None:
    answer = await clinic.ask("Ada", "POST", "/v1/templates", json=clinic.template_body(**{field: value}))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(f"#/{field}")
    assert await clinic.rows(TEMPLATE) == []


async def test_a_template_names_leaders_who_exist(clinic: Clinic) -> None:
    body = clinic.template_body(leader_ids=[str(clinic.id_of("nobody"))])
    assert (await clinic.ask("Ada", "POST", "/v1/templates", json=body)).status_code == 404


@pytest.mark.rule("SCH-1")
async def test_a_schedule_names_templates_of_its_own_location(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    body = {"resourceType": "Location", "id": "elsewhere", "name": "Elsewhere"}
    await clinic.do("Ada", "POST", "/v1/directory/imports", json=body)
    locations = (await clinic.do("Ada", "GET", "/v1/directory/locations"))["items"]
    (elsewhere,) = (one["id"] for one in locations if one["name"] == "Elsewhere")
    schedule = {
        "location_id": elsewhere,
        "title": "Days",
        "occurrences": [{"template_id": str(template_id), "weekday": 2}],
    }
    assert (await clinic.ask("Ada", "POST", "/v1/schedules", json=schedule)).status_code == 409
    assert await clinic.rows(SCHEDULE) == []


@pytest.mark.rule("SCH-1")
async def test_an_occurrence_named_twice_is_one(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await clinic.new_schedule(template_id, template_id)
