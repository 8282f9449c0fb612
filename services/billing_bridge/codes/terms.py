"""What holds for one line of a session: the template's facts, and the catalogue's where it says more."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.billing_bridge.codes.domain import Catalogue, CodeEntry, GroupBand, Mode, entry_for
from shared.events.record import BillingCode, BillingFacts, CodeKind, UnitRule


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The rules of one line (BILL-1, BILL-9)."""

    place_of_service: str
    modifiers: tuple[str, ...]
    units: UnitRule
    minimum_minutes: int
    maximum_units: int | None = None
    smallest_group: int | None = None
    largest_group: int | None = None
    bands: tuple[GroupBand, ...] = ()
    code_id: UUID | None = None
    code_version: int | None = None

    def faults_of_time(self, minutes: int, units: int) -> Iterator[str]:
        """Say what a patient's minutes lack (BILL-3)."""
        if minutes < self.minimum_minutes:
            yield f"{minutes} minutes are under the minimum of {self.minimum_minutes}."
        if self.units.by == "time" and self.units.minutes_per_unit is None:
            yield "The template bills by time and has no minutes per unit."
        elif units == 0:
            yield f"{minutes} minutes make no unit."
        if self.maximum_units is not None and units > self.maximum_units:
            yield f"{units} units are over the maximum of {self.maximum_units}."

    def faults_of_size(self, group_size: int) -> Iterator[str]:
        """Say where the number of present patients is out of bounds (BILL-9)."""
        if self.smallest_group is not None and group_size < self.smallest_group:
            yield f"A group of {group_size} is under the smallest of {self.smallest_group}."
        if self.largest_group is not None and group_size > self.largest_group:
            yield f"A group of {group_size} is over the largest of {self.largest_group}."
        if self.bands and self._band_of(group_size) is None:
            yield f"A group of {group_size} is in none of the bands of its code."

    def modifiers_for(self, group_size: int) -> tuple[str, ...]:
        """Give the modifiers, those of the group's size last and none twice."""
        band = self._band_of(group_size)
        return tuple(dict.fromkeys((*self.modifiers, *(band.modifiers if band else ()))))

    def _band_of(self, group_size: int) -> GroupBand | None:
        return next((band for band in self.bands if band.takes(group_size)), None)


@dataclass(frozen=True, kw_only=True)
class KnownCode:
    """A code of the template, as the catalogue has it on the day of service."""

    kind: CodeKind
    code: str
    description: str
    mode: Mode
    terms: Terms
    lacking: str | None
    """Why it can't be used on that day (BILL-3)."""


def units_for(rule: UnitRule, *, minutes: int) -> int:
    """Turn a patient's minutes into units (BILL-9); without a rounding rule a started unit is no unit."""
    if rule.by == "session":
        return 1
    if rule.minutes_per_unit is None:
        return 0
    whole, rest = divmod(minutes, rule.minutes_per_unit)
    rounds_up = rule.minutes_to_round_up is not None and rest >= rule.minutes_to_round_up
    return whole + rounds_up


def template_terms(billing: BillingFacts) -> Terms:
    """Give what the template alone says."""
    return Terms(
        place_of_service=billing.place_of_service,
        modifiers=billing.modifiers,
        units=billing.units,
        minimum_minutes=billing.minimum_minutes,
    )


def known_code(code: BillingCode, billing: BillingFacts, catalogue: Catalogue, *, on: date) -> KnownCode:
    """Look a code of the template up; where the catalogue knows it, its dates and words count."""
    entry = entry_for(catalogue, code.kind, code.code, on=on)
    if entry is None:
        holds = code.effective_on <= on and (code.ends_on is None or on <= code.ends_on)
        return KnownCode(
            kind=code.kind,
            code=code.code,
            description=code.description,
            mode=billing.mode,
            terms=template_terms(billing),
            lacking=None if holds else _not_effective(code.code, on),
        )
    return KnownCode(
        kind=code.kind,
        code=code.code,
        description=entry.description,
        mode=entry.mode or billing.mode,
        terms=_terms_by(entry, billing),
        lacking=None if entry.holds_on(on) else _not_effective(code.code, on),
    )


def _terms_by(entry: CodeEntry, billing: BillingFacts) -> Terms:
    terms = template_terms(billing)
    names = ("place_of_service", "modifiers", "units", "minimum_minutes")
    said = {name: value for name in names if (value := getattr(entry, name)) is not None}
    return replace(
        terms,
        maximum_units=entry.maximum_units,
        smallest_group=entry.smallest_group,
        largest_group=entry.largest_group,
        bands=entry.bands,
        code_id=entry.code_id,
        code_version=entry.version,
        **said,
    )


def _not_effective(code: str, on: date) -> str:
    return f"{code} is not effective on {on.isoformat()}."
