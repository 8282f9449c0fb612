from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sessions.scheduling.overlaps import Meeting, clashes

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)


def _meeting(number: int, starts: int, minutes: int) -> Meeting:
    starts_at = MIDNIGHT + timedelta(minutes=starts)
    ends_at = starts_at + timedelta(minutes=minutes)
    return Meeting(
        session_id=UUID(int=number), template_id=UUID(int=0), title="", starts_at=starts_at, ends_at=ends_at
    )


@st.composite
def _meetings(draw: st.DrawFn) -> tuple[list[Meeting], list[Meeting]]:
    times = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 15)), max_size=12))
    meetings = [_meeting(number, *when) for number, when in enumerate(times)]
    picked = st.lists(st.sampled_from(meetings), max_size=12) if meetings else st.just([])
    return draw(picked), draw(picked)


def _by_brute_force(new: list[Meeting], existing: list[Meeting]) -> set[frozenset[UUID]]:
    fresh = {one.session_id for one in new}
    return {
        frozenset({one.session_id, other.session_id})
        for one, other in combinations({*new, *existing}, 2)
        if one.starts_at < other.ends_at
        and other.starts_at < one.ends_at
        and fresh & {one.session_id, other.session_id}
    }


@pytest.mark.rule("SCH-4")
@given(_meetings())
def test_overlaps_are_what_comparing_each_with_each_finds(both: tuple[list[Meeting], list[Meeting]]) -> None:
    found = clashes(*both)
    pairs = [frozenset({one.first.session_id, one.second.session_id}) for one in found]
    assert set(pairs) == _by_brute_force(*both)
    assert len(pairs) == len(set(pairs))


@pytest.mark.rule("SCH-4")
def test_one_after_the_other_is_no_overlap() -> None:
    assert clashes([_meeting(1, 0, 50)], [_meeting(2, 50, 50)]) == []
