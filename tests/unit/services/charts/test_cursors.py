from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.charts.cursors import Place
from shared.web.problems import InvalidProblem


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_leads_back_to_its_place(held_at: datetime, note_id: UUID) -> None:
    place = Place(held_at=held_at, note_id=note_id)
    assert Place.at(place.cursor) == place


@given(st.text(max_size=64))
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    try:
        place = Place.at(text)
    except InvalidProblem as problem:
        assert problem.errors[0]["pointer"] == "query:cursor"  # noqa: PT017 - some texts are cursors
    else:
        assert place.cursor == text


@pytest.mark.parametrize("text", ["", "!", "AAAA", "f" * 32, "é" * 32])
def test_wrong_cursors_are_refused(text: str) -> None:
    with pytest.raises(InvalidProblem):
        Place.at(text)
