from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing_bridge.pacing import (
    CATCHES_UP,
    Line,
    Mode,
    Pace,
    begun,
    ended,
    first_tries_until,
    is_open,
    room,
)

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
"""In New York, on the Monday before the clocks go forward."""
NEW_YORK = "America/New_York"
OFFICE = Pace(window_from=time(8), window_until=time(18), zone=NEW_YORK)
NIGHT = Pace(window_from=time(22), window_until=time(6), zone=NEW_YORK)
EVENING = Pace(mode=Mode.DAILY, daily_at=time(18), zone=NEW_YORK)
moments = st.timedeltas(timedelta(), timedelta(days=366)).map(lambda later: NOON + later)
steps = st.lists(st.tuples(st.sampled_from(["turn", "end", "fail"]), st.integers(0, 90)), max_size=40)


def at(hour: int, minute: int = 0) -> datetime:
    """The time on the wall in New York."""
    return NOON.replace(hour=0) + timedelta(hours=hour + 5, minutes=minute)


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize(
    ("pace", "hours"),
    [(OFFICE, [8, 12, 17]), (NIGHT, [0, 5, 22, 23]), (Pace(), [0, 5, 8, 12, 17, 18, 22, 23])],
    ids=["day", "over midnight", "no window"],
)
def test_a_window_is_open_from_its_first_minute_until_before_its_last(pace: Pace, hours: list[int]) -> None:
    assert [hour for hour in (0, 5, 8, 12, 17, 18, 22, 23) if is_open(pace, at(hour))] == hours


@given(moments)
@pytest.mark.rule("BILL-4")
def test_a_closed_window_has_no_room(now: datetime) -> None:
    closed = replace(OFFICE, window_from=OFFICE.window_until, window_until=OFFICE.window_from)
    rooms = [room(pace, Line(), now=now, at_most=5) for pace in (OFFICE, closed)]
    assert sorted(rooms) == [0, 5]


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize(("hour", "until"), [(17, at(18) - timedelta(days=1)), (18, at(18)), (20, at(18))])
def test_daily_the_last_time_of_day_that_has_passed_counts(hour: int, until: datetime) -> None:
    assert first_tries_until(EVENING, at(hour)) == until


@given(moments)
@pytest.mark.rule("BILL-4")
def test_a_daily_time_is_never_ahead_and_never_more_than_a_day_and_an_hour_ago(now: datetime) -> None:
    # An hour: on the day when the clocks go back.
    assert now - timedelta(hours=25) <= first_tries_until(EVENING, now) <= now
    assert first_tries_until(Pace(), now) == now


@given(steps, st.integers(1, 4), st.integers(1, 20))
@pytest.mark.rule("BILL-4")
def test_never_more_than_so_many_are_under_way(taken: list[tuple[str, int]], most: int, asked: int) -> None:
    pace, line, now = Pace(at_most_at_once=most), Line(), NOON
    for what, seconds in taken:
        now += timedelta(seconds=seconds)
        if what == "turn":
            line = begun(pace, line, messages=room(pace, line, now=now, at_most=asked), now=now)
        elif line.under_way:
            line = ended(pace, line, [what == "end"], now=now)
        assert line.under_way <= most


@given(st.lists(st.integers(0, 20_000), max_size=60), st.integers(1, 600), st.integers(1, 20))
@pytest.mark.rule("BILL-4")
def test_in_no_minute_begin_more_than_its_number_and_a_second_s_share(
    waits: list[int], per_minute: int, asked: int
) -> None:
    pace, line, now = Pace(per_minute=per_minute), Line(), NOON
    begins: list[datetime] = []
    for milliseconds in waits:
        now += timedelta(milliseconds=milliseconds)
        messages = room(pace, line, now=now, at_most=asked)
        line = begun(pace, line, messages=messages, now=now)
        begins += [now] * messages
    for first in begins:
        minute = [one for one in begins if first <= one < first + timedelta(minutes=1)]
        share = per_minute * (CATCHES_UP / timedelta(minutes=1))
        assert len(minute) <= per_minute + share + 1


def test_what_is_paced_goes_on_as_fast_as_it_may() -> None:
    pace, line, begins = Pace(per_minute=60), Line(), 0
    for second in range(60):
        now = NOON + timedelta(seconds=second)
        messages = room(pace, line, now=now, at_most=10)
        line, begins = begun(pace, line, messages=messages, now=now), begins + messages
    assert begins == 60


@pytest.mark.rule("BILL-4")
def test_the_breaker_opens_after_so_many_in_a_row_and_one_that_is_taken_starts_the_count_anew() -> None:
    pace = Pace(opens_after=3)
    line = ended(pace, Line(), [False, False, True, False, False], now=NOON)
    assert (line.failures, line.probe_at) == (2, None)
    assert ended(pace, line, [False], now=NOON).probe_at == NOON + timedelta(minutes=1)


@pytest.mark.rule("BILL-4")
def test_a_probe_that_is_taken_closes_it_and_one_that_is_not_keeps_it_open() -> None:
    pace, line = Pace(opens_after=1), Line(failures=1, probe_at=NOON)
    assert ended(pace, line, [True], now=NOON) == Line()
    later = ended(pace, line, [False], now=NOON)
    assert room(pace, later, now=NOON + timedelta(seconds=59), at_most=9) == 0
    assert room(pace, later, now=NOON + timedelta(seconds=60), at_most=9) == 1


@given(steps, st.integers(1, 5))
@pytest.mark.rule("BILL-4")
def test_an_open_breaker_lets_one_message_through_at_a_time(
    taken: list[tuple[str, int]], opens_after: int
) -> None:
    pace, line, now = Pace(opens_after=opens_after), Line(), NOON
    for what, seconds in taken:
        now += timedelta(seconds=seconds)
        if what == "turn":
            messages = room(pace, line, now=now, at_most=7)
            is_probe = line.probe_at is not None
            assert not is_probe or (messages == 0 or (messages, line.under_way) == (1, 0))
            line = begun(pace, line, messages=messages, now=now)
        elif line.under_way:
            line = ended(pace, line, [what == "end"], now=now)


def test_a_pace_is_kept_and_read_again() -> None:
    for pace in (Pace(), OFFICE, NIGHT, EVENING, Pace(at_most_at_once=2, per_minute=30, opens_after=3)):
        assert Pace.of(pace.kept) == pace
    assert Pace.of({}) == Pace()


def test_a_rhythm_is_said_in_words() -> None:
    both = replace(EVENING, window_from=time(8), window_until=time(18, 30))
    assert (Pace().rhythm, both.rhythm) == (
        None,
        "Charges go daily at 18:00 (America/New_York). Charges go from 08:00 to 18:30 (America/New_York).",
    )
