"""What ends up on the paper, in the words and the order in which it stands there."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from shared.events.sheet import SignInSheet

TEMPLATE_VERSION = 1
"""Raise it when template, styles or wording change: every sheet prepared before is then made again."""

LONGEST_RUNNING_TITLE = 240
"""Characters; four footer lines of wide script. The heading on the first page always shows all of it."""

UNPRINTABLE = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0xFFFE, 0xFFFF], " ")
"""Controls and non-characters: no glyph shows them and the XML of the PDF's metadata may not hold them."""


class UnknownTimeZoneError(ValueError):
    """The location's time zone is no IANA name, so no date can be printed; correct it and print again."""

    def __init__(self, sheet: SignInSheet) -> None:
        super().__init__(f"print job {sheet.job_id}: {sheet.time_zone!r} is no IANA time zone")


@dataclass(frozen=True, kw_only=True)
class PrintedFacts:
    """Everything that can change the printed sheet, and nothing else (no job, no clock)."""

    location: str
    group: str
    date: str
    time: str
    leaders: tuple[str, ...]
    names: tuple[str, ...]
    spare_rows: int
    paper: str
    language: str

    @classmethod
    def of(cls, sheet: SignInSheet) -> "PrintedFacts":
        """Put `sheet` into the words on the paper (PRINT-1); raises `UnknownTimeZoneError`."""
        starts, ends = _local_times(sheet)
        return cls(
            location=_printable(sheet.location_name),
            group=_printable(sheet.group_title),
            date=f"{starts:%A, %B} {starts.day}, {starts.year}",
            time=_time_range(starts, ends),
            leaders=tuple(map(_printable, sheet.leaders)),
            names=tuple(map(_printable, sheet.names)),
            spare_rows=sheet.spare_rows,
            paper=sheet.paper.value,
            language=_printable(sheet.language),
        )

    @property
    def running_title(self) -> str:
        """Group and date for the foot of each page."""
        too_long = len(self.group) > LONGEST_RUNNING_TITLE
        group = f"{self.group[: LONGEST_RUNNING_TITLE - 1]}…" if too_long else self.group
        return f"{group} · {self.date}"


def content_hash(sheet: SignInSheet) -> str:
    """SHA-256, in hex, of all that is printed and how: equal hashes, equal paper."""
    printed = [TEMPLATE_VERSION, asdict(PrintedFacts.of(sheet))]
    canonical = json.dumps(printed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()


def _printable(text: str) -> str:
    return text.translate(UNPRINTABLE).strip()


def _local_times(sheet: SignInSheet) -> tuple[datetime, datetime]:
    try:
        zone = ZoneInfo(sheet.time_zone)
    except (ValueError, OSError, KeyError) as error:  # KeyError is zoneinfo's own "not found"
        raise UnknownTimeZoneError(sheet) from error
    # The end is reckoned in UTC: a group over a clock change still lasts its minutes.
    ends_at = sheet.starts_at + timedelta(minutes=sheet.duration_minutes)
    return sheet.starts_at.astimezone(zone), ends_at.astimezone(zone)


def _time_range(starts: datetime, ends: datetime) -> str:
    # Over a clock change "1:30 to 1:15" would be nonsense without both abbreviations.
    first_zone = "" if starts.tzname() == ends.tzname() else f" {_zone(starts)}"
    return f"{_clock_time(starts)}{first_zone} – {_clock_time(ends)} {_zone(ends)}"  # noqa: RUF001


def _clock_time(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M %p}"


def _zone(moment: datetime) -> str:
    # Zones without letters name themselves by offset ("-03"), which alone reads like a number.
    name = moment.tzname() or ""
    return name if name.isalpha() else f"UTC{name}"
