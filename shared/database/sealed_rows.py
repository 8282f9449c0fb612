"""Rows of which some columns are sealed: all of a row's are sealed together, and opened together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson

from shared.database.fields import Fields, row_key
from shared.database.sealed_columns import Sealed


@dataclass(frozen=True, kw_only=True)
class SealedRows:
    """The sealed columns of one table, by what is in them. What is missing stays missing."""

    table: str
    key: tuple[str, ...] = ("id",)
    texts: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    insert_only: bool = False
    """As `Sealed` has it."""

    @property
    def columns(self) -> tuple[Sealed, ...]:
        """Give them for the service's registry."""
        return tuple(
            Sealed(place=f"{self.table}.{one}", row=self.key, insert_only=self.insert_only)
            for one in (*self.texts, *self.days, *self.json)
        )

    def sealed(
        self, fields: Fields, values: Mapping[str, Any], *, row: UUID | str | None = None
    ) -> dict[str, Any]:
        """Give values of a row as they are stored; `row` is its key where that is not among them."""
        bound = self._bound(values) if row is None else row
        return {
            name: value
            if value is None or name not in self._written
            else fields.seal(self._written[name](value), place=f"{self.table}.{name}", row=bound)
            for name, value in values.items()
        }

    def opened(
        self, fields: Fields, values: Mapping[str, Any], *, row: UUID | str | None = None
    ) -> dict[str, Any]:
        """Give stored values of a row as they were; raises `FieldUnsealableError`."""
        bound = self._bound(values) if row is None else row
        return {
            name: value
            if value is None or name not in self._read
            else self._read[name](fields.unseal(value, place=f"{self.table}.{name}", row=bound))
            for name, value in values.items()
        }

    def _bound(self, values: Mapping[str, Any]) -> str:
        return row_key(*(values[one] for one in self.key))

    @cached_property
    def _written(self) -> Mapping[str, Callable[[Any], str]]:
        as_they_are, days = dict.fromkeys(self.texts, str), dict.fromkeys(self.days, date.isoformat)
        return as_they_are | days | dict.fromkeys(self.json, _json)

    @cached_property
    def _read(self) -> Mapping[str, Callable[[str], Any]]:
        as_they_are, days = dict.fromkeys(self.texts, str), dict.fromkeys(self.days, date.fromisoformat)
        return as_they_are | days | dict.fromkeys(self.json, orjson.loads)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
