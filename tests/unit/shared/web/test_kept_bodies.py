from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from shared.web.kept_bodies import Kept, KeptBodies


def _kept(length: int, *, patients: int = 0) -> Kept:
    ids: list[UUID] = [uuid4() for _ in range(patients)]
    return Kept(body=b"x" * length, versions={"version": 1}, patient_ids=ids)


def test_the_longest_unused_makes_room() -> None:
    bodies = KeptBodies(bytes_at_most=3 * _kept(10).size)
    for name in "abc":
        bodies.keep(name, _kept(10))
    bodies.get("a")
    bodies.keep("d", _kept(10))
    assert [name for name in "abcd" if bodies.get(name)] == ["a", "c", "d"]


def test_what_is_larger_than_all_room_is_not_kept() -> None:
    bodies = KeptBodies(bytes_at_most=100)
    bodies.keep("a", _kept(101))
    assert bodies.get("a") is None


def test_a_body_shows_itself_in_no_error() -> None:
    assert "xxx" not in repr(_kept(3))


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5_000)), max_size=30))
def test_it_never_takes_more_than_it_may(kept: list[tuple[str, int]]) -> None:
    bodies = KeptBodies(bytes_at_most=12_000)
    for name, length in kept:
        bodies.keep(name, _kept(length, patients=3))
        assert bodies.size == sum(one.size for key in "abcd" if (one := bodies.get(key))) <= 12_000
