"""The time of day, as something that is handed in."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now_utc() -> datetime:
    """Tell the present moment, aware, in UTC."""
    return datetime.now(UTC)
