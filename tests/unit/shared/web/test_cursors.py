from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.cursors import Page, read_cursor, write_cursor
from shared.web.problems import InvalidProblem

TYPES = (datetime, str, UUID)


@given(st.datetimes(timezones=st.just(UTC)), st.text().filter(lambda text: "\x00" not in text), st.uuids())
def test_a_cursor_leads_back_to_its_place(moment: datetime, name: str, key: UUID) -> None:
    assert read_cursor(write_cursor([moment, name, key]), TYPES) == [moment, name, key]


@pytest.mark.parametrize("text", ["", "!", "AAAA", "f" * 32, "é" * 32, "bnVsbA", "e30"])
def test_wrong_cursors_are_refused(text: str) -> None:
    with pytest.raises(InvalidProblem):
        read_cursor(text, TYPES)


@pytest.mark.parametrize(
    "forged", [["2026-03-10T14:00:00", "a", str(UUID(int=1))], ["2026", "a\x00", "x"], [1]]
)
def test_forged_cursors_are_refused(forged: list[object]) -> None:
    with pytest.raises(InvalidProblem):
        read_cursor(write_cursor(forged), TYPES)


def test_the_last_page_has_no_next_one() -> None:
    rows = [{"name": "Anna"}, {"name": "Bashir"}]
    assert Page.of(rows, limit=2, keys=["name"]).next is None
    assert Page.of(rows, limit=1, keys=["name"]).next == write_cursor(["Anna"])
