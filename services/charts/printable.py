"""One chart note as a page to print, with its signatures as 21 CFR 11.50 wants them shown."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from shared.web.pages import Page

PAGE: Final = Page(Path(__file__).parent / "templates", "note")
VOID: Final = "entered-in-error"


def printable(served: str) -> str:
    """Lay out a note as it is served; every text in it is escaped."""
    note = orjson.loads(served)
    zone = ZoneInfo(note["location"]["time_zone"])
    started, ended = (
        datetime.fromisoformat(note[name]).astimezone(zone) for name in ("started_at", "ended_at")
    )
    error = note["entered_in_error"]
    return PAGE.render(
        note=note,
        day=_day(started),
        time=f"{_time(started)} to {_time(ended)} {started.tzname()}",
        # Notes that were filed before these were kept have none of them.
        times=_own_times(note, zone),
        absence_reason=note.get("absence_reason"),
        problems=note.get("problems") or [],
        signatures=[_shown(one) for one in note["signatures"]],
        annotations=[one | {"signature": _shown(one["signature"])} for one in note["annotations"]],
        void=note["status"] == VOID,
        # Null where a newer documentation tells that this one is void, and the news of it is late.
        error=error and error | {"marked": _instant(error["at"])},
    )


def _own_times(note: dict[str, Any], zone: ZoneInfo) -> list[tuple[str, str]]:
    told = (("Arrived", note.get("arrived_at")), ("Left", note.get("left_at")))
    return [(label, _time(datetime.fromisoformat(at).astimezone(zone))) for label, at in told if at]


def _shown(signature: dict[str, Any]) -> dict[str, Any]:
    return signature | {"signed": _instant(signature["signed_at"])}


def _instant(text: str) -> str:
    at = datetime.fromisoformat(text).astimezone(UTC)
    return f"{_day(at)}, {at:%H:%M:%S} UTC"


def _day(moment: datetime) -> str:
    return f"{moment:%A, %B} {moment.day}, {moment.year}"


def _time(moment: datetime) -> str:
    return f"{moment:%I:%M %p}".lstrip("0")
