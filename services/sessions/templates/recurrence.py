"""On which days a rule of RFC 5545 falls: counted by whole periods from any day on, never by the series."""

import re
from calendar import isleap, monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Final

_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAY: Final = "|".join(_WEEKDAYS)
_DAY: Final = rf"([+-]?(0?[1-9]|[1-9]\d))?({_WEEKDAY})"
_NUMBERS: Final = r"[+-]?[1-9]\d{0,2}(,[+-]?[1-9]\d{0,2})*"

RULE_PARTS: Final[Mapping[str, str]] = {
    "FREQ": "DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,2}",
    "COUNT": r"[1-9]\d{0,3}",
    "UNTIL": r"\d{8}",
    "BYDAY": f"{_DAY}(,{_DAY})*",
    "BYMONTH": _NUMBERS,
    "BYMONTHDAY": _NUMBERS,
    "BYSETPOS": _NUMBERS,
    "WKST": _WEEKDAY,
}
"""The parts of RFC 5545 that say on which days a group meets."""

_LONGEST: Final[Mapping[int, int]] = {month: monthrange(2000, month)[1] for month in range(1, 13)}
"""How many days each month has at most."""
_DAYS_IN_WEEK: Final = 7
_DAYS_IN_YEAR: Final = 366
_WEEKS_IN_MONTH: Final = 5
_WEEKS_IN_YEAR: Final = 53


class BadRecurrenceError(Exception):
    """The recurrence is not an RFC 5545 rule such as `FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261231`."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of RFC 5545, read. A part that is empty is not given."""

    frequency: str
    interval: int
    count: int | None
    until: date
    weekdays: frozenset[int]
    """Monday is 0."""
    nth_weekdays: frozenset[tuple[int, int]]
    """Number and weekday: (-1, 4) is the last Friday of the month or year."""
    months: frozenset[int]
    month_days: frozenset[int]
    positions: frozenset[int]
    week_start: int

    def from_first(self, first_on: date) -> "Rule":
        """Give the rule with what its first day says for it: the weekday, or the day of the year or month."""
        if self.weekdays or self.nth_weekdays or self.month_days or self.frequency == "DAILY":
            return self
        if self.frequency == "WEEKLY":
            return replace(self, weekdays=frozenset({first_on.weekday()}))
        each_year = self.frequency == "YEARLY" and not self.months
        months = frozenset({first_on.month}) if each_year else self.months
        return replace(self, months=months, month_days=frozenset({first_on.day}))

    def takes(self, day: date) -> bool:
        """Whether a day fits, whatever its position in the period is."""
        if self.months and day.month not in self.months:
            return False
        if self.month_days and day.day not in self.month_days:
            from_the_end = day.day - monthrange(day.year, day.month)[1] - 1
            if from_the_end not in self.month_days:
                return False
        if not (self.weekdays or self.nth_weekdays) or day.weekday() in self.weekdays:
            return True
        return bool(self.nth_weekdays) and not self.nth_weekdays.isdisjoint(self._numbered(day))

    def _numbered(self, day: date) -> set[tuple[int, int]]:
        """Give which of its weekday a day is in the month or year, from the front and from the back."""
        if self.frequency == "YEARLY" and not self.months:
            number, length = day.timetuple().tm_yday, 365 + isleap(day.year)
        else:
            number, length = day.day, monthrange(day.year, day.month)[1]
        weekday = day.weekday()
        return {((number + 6) // 7, weekday), (-((length - number) // 7 + 1), weekday)}

    def period_of(self, day: date) -> int:
        """Number the week, month or year of a day, one after the other."""
        match self.frequency:
            case "WEEKLY":
                return (day.toordinal() - 1 - self.week_start) // 7
            case "MONTHLY":
                return day.year * 12 + day.month - 1
        return day.year

    def days_in(self, period: int) -> range:
        """Give the days of a period, as ordinals."""
        match self.frequency:
            case "WEEKLY":
                start = period * 7 + 1 + self.week_start
                return range(start, start + 7)
            case "MONTHLY":
                year, month = divmod(period, 12)
                start = date(year, month + 1, 1).toordinal()
                return range(start, start + monthrange(year, month + 1)[1])
        start = date(period, 1, 1).toordinal()
        return range(start, start + 365 + isleap(period))


@lru_cache(maxsize=1024)
def read_rule(text: str) -> Rule:
    """Read a rule; raises `BadRecurrenceError`."""
    parts = [part.partition("=")[::2] for part in text.split(";")]
    named = dict(parts)
    if len(named) < len(parts) or "FREQ" not in named or named.keys() >= {"COUNT", "UNTIL"}:
        raise BadRecurrenceError
    if not all(name in RULE_PARTS and re.fullmatch(RULE_PARTS[name], of, re.ASCII) for name, of in parts):
        raise BadRecurrenceError
    listed = {name: of.split(",") for name, of in parts}
    numbers = {
        name: frozenset(map(int, listed.get(name, ()))) for name in RULE_PARTS if RULE_PARTS[name] is _NUMBERS
    }
    days = {(int(one[:-2] or 0), _WEEKDAYS.index(one[-2:])) for one in listed.get("BYDAY", ())}
    # A week or a day has no n-th Monday: in rules of before that was refused it says nothing.
    numbered = named["FREQ"] in {"MONTHLY", "YEARLY"}
    return Rule(
        frequency=named["FREQ"],
        interval=int(named.get("INTERVAL", 1)),
        count=int(named["COUNT"]) if "COUNT" in named else None,
        until=_day(named["UNTIL"]) if "UNTIL" in named else date.max,
        weekdays=frozenset(weekday for number, weekday in days if not (number and numbered)),
        nth_weekdays=frozenset(one for one in days if one[0] and numbered),
        months=numbers["BYMONTH"],
        month_days=numbers["BYMONTHDAY"],
        positions=numbers["BYSETPOS"],
        week_start=_WEEKDAYS.index(named.get("WKST", "MO")),
    )


def _day(text: str) -> date:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise BadRecurrenceError from None


def check_recurrence(text: str) -> None:
    """Raise `BadRecurrenceError` unless the rule is one whose meetings are whole days apart.

    A rule whose parts leave no day is refused by arithmetic: looking for one could take forever.
    """
    rule = read_rule(text)
    if rule.frequency in {"DAILY", "WEEKLY"} and re.search(r"BYDAY=[^;]*\d", text):
        raise BadRecurrenceError  # RFC 5545, 3.3.10: a day or a week has no n-th Monday
    months = rule.months or _LONGEST.keys()
    by_month = rule.frequency == "MONTHLY" or bool(rule.months)
    if not (
        rule.months <= _LONGEST.keys()
        and all(abs(one) <= max(_LONGEST.values()) for one in rule.month_days)
        and any(abs(one) <= _LONGEST[month] for one in rule.month_days or (1,) for month in months)
        and all(
            abs(number) <= (_WEEKS_IN_MONTH if by_month else _WEEKS_IN_YEAR)
            for number, _ in rule.nth_weekdays
        )
        and all(abs(one) <= _DAYS_IN_YEAR for one in rule.positions)
        and any(abs(one) <= _most_days(rule) for one in rule.positions or (1,))
    ):
        raise BadRecurrenceError


def _most_days(rule: Rule) -> int:
    """Give how many days one period can have at most, from which BYSETPOS chooses."""
    if rule.frequency == "DAILY":
        return 1
    if rule.frequency == "WEEKLY":
        return len(rule.weekdays) or (_DAYS_IN_WEEK if rule.month_days else 1)
    months = len(rule.months) or 12 if rule.frequency == "YEARLY" else 1
    by_number = len(rule.month_days) * months if rule.month_days else _DAYS_IN_YEAR
    by_weekday = _WEEKS_IN_MONTH * months * len(rule.weekdays) + months * len(rule.nth_weekdays)
    given = rule.month_days or by_weekday
    return min(by_number, by_weekday or _DAYS_IN_YEAR) if given else max(len(rule.months), 1)


def days_of_rule(text: str, first_on: date, *, since: date, until: date) -> Iterator[date]:
    """Give the days from `since` to `until`, both included, of a rule that begins on `first_on`.

    Takes time for these days alone; with COUNT, which is counted from the first one, for those before too.
    """
    rule = read_rule(text).from_first(first_on)
    until = min(until, rule.until)
    if rule.count is None:
        yield from _falling(rule, first_on, max(since, first_on), until)
        return
    counted = islice(_falling(rule, first_on, first_on, until), rule.count)
    yield from (day for day in counted if day >= since)


def _falling(rule: Rule, first_on: date, since: date, until: date) -> Iterator[date]:
    if rule.frequency == "DAILY":
        yield from _daily(rule, first_on, since, until)
        return
    first = rule.period_of(first_on)
    skipped = -(-(rule.period_of(since) - first) // rule.interval)
    for period in range(first + skipped * rule.interval, rule.period_of(until) + 1, rule.interval):
        days = [day for day in _all_days(rule, period, first_on) if rule.takes(day)]
        yield from (day for day in _in_position(days, rule.positions) if since <= day <= until)


def _daily(rule: Rule, first_on: date, since: date, until: date) -> Iterator[date]:
    # By months, of which those that do not fit are passed over.
    by_month = replace(rule, frequency="MONTHLY", interval=1, positions=frozenset())
    days = _falling(by_month, first_on, since, until)
    yield from (day for day in days if (day - first_on).days % rule.interval == 0)


def _all_days(rule: Rule, period: int, first_on: date) -> Iterator[date]:
    ordinals = rule.days_in(period)
    # The first week begins with the first day; the first month and year are whole, as dateutil has it.
    start = max(ordinals.start, first_on.toordinal()) if rule.frequency == "WEEKLY" else ordinals.start
    return map(date.fromordinal, range(start, min(ordinals.stop, date.max.toordinal() + 1)))


def _in_position(days: list[date], positions: frozenset[int]) -> list[date]:
    if not positions:
        return days
    return [day for at, day in enumerate(days) if positions & {at + 1, at - len(days)}]
