from typing import Any

import pytest
from pydantic import ValidationError

from services.sessions.templates.schemas import NewTemplate
from shared.identifiers import new_id

BILLING: dict[str, Any] = {
    "mode": "ancillary",
    "codes": [
        {
            "kind": "ccode",
            "code": "90853",
            "description": "Group",
            "effective_on": "2020-01-01",
            "ends_on": None,
        }
    ],
    "place_of_service": "53",
    "units": {"by": "session"},
}


def _template(**changes: Any) -> NewTemplate:
    body = {
        "location_ids": [str(new_id())],
        "title": "Process Group",
        "first_on": "2026-03-10",
        "starts_at": "09:00",
        "duration_minutes": 50,
    }
    return NewTemplate.model_validate(body | changes)


@pytest.mark.rule("TPL-2")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recurrence", "FREQ=WEEKLY;INTERVAL=0"),
        ("duration_minutes", 0),
        ("duration_minutes", 1441),
        ("starts_at", "09:00:00Z"),
        ("starts_at", "25:00"),
        ("first_on", "2026-02-30"),
        ("first_on", "0001-01-01"),
        ("first_on", "9999-12-31"),
        ("title", ""),
        ("title", "x" * 201),
        ("description", "x" * 50_001),
        ("leader_ids", ["Margaret"]),
        ("colour", "blue"),
    ],
)
def test_what_no_template_can_be_is_refused_at_its_field(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        _template(**{field: value})
    assert refused.value.errors()[0]["loc"][0] == field


@pytest.mark.rule("BILL-1")
def test_billing_is_taken() -> None:
    assert _template(billing=BILLING).billing is not None


@pytest.mark.rule("BILL-1")
@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "free"},
        {"place_of_service": "home"},
        {"modifiers": ["hq"]},
        {"minimum_minutes": -1},
        {"units": {"by": "time", "minutes_per_unit": 0}},
        {"units": {"by": "time", "minutes_per_units": 15}},
        {"codes": [BILLING["codes"][0] | {"code": "group therapy"}]},
        {"codes": [BILLING["codes"][0] | {"end_on": "2026-01-01"}]},
    ],
)
def test_what_no_billing_can_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _template(billing=BILLING | changes)
