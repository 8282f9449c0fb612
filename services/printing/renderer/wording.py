"""Dates, times and texts as they stand on paper."""

from bisect import bisect_right
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import Final
from unicodedata import bidirectional, east_asian_width
from uuid import UUID
from zoneinfo import ZoneInfo

LONGEST_RUNNING_TITLE: Final = 200
"""Columns, of which a letter of a wide script takes two: two or three lines of a foot, which stay on paper.
The heading on the first page always shows all of it."""
LONGEST_BESIDE_A_PATIENT: Final = 76
"""Columns of a title in the foot of a note, where the patient's name and record number come first."""
LONGEST_RUNNING_NAME: Final = 60
"""Columns of that name, which the note's first page shows whole."""

UNPRINTABLE: Final = (
    dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFFFE, 0xFFFF], " ")
    # Overrides, embeddings and isolates: an open one would turn the facts around that follow in its line.
    | dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "")
)
"""Controls and non-characters: no glyph shows them and the XML of the PDF's metadata may not hold them."""

LINE_ENDS: Final = UNPRINTABLE | {0x0A: "\n", 0x2028: "\n", 0x2029: "\n"}

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
    """Give a name or title whose stop stays with it: after an Arabic or Hebrew letter it belongs to the left.

    They stand in lines that run to the right, where a stop at the end would go to the wrong side. A mark
    after it, unlike an isolate around the name, also holds in the last line of a name that wraps.
    """
    strong = _strong_directions(name)
    return f"{name}{RIGHT_TO_LEFT_MARK}" if strong and strong[-1] in RIGHT_TO_LEFT else name


def direction(text: str) -> str:
    """Tell which way a text runs, `ltr` or `rtl`, by its first letter that has a direction (UAX 9, P2)."""
    strong = _strong_directions(text)
    return "rtl" if strong and strong[0] in RIGHT_TO_LEFT else "ltr"


def _strong_directions(text: str) -> list[str]:
    return [one for one in map(bidirectional, text) if one in {"L", *RIGHT_TO_LEFT}]


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


def running(title: str, when: str, *, columns: int = LONGEST_RUNNING_TITLE) -> str:
    """Write group and date for the foot of each page, the group's title in so many columns at most."""
    return f"{shortened(title, columns)} · {when}"


def shortened(text: str, columns: int) -> str:
    """Cut a text that is wider, and show that it was."""
    ends = list(accumulate(2 if east_asian_width(letter) in {"W", "F"} else 1 for letter in text))
    if not ends or ends[-1] <= columns:
        return text
    return f"{text[: bisect_right(ends, columns - 1)]}…"


def _clock_time(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M %p}"


def _zone(moment: datetime) -> str:
    # Zones without letters name themselves by offset ("-03"), which alone reads like a number.
    name = moment.tzname() or ""
    return name if name.isalpha() else f"UTC{name}"
