from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from services.sessions.templates.domain import Template, occurrences
from services.sessions.templates.recurrence import BadRecurrenceError, Rule, check_recurrence, days_of_rule
from shared.identifiers import new_id

CHICAGO = ZoneInfo("America/Chicago")
PLACE = new_id()
TUESDAY = date(2026, 3, 10)


def _template(**changes: Any) -> Template:
    facts: dict[str, Any] = {
        "id": new_id(),
        "home_id": PLACE,
        "location_ids": (PLACE,),
        "title": "Process Group",
        "description": "",
        "first_on": TUESDAY,
        "starts_at": time(9),
        "duration_minutes": 50,
        "recurrence": "FREQ=WEEKLY;BYDAY=TU",
        "leader_ids": (),
        "enabled": True,
        "notes_required": True,
        "billing": None,
    }
    return Template(**facts | changes)


def _days(
    rule: str | None, *, weeks: int = 4, first_on: date = TUESDAY, since: date | None = None
) -> list[str]:
    template = _template(recurrence=rule, first_on=first_on)
    since = since or first_on
    met = occurrences(template, PLACE, CHICAGO, since=since, until=since + timedelta(weeks=weeks))
    return [f"{one.on:%m-%d}" for one in met]


@pytest.mark.rule("TPL-2")
def test_weekly_on_several_days() -> None:
    assert _days("FREQ=WEEKLY;BYDAY=MO,WE,FR", weeks=1) == ["03-11", "03-13", "03-16"]


@pytest.mark.rule("TPL-2")
def test_every_second_week() -> None:
    assert _days("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU") == ["03-10", "03-24", "04-07"]


@pytest.mark.rule("TPL-3")
def test_every_second_week_keeps_its_step_wherever_one_looks_from() -> None:
    assert _days("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", since=date(2026, 3, 11)) == ["03-24", "04-07"]


@pytest.mark.rule("TPL-2")
def test_until_a_day_that_is_included() -> None:
    assert _days("FREQ=WEEKLY;BYDAY=TU;UNTIL=20260324") == ["03-10", "03-17", "03-24"]


@pytest.mark.rule("TPL-2")
def test_a_number_of_times_is_counted_from_the_first_day() -> None:
    assert _days("FREQ=WEEKLY;BYDAY=TU;COUNT=3", since=date(2026, 3, 17)) == ["03-17", "03-24"]


@pytest.mark.rule("TPL-2")
def test_the_last_friday_of_each_month() -> None:
    assert _days("FREQ=MONTHLY;BYDAY=-1FR", weeks=8) == ["03-27", "04-24"]


@pytest.mark.rule("TPL-5")
def test_without_a_rule_a_group_meets_once() -> None:
    assert _days(None) == ["03-10"]
    assert _days(None, since=date(2026, 3, 11)) == []


def test_nothing_is_before_the_first_day() -> None:
    assert _days("FREQ=WEEKLY;BYDAY=TU", since=date(2026, 3, 1), weeks=2) == ["03-10"]


def test_a_yearly_leap_day_comes_in_leap_years() -> None:
    template = _template(recurrence="FREQ=YEARLY", first_on=date(2024, 2, 29))
    met = occurrences(template, PLACE, CHICAGO, since=date(2024, 1, 1), until=date(2033, 1, 1))
    assert [one.on for one in met] == [date(2024, 2, 29), date(2028, 2, 29), date(2032, 2, 29)]


@pytest.mark.rule("TPL-2")
@pytest.mark.parametrize(
    ("first_on", "hours_in_utc"),
    [(date(2026, 3, 3), [15, 14]), (date(2026, 10, 27), [14, 15])],
    ids=["spring", "autumn"],
)
def test_nine_stays_nine_when_clocks_change(first_on: date, hours_in_utc: list[int]) -> None:
    template = _template(first_on=first_on)
    met = list(occurrences(template, PLACE, CHICAGO, since=first_on, until=first_on + timedelta(weeks=1)))
    assert [one.starts_at.hour for one in met] == hours_in_utc
    assert {one.starts_at.astimezone(CHICAGO).time() for one in met} == {time(9)}


@pytest.mark.rule("TPL-2")
def test_an_hour_that_a_clock_change_skips_is_the_one_after_it() -> None:
    template = _template(first_on=date(2026, 3, 8), starts_at=time(2, 30), recurrence=None)
    (met,) = occurrences(template, PLACE, CHICAGO, since=TUESDAY - timedelta(days=2), until=TUESDAY)
    assert met.starts_at == datetime(2026, 3, 8, 8, 30, tzinfo=UTC)


@pytest.mark.rule("TPL-3")
@given(
    since=st.dates(date(2026, 1, 1), date(2026, 12, 1)),
    days=st.integers(0, 60),
    split=st.integers(0, 60),
    rule=st.sampled_from(["FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=TU,TH", "FREQ=MONTHLY;BYMONTHDAY=31"]),
)
def test_two_horizons_side_by_side_give_what_one_does(since: date, days: int, split: int, rule: str) -> None:
    until, middle = since + timedelta(days=days), since + timedelta(days=min(split, days))
    template = _template(recurrence=rule)
    whole = list(occurrences(template, PLACE, CHICAGO, since=since, until=until))
    first = list(occurrences(template, PLACE, CHICAGO, since=since, until=middle))
    rest = list(occurrences(template, PLACE, CHICAGO, since=middle + timedelta(days=1), until=until))
    assert first + rest == whole


@pytest.mark.rule("TPL-2")
@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR;INTERVAL=2;WKST=SU",
        "FREQ=MONTHLY;BYDAY=1MO,-1FR;COUNT=12",
        "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;UNTIL=20261231",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    ],
)
def test_rules_by_which_groups_meet_are_taken(rule: str) -> None:
    check_recurrence(rule)


@pytest.mark.rule("TPL-2")
@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every Tuesday",
        "BYDAY=TU",
        "FREQ=",
        "FREQ=HOURLY",
        "FREQ=MINUTELY",
        "freq=weekly",
        "FREQ=WEEKLY;",
        "FREQ=WEEKLY;FREQ=DAILY",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;INTERVAL=-1",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=WEEKLY;COUNT=3;UNTIL=20261231",
        "FREQ=WEEKLY;UNTIL=20260230",
        "FREQ=WEEKLY;UNTIL=99999999999",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=DAILY;BYHOUR=9,17",
        "FREQ=WEEKLY;BYSETPOS=999",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYSETPOS=366",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=+MO",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=YEARLY;BYDAY=54MO",
        "RRULE:FREQ=WEEKLY",
        "FREQ=WEEKLY\nRDATE:20260101T000000",
        "DTSTART:20260101T000000;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=MO,2TU",
        "FREQ=DAILY;BYDAY=1MO",
    ],
)
def test_what_is_no_rule_of_whole_days_is_refused(rule: str) -> None:
    with pytest.raises(BadRecurrenceError):
        check_recurrence(rule)


@given(st.from_regex(r"(FREQ|INTERVAL|BYDAY|COUNT|UNTIL)=[A-Z0-9,+-]{0,8}(;BY[A-Z]{3,8}=[0-9,-]{0,6}){0,2}"))
def test_no_text_breaks_the_check(rule: str) -> None:
    try:
        check_recurrence(rule)
    except BadRecurrenceError:
        return
    assert rule.startswith("FREQ=")


@pytest.mark.rule("TPL-2")
def test_of_an_hour_that_a_clock_change_repeats_the_first_is_meant() -> None:
    template = _template(first_on=date(2026, 11, 1), starts_at=time(1, 30), recurrence=None)
    (met,) = occurrences(template, PLACE, CHICAGO, since=date(2026, 11, 1), until=date(2026, 11, 1))
    assert met.starts_at == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


@pytest.mark.rule("TPL-2")
def test_a_day_that_is_an_exception_is_left_out() -> None:
    template = _template(exceptions=(date(2026, 3, 17),))
    met = occurrences(template, PLACE, CHICAGO, since=TUESDAY, until=date(2026, 3, 24))
    assert [one.on for one in met] == [TUESDAY, date(2026, 3, 24)]


_RULES = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=DAILY;BYDAY=MO,WE,FR;BYMONTH=1,2,7",
    "FREQ=DAILY;BYMONTHDAY=1,-1;BYSETPOS=1",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU",
    "FREQ=WEEKLY;INTERVAL=3;BYDAY=TU,SA;WKST=TH;BYSETPOS=-1",
    "FREQ=WEEKLY;BYDAY=MO,TU,SU;BYSETPOS=2",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;INTERVAL=5",
    "FREQ=MONTHLY;BYMONTHDAY=29,31,-2",
    "FREQ=MONTHLY;BYDAY=1MO,-1FR,5TH",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=+2TU",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1,1",
    "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    "FREQ=YEARLY",
    "FREQ=YEARLY;INTERVAL=2;BYMONTH=2,3",
    "FREQ=YEARLY;BYMONTHDAY=15",
    "FREQ=YEARLY;BYDAY=20MO,-1SU",
    "FREQ=YEARLY;BYMONTH=3,11;BYDAY=-1SU,1MO",
    "FREQ=YEARLY;BYMONTH=3,11;BYDAY=TU,TH;BYSETPOS=1,-2",
]


@pytest.mark.rule("TPL-3")
@given(
    rule=st.sampled_from(_RULES),
    count=st.sampled_from([None, 1, 17]),
    first_on=st.dates(date(2020, 1, 1), date(2027, 12, 31)),
    since=st.dates(date(2019, 1, 1), date(2033, 1, 1)),
    days=st.integers(0, 400),
)
def test_days_from_any_day_on_are_those_of_the_whole_series(
    rule: str, count: int | None, first_on: date, since: date, days: int
) -> None:
    until = since + timedelta(days=days)
    # dateutil goes through the whole series; an end keeps it from going on until the year 9999.
    ending = f"{rule};UNTIL={until:%Y%m%d}"
    series = (one.date() for one in rrulestr(ending, dtstart=datetime.combine(first_on, time())))
    expected = [one for one in islice(series, count) if one >= since]
    counted = f"{rule};COUNT={count}" if count else rule
    assert list(days_of_rule(counted, first_on, since=since, until=until)) == expected


@pytest.mark.rule("TPL-2")
@pytest.mark.parametrize("rule", _RULES)
def test_no_rule_that_has_days_is_refused(rule: str) -> None:
    check_recurrence(rule)


@pytest.mark.rule("TPL-3")
def test_a_day_far_away_is_looked_at_without_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, takes = list[date](), Rule.takes

    def takes_and_tells(rule: Rule, day: date) -> bool:
        seen.append(day)
        return takes(rule, day)

    monkeypatch.setattr(Rule, "takes", takes_and_tells)
    far = date(2199, 12, 31)
    assert list(days_of_rule("FREQ=DAILY", date(1900, 1, 1), since=far, until=far)) == [far]
    assert len(seen) == 31
