import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.sealing import KeyRing, new_key_ring
from shared.web.cursors import LONGEST_CURSOR, Page, cursors_sealed_with, read_cursor, write_cursor
from shared.web.problems import InvalidProblem

TYPES = (datetime, str, UUID)
MOMENT = datetime(2026, 3, 10, 14, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def keys() -> Iterator[None]:
    """The keys that this process seals cursors with."""
    with cursors_sealed_with(KeyRing.parse(new_key_ring())):
        yield


@given(st.datetimes(timezones=st.just(UTC)), st.text().filter(lambda text: "\x00" not in text), st.uuids())
def test_a_cursor_leads_back_to_its_place(moment: datetime, name: str, key: UUID) -> None:
    assert read_cursor(write_cursor([moment, name, key]), TYPES) == [moment, name, key]


@pytest.mark.parametrize("text", ["", "!", "AAAA", "f" * 32, "é" * 32, "bnVsbA", "e30"])
def test_wrong_cursors_are_refused(text: str) -> None:
    with pytest.raises(InvalidProblem):
        read_cursor(text, TYPES)


@pytest.mark.parametrize(
    "wrong",
    [
        ["2026-03-10T14:00:00", "a", str(UUID(int=1))],
        ["2026", "a\x00", "x"],
        [1],
        ["0001-01-01T00:00:00+14:00", "a", str(UUID(int=1))],
        ["9999-12-31T23:59:59-14:00", "a", str(UUID(int=1))],
    ],
)
def test_cursors_of_other_values_are_refused(wrong: list[object]) -> None:
    with pytest.raises(InvalidProblem):
        read_cursor(write_cursor(wrong), TYPES)


@pytest.mark.parametrize(("letter", "other"), [("_", "/"), ("-", "+"), ("", "!")])
def test_a_cursor_has_one_spelling(letter: str, other: str) -> None:
    cursors = (write_cursor([MOMENT, "Anna", UUID(int=1)]) for _ in range(1000))
    cursor = next(one for one in cursors if letter in one)
    place = cursor.index(letter or cursor[-1])
    with pytest.raises(InvalidProblem):
        read_cursor(cursor[:place] + other + cursor[place + len(letter) :], TYPES)


@given(st.data())
def test_a_cursor_that_was_tampered_with_is_refused(data: st.DataObject) -> None:
    cursor = write_cursor([MOMENT, "Anna", UUID(int=1)])
    place = data.draw(st.integers(0, len(cursor) - 2))
    other = data.draw(st.characters(codec="ascii").filter(lambda one: one != cursor[place]))
    with pytest.raises(InvalidProblem):
        read_cursor(cursor[:place] + other + cursor[place + 1 :], TYPES)


def test_a_cursor_shows_no_name() -> None:
    cursor = write_cursor([MOMENT, "Kovac", UUID(int=1)])
    packed = cursor.rpartition(".")[2]
    assert b"Kovac" not in base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))


def test_a_cursor_needs_no_quoting_in_an_address() -> None:
    cursor = write_cursor([MOMENT, "Ковач", UUID(int=1)])
    assert quote(cursor, safe="") == cursor


def test_a_cursor_of_the_longest_names_is_taken() -> None:
    name = "".join(chr(0x4E00 + 7 * number) for number in range(200))
    assert len(write_cursor([name, name[::-1], UUID(int=1)])) <= LONGEST_CURSOR


def test_the_last_page_has_no_next_one() -> None:
    rows = [{"name": "Anna"}, {"name": "Bashir"}]
    assert Page.of(rows, limit=2, keys=["name"]).next is None
    following = Page.of(rows, limit=1, keys=["name"]).next
    assert following is not None
    assert read_cursor(following, [str]) == ["Anna"]
