"""Present patients x notes filed x charges made x charges acknowledged, each difference named (BILL-10)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from services.billing_bridge.outcomes import Status

BilledAs = Literal["ancillary", "per_diem", "not_billed"]


class Kind(StrEnum):
    """What a difference is."""

    NOT_FILED = "not_filed"
    """A present patient has no note in the chart."""
    FILED_NOT_PRESENT = "filed_not_present"
    """A chart says that a patient was present, whom billing did not hear of."""
    NOT_HEARD = "not_heard"
    """Notes are filed of a session that billing never heard of."""
    FILING_UNKNOWN = "filing_unknown"
    """The charts service did not answer."""
    NOT_CHARGED = "not_charged"
    """A present patient of a billable session has no charge."""
    CHARGED_NOT_PRESENT = "charged_not_present"
    CHARGES_DIFFER = "charges_differ"
    """There are not as many charges as were made."""
    NOT_ACKNOWLEDGED = "not_acknowledged"
    """The other side has not taken the charge; the detail says why."""
    CANCELLED = "cancelled"
    """A person took the charge off."""
    NOT_REVERSED = "not_reversed"
    """The session is void and its charge is not reversed yet."""
    VOID_NOT_MARKED = "void_not_marked"
    """The session is void for billing and its notes stand in the charts."""
    MARKED_NOT_VOID = "marked_not_void"
    """Its notes are entered in error, and billing has not heard of it."""


@dataclass(frozen=True, kw_only=True)
class Documented:
    """One documentation, as billing heard of it."""

    documentation_id: UUID
    session_id: UUID
    present: frozenset[UUID]
    billed_as: BilledAs
    charges: int
    """How many were made of it."""
    void: bool


@dataclass(frozen=True, kw_only=True)
class MadeCharge:
    """A charge, and where it stands."""

    charge_id: UUID
    patient_id: UUID
    status: Status
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class FiledHere:
    """The notes of one documentation in the charts."""

    session_id: UUID
    present: frozenset[UUID]
    entered_in_error: bool


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One difference, named and linked."""

    kind: Kind
    detail: str
    patient_id: UUID | None = None
    charge_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One documentation in numbers, and every difference between them."""

    documentation_id: UUID
    session_id: UUID
    billed_as: BilledAs | None
    """None: billing never heard of it."""
    void: bool
    present: int
    filed: int | None
    """None: the charts service did not answer."""
    charges: int
    acknowledged: int
    """Accepted; of a void documentation reversed."""
    differences: tuple[Difference, ...]


DETAILS: Final = {
    Kind.NOT_FILED: "A present patient has no note in the chart.",
    Kind.FILED_NOT_PRESENT: "A chart has a note of a patient whom billing did not hear of as present.",
    Kind.NOT_HEARD: "Notes are filed of a session that billing never heard of.",
    Kind.FILING_UNKNOWN: "The charts service did not tell which notes are filed; ask again later.",
    Kind.NOT_CHARGED: "A present patient of a billable session has no charge.",
    Kind.CHARGED_NOT_PRESENT: "There is a charge for a patient who was not present.",
    Kind.VOID_NOT_MARKED: "The session is void, and its notes are not marked as entered in error.",
    Kind.MARKED_NOT_VOID: "Its notes are entered in error, and billing has not heard that it is void.",
}


def reconcile(
    documented: Sequence[Documented],
    charges: Mapping[UUID, Sequence[MadeCharge]],
    filed: Mapping[UUID, FiledHere] | None,
) -> list[Line]:
    """Compare what happened with what was filed, charged and acknowledged, by documentation.

    `filed` is None where the charts could not be asked. No difference is left out: where a line has
    none, all four numbers fit one another.
    """
    known = {one.documentation_id for one in documented}
    lines = [_line(one, charges.get(one.documentation_id, ()), filed) for one in documented]
    unheard = [(name, notes) for name, notes in (filed or {}).items() if name not in known]
    return lines + [_unheard(name, notes) for name, notes in unheard]


def _unheard(documentation_id: UUID, notes: FiledHere) -> Line:
    # Void for the charts and never heard of by billing: nothing was charged, nothing is owed.
    differences = () if notes.entered_in_error else (_named(Kind.NOT_HEARD),)
    return Line(
        documentation_id=documentation_id,
        session_id=notes.session_id,
        billed_as=None,
        void=notes.entered_in_error,
        present=0,
        filed=len(notes.present),
        charges=0,
        acknowledged=0,
        differences=differences,
    )


def _line(one: Documented, charges: Sequence[MadeCharge], filed: Mapping[UUID, FiledHere] | None) -> Line:
    notes = None if filed is None else filed.get(one.documentation_id)
    differences = (*_of_notes(one, notes, asked=filed is not None), *_of_charges(one, charges))
    done = Status.REVERSED if one.void else Status.ACCEPTED
    return Line(
        documentation_id=one.documentation_id,
        session_id=one.session_id,
        billed_as=one.billed_as,
        void=one.void,
        present=len(one.present),
        filed=None if filed is None else len(notes.present) if notes else 0,
        charges=len(charges),
        acknowledged=Counter(charge.status for charge in charges)[done],
        differences=differences,
    )


def _of_notes(one: Documented, notes: FiledHere | None, *, asked: bool) -> Iterator[Difference]:
    if not asked:
        yield _named(Kind.FILING_UNKNOWN)
        return
    present = notes.present if notes else frozenset()
    for patient_id in sorted(one.present - present):
        yield _named(Kind.NOT_FILED, patient_id=patient_id)
    for patient_id in sorted(present - one.present):
        yield _named(Kind.FILED_NOT_PRESENT, patient_id=patient_id)
    if notes and one.void != notes.entered_in_error:
        yield _named(Kind.VOID_NOT_MARKED if one.void else Kind.MARKED_NOT_VOID)


def _of_charges(one: Documented, charges: Sequence[MadeCharge]) -> Iterator[Difference]:
    charged = {charge.patient_id for charge in charges}
    if one.billed_as == "ancillary":
        for patient_id in sorted(one.present - charged):
            yield _named(Kind.NOT_CHARGED, patient_id=patient_id)
    for patient_id in sorted(charged - one.present):
        yield _named(Kind.CHARGED_NOT_PRESENT, patient_id=patient_id)
    if len(charges) != one.charges:
        detail = f"{one.charges} charges were made, and there are {len(charges)}."
        yield Difference(kind=Kind.CHARGES_DIFFER, detail=detail)
    for charge in charges:
        if kind := _kind_of(charge.status, void=one.void):
            yield Difference(
                kind=kind,
                detail=f"The charge is {charge.status}. {charge.reason or ''}".strip(),
                patient_id=charge.patient_id,
                charge_id=charge.charge_id,
            )


def _kind_of(status: Status, *, void: bool) -> Kind | None:
    if void:
        return None if status is Status.REVERSED else Kind.NOT_REVERSED
    if status is Status.REVERSED:
        return Kind.CANCELLED
    return None if status is Status.ACCEPTED else Kind.NOT_ACKNOWLEDGED


def _named(kind: Kind, *, patient_id: UUID | None = None) -> Difference:
    return Difference(kind=kind, detail=DETAILS[kind], patient_id=patient_id)
