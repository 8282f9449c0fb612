"""The base of every request body."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
MAX_TITLE_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 50_000


def _storable(text: str) -> str:
    # PostgreSQL can't store NUL, and a lone surrogate is no Unicode text at all.
    if UNSTORABLE.search(text):
        message = "must not contain the NUL character or half of a surrogate pair"
        raise ValueError(message)
    return text


Storable = Annotated[str, AfterValidator(_storable)]
"""Text that both databases take."""

Title = Annotated[Storable, Field(min_length=1, max_length=MAX_TITLE_CHARACTERS)]
"""One line: a name, a title, a topic."""

Text = Annotated[Storable, Field(max_length=MAX_TEXT_CHARACTERS)]
"""A note; kept exactly as it is written."""


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        message = "must be an IANA time zone, for example America/Chicago"
        raise ValueError(message)
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone."""


Day = Annotated[date, Field(ge=date(1900, 1, 1), lt=date(2200, 1, 1))]
"""A day far enough from the ends of the calendar that any time zone can be applied to it."""

Instant = Annotated[
    AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))
]
"""A point in time, bounded as `Day` is."""


class Shape(BaseModel):
    """Fields that are not known are refused: a typing mistake must not silently do nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
