"""What went wrong at a consumer, in two kinds: retry, or never."""

import traceback
from typing import Final

from sqlalchemy.exc import DBAPIError

from shared.database.field_keys import DataKeyUnopenableError
from shared.messaging.messages import Verdict

PASSING_SQLSTATES: Final = ("08", "40", "53", "55", "57", "58")
"""PostgreSQL classes: connection, rollback, resources, locks, operator intervention, system."""


class CannotApplyError(Exception):
    """The event will never be applied by this consumer, however often it is delivered."""


def verdict_on(error: Exception) -> Verdict:
    """Tell whether trying again can help."""
    if isinstance(error, DBAPIError):
        sqlstate = getattr(error.orig, "sqlstate", None)
        locked = "locked" in str(error.orig) or "disk" in str(error.orig)
        passing = error.connection_invalidated or (sqlstate or "").startswith(PASSING_SQLSTATES) or locked
        return Verdict.TRANSIENT if passing else Verdict.PERMANENT
    # A missing master key is put right by whoever runs this, and nothing was wrong with the event.
    passing = isinstance(error, OSError | TimeoutError | DataKeyUnopenableError)
    return Verdict.TRANSIENT if passing else Verdict.PERMANENT


def reason_of(error: BaseException) -> str:
    """Name the error's class and where it came from; its text may quote a patient and is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/site-packages/" not in frame.filename] or frames
    if not ours:
        return type(error).__name__
    parts = ours[-1].filename.rsplit("/", 3)[-3:]
    return f"{type(error).__name__} at {'/'.join(parts)}:{ours[-1].lineno}"
