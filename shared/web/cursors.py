"""Keyset pages with opaque cursors: a page deep in a list costs what the first one does.

A cursor is sealed: it holds the last row's keys, patients' names among them, and stands in addresses, which
everybody logs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

import orjson
from fastapi import Query
from sqlalchemy import ColumnElement, literal, tuple_
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.messaging.sealing import KeyRing, UnsealableError
from shared.web.bodies import json_bytes
from shared.web.problems import InvalidProblem

DEFAULT_PAGE: Final = 50
LARGEST_PAGE: Final = 200

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE)]
LONGEST_CURSOR: Final = 4000
"""Two names of 200 characters fit, in any script."""
Cursor = Annotated[str | None, Query(max_length=LONGEST_CURSOR)]

_PURPOSE: Final = "cursor"
_KEYS: Final[ContextVar[KeyRing]] = ContextVar("keys of cursors")


@contextmanager
def cursors_sealed_with(keys: KeyRing) -> Iterator[None]:
    """Write and read cursors by these keys, as long as it lasts."""
    token = _KEYS.set(keys)
    try:
        yield
    finally:
        _KEYS.reset(token)


class SealedCursors:
    """Serves every request with the keys that its cursors are sealed with."""

    def __init__(self, app: ASGIApp, *, keys: KeyRing) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        with cursors_sealed_with(self._keys):
            await self._app(scope, receive, send)


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
    """Seal the last row's keys; callers only ever hand it back."""
    return _KEYS.get().seal(json_bytes(values).decode(), purpose=_PURPOSE).rstrip("=")


def past(cursor: str, keys: Sequence[ColumnElement[Any]], *, descending: bool = False) -> ColumnElement[bool]:
    """Give the condition of rows beyond a cursor, in the order of `keys`; raises `InvalidProblem`.

    Compared as one tuple: the index is entered right there, however deep the page is.
    """
    reached = zip(read_cursor(cursor, [key.type.python_type for key in keys]), keys, strict=True)
    place = tuple_(*(literal(value, key.type) for value, key in reached))
    return tuple_(*keys) < place if descending else tuple_(*keys) > place


def read_cursor(cursor: str, types: Sequence[type]) -> list[Any]:
    """Unpack a cursor; raises `InvalidProblem` when it is none of ours."""
    key_id, _, sealed = cursor.partition(".")
    padded = f"{key_id}.{sealed}{'=' * (-len(sealed) % 4)}"
    try:
        values = orjson.loads(_KEYS.get().unseal(padded, purpose=_PURPOSE))
        return [_READERS[kind](value) for kind, value in zip(types, values, strict=True)]
    except (UnsealableError, ValueError, TypeError, AttributeError, OverflowError):
        raise InvalidProblem(
            "The cursor is not one that this list has given.",
            errors=[{"pointer": "query:cursor", "detail": "use `next` of the page before, unchanged"}],
        ) from None


def _text(value: str) -> str:
    # PostgreSQL refuses NUL in a parameter; no cursor of ours has one.
    if "\x00" in value:
        raise ValueError
    return value


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    # Near the ends of the calendar there are moments that have no date in UTC.
    return moment.astimezone(UTC)


def _number(value: int) -> int:
    # As large as a column takes; JSON's true is a number to Python.
    if type(value) is not int or abs(value) >= 1 << 63:
        raise ValueError
    return value


_READERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    str: _text,
    int: _number,
    date: date.fromisoformat,
    datetime: _moment,
    UUID: UUID,
}
