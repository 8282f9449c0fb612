"""What an instance's catalogue says of codes: when they hold, and by which rules (BILL-1, BILL-9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final, Literal
from uuid import UUID

from shared.events.record import CodeKind, UnitRule

Mode = Literal["per_diem", "ancillary"]


@dataclass(frozen=True, kw_only=True)
class GroupBand:
    """A range of group sizes, both ends included, and the modifiers that go with it."""

    smallest: int
    largest: int | None
    modifiers: tuple[str, ...] = ()

    def takes(self, group_size: int) -> bool:
        """Tell whether a group of so many present patients is in it."""
        return self.smallest <= group_size and (self.largest is None or group_size <= self.largest)


@dataclass(frozen=True, kw_only=True)
class CodeEntry:
    """One code for one period. What is None is left to the template of the session."""

    code_id: UUID
    version: int
    kind: CodeKind
    code: str
    description: str
    effective_on: date
    ends_on: date | None = None
    """The last day; None is open."""
    mode: Mode | None = None
    place_of_service: str | None = None
    modifiers: tuple[str, ...] | None = None
    units: UnitRule | None = None
    minimum_minutes: int | None = None
    maximum_units: int | None = None
    smallest_group: int | None = None
    largest_group: int | None = None
    bands: tuple[GroupBand, ...] = ()
    """Empty: the group's size adds no modifier."""

    def holds_on(self, day: date) -> bool:
        """Tell whether the code may be used on a day (BILL-3)."""
        return self.effective_on <= day and (self.ends_on is None or day <= self.ends_on)


Catalogue = Mapping[tuple[CodeKind, str], Sequence[CodeEntry]]
"""Every period of each code that an instance knows."""

NO_CATALOGUE: Final[Catalogue] = {}


def entry_for(catalogue: Catalogue, kind: CodeKind, code: str, *, on: date) -> CodeEntry | None:
    """Give what the catalogue says of a code on a day; None where it does not know the code.

    Outside all of its periods it is the latest one that began before, or else the first: one that
    does not hold.
    """
    entries = sorted(catalogue.get((kind, code), ()), key=lambda one: one.effective_on)
    if not entries:
        return None
    return next((one for one in reversed(entries) if one.effective_on <= on), entries[0])


def overlapping(entries: Sequence[CodeEntry]) -> list[tuple[CodeEntry, CodeEntry]]:
    """Give each pair of one code's neighbouring periods that share a day: two rules would hold on it."""
    in_order = sorted(entries, key=lambda one: (one.kind, one.code, one.effective_on))
    return [
        (earlier, later)
        for earlier, later in pairwise(in_order)
        if (earlier.kind, earlier.code) == (later.kind, later.code)
        and (earlier.ends_on is None or later.effective_on <= earlier.ends_on)
    ]
