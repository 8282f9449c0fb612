"""Dates, times and texts as they stand on paper."""

from datetime import UTC, date, datetime
from typing import Final
from unicodedata import bidirectional
from uuid import UUID
from zoneinfo import ZoneInfo

LONGEST_RUNNING_TITLE: Final = 240
"""Characters; four footer lines of wide script. The heading on the first page always shows all of it."""

UNPRINTABLE: Final = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0xFFFE, 0xFFFF], " ")
"""Controls and non-characters: no glyph shows them and the XML of the PDF's metadata may not hold them."""

LINE_ENDS: Final = UNPRINTABLE | {0x0A: "\n"}

RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})
"""How Unicode calls the directions of Hebrew's letters and of Arabic's."""
RIGHT_TO_LEFT_MARK: Final = "\N{RIGHT-TO-LEFT MARK}"


class UnknownTimeZoneError(ValueError):
    """The location's time zone is no IANA name, so no date can be printed; correct it and print again."""

    def __init__(self, subject: UUID, time_zone: str) -> None:
        super().__init__(f"{subject}: {time_zone!r} is no IANA time zone")


def one_line(text: str) -> str:
    """Give a text without what can't be printed."""
    return text.translate(UNPRINTABLE).strip()


def marked(name: str) -> str:
    """Give a name whose stop stays with it: after an Arabic or Hebrew initial it belongs to the left.

    Names stand in lines that run to the right, where a stop at the end would go to the wrong side. A mark
    after it, unlike an isolate around the name, also holds in the last line of a name that wraps.
    """
    directions = [bidirectional(letter) for letter in name]
    strong = [one for one in directions if one in {"L", *RIGHT_TO_LEFT}]
    return f"{name}{RIGHT_TO_LEFT_MARK}" if strong and strong[-1] in RIGHT_TO_LEFT else name


def several_lines(text: str) -> str:
    """Give a text without what can't be printed, its line ends kept."""
    return text.replace("\r\n", "\n").translate(LINE_ENDS).strip()


def zone_of(subject: UUID, time_zone: str) -> ZoneInfo:
    """Give a time zone; raises `UnknownTimeZoneError`."""
    try:
        return ZoneInfo(time_zone)
    except (ValueError, OSError, KeyError) as error:  # KeyError is zoneinfo's own "not found"
        raise UnknownTimeZoneError(subject, time_zone) from error


def day(moment: date) -> str:
    """Write a day out: `Monday, May 5, 2025`."""
    return f"{moment:%A, %B} {moment.day}, {moment.year}"


def short_day(moment: date) -> str:
    """Write a day without its weekday: `May 5, 2025`."""
    return f"{moment:%B} {moment.day}, {moment.year}"


def instant(moment: datetime) -> str:
    """Write a point in time in UTC, as 21 CFR 11.50 wants it shown."""
    in_utc = moment.astimezone(UTC)
    return f"{short_day(in_utc)}, {in_utc:%H:%M:%S} UTC"


def time_range(starts: datetime, ends: datetime) -> str:
    """Write from when to when, with the zone."""
    # Over a clock change "1:30 to 1:15" would be nonsense without both abbreviations.
    first_zone = "" if starts.tzname() == ends.tzname() else f" {_zone(starts)}"
    return f"{_clock_time(starts)}{first_zone} – {_clock_time(ends)} {_zone(ends)}"  # noqa: RUF001


def running(title: str, when: str) -> str:
    """Write group and date for the foot of each page."""
    if len(title) > LONGEST_RUNNING_TITLE:
        title = f"{title[: LONGEST_RUNNING_TITLE - 1]}…"
    return f"{title} · {when}"


def _clock_time(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M %p}"


def _zone(moment: datetime) -> str:
    # Zones without letters name themselves by offset ("-03"), which alone reads like a number.
    name = moment.tzname() or ""
    return name if name.isalpha() else f"UTC{name}"
