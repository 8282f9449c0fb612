"""Bodies kept in the process, to be answered again while all that they show is as it was."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from fastapi import Response

from shared.web.bodies import bytes_response

MEGABYTE: Final = 1_000_000

_BESIDE: Final = 2_000
"""About so many bytes an entry takes beside its texts and ids."""
_PER_ID: Final = 100


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A body, and what has to be the same for it to be shown again."""

    body: bytes = field(repr=False)
    versions: Mapping[str, Any]
    """Of everything that it shows, as read in the database before the body was."""
    etag: str | None = None
    patient_ids: Sequence[UUID] = ()
    """Whose data it shows, for the audit trail."""

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        texts = sum(len(one) for one in self.versions.values() if isinstance(one, str))
        return len(self.body) + texts + _PER_ID * len(self.patient_ids) + _BESIDE


class KeptBodies:
    """The bodies used last, in so many bytes at most.

    Nothing in here is ever shown unasked: whoever takes one out has the database confirm its versions and
    the reader's rights. A key names the instance.
    """

    def __init__(self, *, bytes_at_most: int) -> None:
        self._bytes_at_most = bytes_at_most
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self.size = 0

    def get(self, key: Hashable) -> Kept | None:
        """Give what is kept under a key."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def keep(self, key: Hashable, kept: Kept) -> None:
        """Keep a body instead of what was there; the ones longest unused make room."""
        self.forget(key)
        if kept.size > self._bytes_at_most:
            return
        self._kept[key] = kept
        self.size += kept.size
        while self.size > self._bytes_at_most:
            self.forget(next(iter(self._kept)))

    def forget(self, key: Hashable) -> None:
        """Let go of what is kept under a key."""
        gone = self._kept.pop(key, None)
        if gone is not None:
            self.size -= gone.size


def kept_response(kept: Kept) -> Response:
    """Answer with a body, kept or new."""
    return bytes_response(kept.body, headers={"ETag": kept.etag} if kept.etag else None)
