from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sessions.documentation.near_equal import SHORT_CHARACTERS, AlikePair, alike_pairs, groups_of
from tests.unit.services.sessions.documentation.a_session import patient_id

ANNA, BASHIR, CHIDI = sorted(patient_id(number) for number in range(3))
LONG = "Took part actively and named two triggers of the past week. Mood calm, affect fitting, no concerns."

texts = st.text(st.characters(codec="utf-8"), max_size=120)


def _percent(one: str, other: str) -> int:
    """How alike two notes are found; 0 where they are no pair."""
    return next((pair.percent for pair in alike_pairs({ANNA: one, BASHIR: other})), 0)


@pytest.mark.rule("DOC-8")
@given(one=texts | st.just(LONG), other=texts | st.just(f"{LONG} Slept well."))
def test_being_alike_goes_both_ways(one: str, other: str) -> None:
    assert _percent(one, other) == _percent(other, one)


@pytest.mark.rule("DOC-8")
@given(text=texts.filter(lambda text: text.strip()))
def test_the_same_note_is_always_flagged(text: str) -> None:
    assert alike_pairs({BASHIR: text, ANNA: text}) == [AlikePair(one=ANNA, other=BASHIR, percent=100)]


@pytest.mark.rule("DOC-8")
@pytest.mark.parametrize("copy", ["present,  engaged.", " PRESENT, ENGAGED.\n"])
def test_case_and_spaces_make_no_other_note_of_a_copy(copy: str) -> None:
    assert _percent("Present, engaged.", copy) == 100


@pytest.mark.rule("DOC-8")
def test_a_copy_with_another_name_in_it_is_nearly_the_same() -> None:
    assert 90 <= _percent(f"Anna: {LONG}", f"Bashir: {LONG}") < 100


@pytest.mark.rule("DOC-8")
def test_short_notes_that_differ_are_two_notes() -> None:
    one, other = "Calm, engaged.", "Calm, enraged."
    assert len(other) < SHORT_CHARACTERS
    assert _percent(one, other) == 0


@pytest.mark.rule("DOC-8")
def test_a_note_of_its_own_is_not_flagged() -> None:
    assert (
        _percent(LONG, "Was restless at first, settled after the breathing exercise; will call the sponsor.")
        == 0
    )


def test_what_is_not_written_is_no_copy() -> None:
    assert alike_pairs({ANNA: "", BASHIR: " \n", CHIDI: ""}) == []


@pytest.mark.rule("DOC-8")
def test_all_pairs_are_named() -> None:
    pairs = alike_pairs({ANNA: LONG, BASHIR: LONG, CHIDI: f"{LONG} Slept."})
    assert [(pair.one, pair.other) for pair in pairs] == [(ANNA, BASHIR), (ANNA, CHIDI), (BASHIR, CHIDI)]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda two: two[0] < two[1])))
def test_a_group_holds_whom_pairs_connect_and_nobody_else(links: list[tuple[int, int]]) -> None:
    pairs = [AlikePair(one=UUID(int=one), other=UUID(int=other), percent=95) for one, other in links]
    groups = groups_of(pairs)
    assert sorted(one for group in groups for one in group) == sorted(
        {p for a in pairs for p in (a.one, a.other)}
    )
    for pair in pairs:
        assert [group for group in groups if pair.one in group] == [
            group for group in groups if pair.other in group
        ]


def test_a_group_is_not_torn_by_the_order_of_its_pairs() -> None:
    pairs = [
        AlikePair(one=UUID(int=one), other=UUID(int=other), percent=95)
        for one, other in [(1, 2), (3, 4), (2, 3)]
    ]
    assert groups_of(pairs) == [frozenset(UUID(int=number) for number in (1, 2, 3, 4))]
