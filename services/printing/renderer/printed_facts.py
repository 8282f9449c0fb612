"""What ends up on a sign-in sheet, in the words and the order in which it stands there."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import zip_longest

from services.printing.renderer import wording
from services.printing.renderer.quick_response import QrCode, qr_code
from services.printing.renderer.wording import marked, one_line
from shared.events.sheet import SignInSheet

TEMPLATE_VERSION = 5
"""Raise it when template, styles or wording change: every sheet prepared before is then made again."""

FIGURE_SPACE = "\N{FIGURE SPACE}"
"""As wide as a digit, and no line ends at it."""


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
    code: QrCode | None

    @classmethod
    def of(cls, sheet: SignInSheet, *, session_link: str | None = None) -> "PrintedFacts":
        """Put `sheet` into the words on the paper (PRINT-1); raises `UnknownTimeZoneError`.

        `session_link` is the address of a session with `{session_id}` in it.
        """
        zone = wording.zone_of(sheet.job_id, sheet.time_zone)
        starts = sheet.starts_at.astimezone(zone)
        # The end is reckoned in UTC: a group over a clock change still lasts its minutes.
        ends = (sheet.starts_at + timedelta(minutes=sheet.duration_minutes)).astimezone(zone)
        return cls(
            location=marked(one_line(sheet.location_name)),
            group=marked(one_line(sheet.group_title)),
            date=wording.day(starts),
            time=wording.time_range(starts, ends),
            leaders=tuple(marked(one_line(leader)) for leader in sheet.leaders),
            names=tuple(marked(one_line(name)) for name in sheet.names),
            spare_rows=sheet.spare_rows,
            paper=sheet.paper.value,
            language=one_line(sheet.language),
            code=qr_code(session_link.replace("{session_id}", str(sheet.session_id)))
            if session_link
            else None,
        )

    @property
    def rows(self) -> int:
        """How many rows the sheet has, spare ones too."""
        return len(self.names) + self.spare_rows

    @property
    def numbered(self) -> Iterator[tuple[str, str | None]]:
        """Each row's number, and the name beside it; None in a spare row."""
        digits = max(2, len(str(self.rows)))
        for number, name in zip_longest(range(1, self.rows + 1), self.names):
            yield f"{number:{FIGURE_SPACE}>{digits}}.{FIGURE_SPACE * 2}", name

    @property
    def running_title(self) -> str:
        """Group and date for the foot of each page."""
        return wording.running(self.group, self.date)


def content_hash(sheets: Sequence[SignInSheet], *, session_link: str | None = None) -> str:
    """SHA-256, in hex, of all that is printed and how: equal hashes, equal paper."""
    printed = [
        TEMPLATE_VERSION,
        *(asdict(PrintedFacts.of(one, session_link=session_link)) for one in sheets),
    ]
    canonical = json.dumps(printed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()
