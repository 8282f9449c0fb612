"""Keyset pages with opaque cursors: a page deep in a list costs what the first one does."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

import orjson
from fastapi import Query

from shared.web.bodies import json_bytes
from shared.web.problems import InvalidProblem

DEFAULT_PAGE: Final = 50
LARGEST_PAGE: Final = 200

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE)]
Cursor = Annotated[str | None, Query(max_length=1000)]


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some rows of a list, and where the next ones begin."""

    items: Sequence[Mapping[str, Any]]
    next: str | None

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], *, limit: int, keys: Sequence[str]) -> Self:
        """Make a page from up to `limit + 1` rows, ordered by `keys`."""
        items = rows[:limit]
        following = write_cursor([items[-1][key] for key in keys]) if len(rows) > limit else None
        return cls(items=items, next=following)

    def body(self) -> dict[str, Any]:
        """Give the page as the API shows it."""
        return {"items": self.items, "next": self.next}


def write_cursor(values: Sequence[Any]) -> str:
    """Pack the last row's keys; callers only ever hand it back."""
    return base64.urlsafe_b64encode(json_bytes(values)).decode().rstrip("=")


def _storable(value: Any) -> Any:
    # PostgreSQL refuses NUL in a parameter; no cursor of ours has one.
    if isinstance(value, str) and "\x00" in value:
        raise ValueError
    return value


def read_cursor(cursor: str, types: Sequence[Callable[[Any], Any]]) -> list[Any]:
    """Unpack a cursor, each value made by its type; raises `InvalidProblem` when it is none of ours."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [make(_storable(value)) for make, value in zip(types, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, AttributeError):
        raise InvalidProblem(
            "The cursor is not one that this list has given.",
            errors=[{"pointer": "query:cursor", "detail": "use `next` of the page before, unchanged"}],
        ) from None
