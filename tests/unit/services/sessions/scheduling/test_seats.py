from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sessions.scheduling.domain import Enrolled, seats_of

START = datetime(2026, 3, 10, tzinfo=UTC)


def _enrolled(number: int, *, patient: int, at: int) -> Enrolled:
    return Enrolled(
        patient_id=UUID(int=patient),
        assigned_at=START + timedelta(minutes=at),
        assignment_id=UUID(int=number),
    )


@st.composite
def _many(draw: st.DrawFn) -> list[Enrolled]:
    facts = draw(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 5)), max_size=15))
    return [_enrolled(number, patient=patient, at=at) for number, (patient, at) in enumerate(facts)]


@pytest.mark.rule("SCH-6")
@given(_many(), st.none() | st.integers(1, 9))
def test_nobody_is_lost_or_counted_twice_and_no_place_stays_empty(
    enrolled: list[Enrolled], capacity: int | None
) -> None:
    seats = seats_of(enrolled, capacity=capacity)
    everybody = {one.patient_id for one in enrolled}
    assert sorted([*seats.seated, *seats.waiting]) == sorted(everybody)
    assert len(seats.seated) == min(len(everybody), capacity or len(everybody))


@pytest.mark.rule("SCH-6")
@given(_many(), st.integers(1, 9), st.data())
def test_when_a_place_is_freed_the_first_who_waits_moves_up(
    enrolled: list[Enrolled], capacity: int, data: st.DataObject
) -> None:
    before = seats_of(enrolled, capacity=capacity)
    if not before.seated:
        return
    gone = data.draw(st.sampled_from(before.seated))
    after = seats_of([one for one in enrolled if one.patient_id != gone], capacity=capacity)
    stayed = tuple(one for one in before.seated if one != gone)
    assert after.seated == (*stayed, *before.waiting[:1])
    assert after.waiting == before.waiting[1:]


@pytest.mark.rule("SCH-6")
@given(_many(), st.integers(1, 9))
def test_who_comes_later_takes_nobodys_place(enrolled: list[Enrolled], capacity: int) -> None:
    before = seats_of(enrolled, capacity=capacity)
    late = _enrolled(99, patient=99, at=60)
    after = seats_of([*enrolled, late], capacity=capacity)
    assert (*after.seated, *after.waiting) == (*before.seated, *before.waiting, late.patient_id)
