from typing import Any
from uuid import UUID

import pytest

from services.sessions.templates.models import SCHEDULE, SCHEDULE_OCCURRENCE, TEMPLATE
from tests.integration.services.sessions.clinic import BILLING, STAFF, Clinic


def _schedule(location_id: UUID | str, template_id: UUID) -> dict[str, Any]:
    occurrences = [{"template_id": str(template_id), "weekday": 2}]
    return {"location_id": str(location_id), "title": "Days", "occurrences": occurrences}


@pytest.mark.rule("TPL-1")
async def test_templates_are_made_by_who_may_manage_them(clinic: Clinic) -> None:
    body = clinic.template_body()
    statuses = {
        name: (await clinic.ask(name, "POST", "/v1/templates", json=body)).status_code for name in STAFF
    }
    assert statuses == {name: 201 if name in {"Ada", "Tess"} else 403 for name in STAFF}
    assert len(await clinic.rows(TEMPLATE)) == 2


@pytest.mark.rule("TPL-1")
async def test_schedules_are_made_by_who_may_manage_templates(clinic: Clinic) -> None:
    body = _schedule(clinic.location_id, await clinic.new_template())
    statuses = {
        name: (await clinic.ask(name, "POST", "/v1/schedules", json=body)).status_code for name in STAFF
    }
    assert statuses == {name: 201 if name in {"Ada", "Tess"} else 403 for name in STAFF}
    assert len(await clinic.rows(SCHEDULE)) == 2


@pytest.mark.rule("TPL-2")
async def test_a_template_is_kept_as_it_was_given(clinic: Clinic) -> None:
    template_id = await clinic.new_template(description="Ä group — 💬", leaders=["Margaret", "Tom"])
    (row,) = await clinic.rows(TEMPLATE)
    assert (row.id, row.description, row.starts_at.hour) == (template_id, "Ä group — 💬", 9)
    assert row.leader_ids == [str(clinic.id_of("Margaret")), str(clinic.id_of("Tom"))]


@pytest.mark.rule("TPL-2")
@pytest.mark.parametrize("field", ["title", "description", "billing"])
async def test_text_that_a_database_can_not_hold_is_pointed_at(clinic: Clinic, field: str) -> None:
    code = BILLING["codes"][0] | {"description": "nul \x00"}
    value = BILLING | {"codes": [code]} if field == "billing" else "nul \x00"
    answer = await clinic.ask("Ada", "POST", "/v1/templates", json=clinic.template_body(**{field: value}))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(f"#/{field}")


@pytest.mark.rule("TPL-2", "PERM-2")
@pytest.mark.parametrize(
    ("name", "reason"), [("nobody", "no member"), ("Tom", "not active"), ("Nora", "no role or feature")]
)
async def test_a_template_names_leaders_who_can_lead(clinic: Clinic, name: str, reason: str) -> None:
    place = f"/v1/directory/staff/{clinic.id_of('Tom')}"
    await clinic.do("Ada", "PATCH", place, json={"active": False}, headers={"If-Match": '"1"'})
    body = clinic.template_body(leader_ids=[str(clinic.id_of(one)) for one in ("Margaret", name)])
    answer = await clinic.ask("Ada", "POST", "/v1/templates", json=body)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (409, "#/leader_ids/1")
    assert reason in error["detail"]


@pytest.mark.rule("SCH-1")
async def test_a_schedule_names_templates_of_its_own_location(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    body = {"resourceType": "Location", "id": "elsewhere", "name": "Elsewhere"}
    await clinic.do("Ada", "POST", "/v1/directory/imports", json=body)
    locations = (await clinic.do("Ada", "GET", "/v1/directory/locations"))["items"]
    (elsewhere,) = (one["id"] for one in locations if one["name"] == "Elsewhere")
    schedule = _schedule(elsewhere, template_id)
    assert (await clinic.ask("Ada", "POST", "/v1/schedules", json=schedule)).status_code == 409
    assert await clinic.rows(SCHEDULE) == []


@pytest.mark.rule("SCH-1")
async def test_an_occurrence_named_twice_is_one(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    await clinic.new_schedule(template_id, template_id)
    assert [one.weekday for one in await clinic.rows(SCHEDULE_OCCURRENCE)] == [2]
