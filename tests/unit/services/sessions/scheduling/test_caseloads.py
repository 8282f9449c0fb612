from datetime import date, time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sessions.scheduling.repository import InCaseload, therapists_at
from services.sessions.templates.domain import Template

PLACES = tuple(UUID(int=one) for one in range(1, 4))
DAYS = st.none() | st.dates(date(2026, 3, 1), date(2026, 3, 9))
PATIENTS = st.builds(
    InCaseload,
    therapist_id=st.sampled_from([UUID(int=one) for one in range(10, 13)]),
    location_id=st.none() | st.sampled_from([*PLACES, UUID(int=9)]),
    until=DAYS,
)


def _template(places: tuple[UUID, ...]) -> Template:
    facts: dict[str, Any] = {"id": UUID(int=20), "home_id": places[0], "title": "Caseload", "description": ""}
    facts |= {"first_on": date(2026, 3, 1), "starts_at": time(9), "duration_minutes": 50, "recurrence": None}
    facts |= {"leader_ids": (), "enabled": True, "notes_required": True, "billing": None}
    return Template(location_ids=places, caseload=True, **facts)


@pytest.mark.rule("TPL-4")
@given(st.lists(PATIENTS, max_size=8), st.permutations(PLACES), st.integers(1, 3), st.data())
def test_each_patient_has_one_place_with_their_therapist_in_whatever_order_the_care_team_changed(
    patients: list[InCaseload], order: list[UUID], places: int, data: st.DataObject
) -> None:
    template = _template(tuple(order[:places]))
    found = {one: therapists_at(template, one, patients) for one in template.location_ids}
    shuffled = data.draw(st.permutations(patients))
    assert found == {one: therapists_at(template, one, shuffled) for one in template.location_ids}
    last: dict[tuple[UUID, UUID], list[date | None]] = {}
    for one in patients:
        at = one.location_id if one.location_id in template.location_ids else template.location_ids[0]
        last.setdefault((at, one.therapist_id), []).append(one.until)
    assert {(at, who): day for at, ones in found.items() for who, day in ones.items()} == {
        key: None if None in days else max(day for day in days if day) for key, days in last.items()
    }
