"""The shapes of the catalogue's API; a line of the CSV is checked by the same ones."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.billing_bridge.codes.domain import CodeEntry, GroupBand, Mode
from shared.events.record import CodeKind, UnitRule
from shared.web.shapes import Day, Shape, Title

MINUTES_AT_MOST = 24 * 60
GROUP_AT_MOST = 500

Modifier = Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")]
Modifiers = Annotated[tuple[Modifier, ...], Field(max_length=4)]
GroupSize = Annotated[int, Field(ge=1, le=GROUP_AT_MOST)]
Minutes = Annotated[int, Field(ge=1, le=MINUTES_AT_MOST)]

CODE_PATTERNS = {
    CodeKind.CCODE: "five capital letters or digits, for example 90853",
    CodeKind.HCODE: "five capital letters or digits, for example H0015",
    CodeKind.RCODE: "four digits, for example 0905",
}


class Band(Shape):
    """A range of group sizes, both ends included, and the modifiers that it adds."""

    smallest: GroupSize
    largest: GroupSize | None = None
    modifiers: Modifiers = ()


class Units(Shape):
    """How minutes become units; `minutes_to_round_up` of 8 with 15 per unit is the 8-minute rule."""

    by: Literal["session", "time"]
    minutes_per_unit: Minutes | None = None
    minutes_to_round_up: Minutes | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.by == "time" and self.minutes_per_unit is None:
            message = "by time needs minutes_per_unit, for example 15"
            raise ValueError(message)
        if self.by == "session" and (self.minutes_per_unit or self.minutes_to_round_up):
            message = "by session is always one unit: leave minutes_per_unit and minutes_to_round_up out"
            raise ValueError(message)
        if self.minutes_per_unit and (self.minutes_to_round_up or 1) > self.minutes_per_unit:
            message = "minutes_to_round_up must be at most minutes_per_unit"
            raise ValueError(message)
        return self


class CodeFacts(Shape):
    """One code for one period. What is null is left to the template of the session."""

    kind: CodeKind
    code: Annotated[str, Field(pattern=r"^[A-Z0-9]{4,5}$")]
    description: Title
    effective_on: Day
    ends_on: Day | None = None
    """The last day; null is open."""
    mode: Mode | None = None
    """`per_diem`: part of the day rate, reported and not charged; `ancillary`: a charge of its own."""
    place_of_service: Annotated[str, Field(pattern=r"^[0-9]{2}$")] | None = None
    modifiers: Modifiers | None = None
    units: Units | None = None
    minimum_minutes: Annotated[int, Field(ge=0, le=MINUTES_AT_MOST)] | None = None
    maximum_units: Annotated[int, Field(ge=1, le=1000)] | None = None
    smallest_group: GroupSize | None = None
    largest_group: GroupSize | None = None
    bands: Annotated[tuple[Band, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for fault in (
            _fault_of_code(self.kind, self.code),
            _fault_of_days(self.effective_on, self.ends_on),
            _fault_of_sizes(self.smallest_group, self.largest_group, "largest_group"),
            _fault_of_bands(self.bands),
            self._fault_of_revenue_code(),
        ):
            if fault:
                raise ValueError(fault)
        return self

    def _fault_of_revenue_code(self) -> str | None:
        rules = self.model_fields_set - {"kind", "code", "description", "effective_on", "ends_on"}
        if self.kind is CodeKind.RCODE and any(getattr(self, name) not in (None, ()) for name in rules):
            return "an rcode has a description and days alone: its rules are those of the hcode it goes with"
        return None

    def as_entry(self, *, code_id: UUID, version: int) -> CodeEntry:
        """Give it as the catalogue has it."""
        facts = {
            name: getattr(self, name) for name in CodeFacts.model_fields if name not in {"bands", "units"}
        }
        return CodeEntry(
            code_id=code_id,
            version=version,
            units=UnitRule(**self.units.model_dump()) if self.units else None,
            bands=tuple(GroupBand(**band.model_dump()) for band in self.bands),
            **facts,
        )


def _fault_of_code(kind: CodeKind, code: str) -> str | None:
    right = len(code) == 4 and code.isdigit() if kind is CodeKind.RCODE else len(code) == 5  # noqa: PLR2004
    return None if right else f"the code of this kind must be {CODE_PATTERNS[kind]}"


def _fault_of_days(effective_on: date, ends_on: date | None) -> str | None:
    return "ends_on must not be before effective_on" if ends_on and ends_on < effective_on else None


def _fault_of_sizes(smallest: int | None, largest: int | None, name: str) -> str | None:
    return f"{name} must not be under the smallest" if smallest and largest and largest < smallest else None


def _fault_of_bands(bands: tuple[Band, ...]) -> str | None:
    for band in bands:
        if fault := _fault_of_sizes(band.smallest, band.largest, "the largest of a band"):
            return fault
    in_order = sorted(bands, key=lambda band: band.smallest)
    if any(
        before.largest is None or after.smallest <= before.largest for before, after in pairwise(in_order)
    ):
        return "bands must not share a group size"
    return None


class Code(CodeFacts):
    """An entry of the catalogue; `ETag` carries its version."""

    id: UUID
    version: int


class CodePage(Shape):
    items: list[Code]
    """By kind and code."""
    next: str | None


class ImportReport(Shape):
    added: int
    changed: int
    unchanged: int
