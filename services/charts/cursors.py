"""Where a page ends: opaque to clients, a place in the order of the notes to us."""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from uuid import UUID

from shared.web.problems import InvalidProblem

_LAYOUT: Final = struct.Struct(">q16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Place:
    """The last note of a page: when its session was held, and its id among equals."""

    held_at: datetime
    note_id: UUID

    @property
    def cursor(self) -> str:
        """Write the place as text that fits into a URL."""
        microseconds = (self.held_at - _EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(_LAYOUT.pack(microseconds, self.note_id.bytes)).decode()

    @classmethod
    def at(cls, cursor: str) -> Self:
        """Read a cursor; raises `InvalidProblem` when it is not one of ours."""
        try:
            microseconds, note_id = _LAYOUT.unpack(base64.b64decode(cursor, altchars=b"-_", validate=True))
            held_at = _EPOCH + timedelta(microseconds=microseconds)
        except (binascii.Error, struct.error, ValueError, OverflowError):
            raise InvalidProblem(
                "The cursor is not one that this service gave.",
                errors=[{"pointer": "query:cursor", "detail": "use next_cursor of the page before"}],
            ) from None
        return cls(held_at=held_at, note_id=UUID(bytes=note_id))
