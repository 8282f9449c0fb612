"""Which charges a documented session makes, and what a charge still lacks (BILL-1, 2, 3 and 9)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from shared.events.record import (
    Attendance,
    BillingCode,
    BillingFacts,
    CodeKind,
    Participant,
    SessionRecord,
    UnitRule,
)

NO_CODE: Final = ""
"""Stands where a code is missing: the charge is made all the same, and held."""


class ClaimForm(StrEnum):
    """The claim that a charge belongs on."""

    PROFESSIONAL = "professional"
    """CMS-1500: a CCode."""
    INSTITUTIONAL = "institutional"
    """UB-04: an HCode with its revenue code."""


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One billable line for one patient of one session: no clinical text, no name of a patient."""

    charge_id: UUID
    """The same whenever the same session is read again: a redelivery makes no second charge (BILL-2)."""
    system: str
    session_id: UUID
    documentation_id: UUID
    patient_id: UUID
    mrn: str
    service_date: date
    """The date at the location, not in UTC."""
    form: ClaimForm
    code: str
    description: str
    revenue_code: str | None
    modifiers: tuple[str, ...]
    place_of_service: str
    units: int
    minutes: int
    """The patient's own."""
    provider_name: str
    provider_npi: str | None
    group_size: int
    """How many patients were present."""
    lacking: str | None
    """Why the charge was held when it was made; None when nothing was missing (BILL-3)."""
    replaces: UUID | None = None
    """The charge of an earlier documentation of the same session, patient, form and code (BILL-6)."""

    @property
    def reversal_key(self) -> str:
        """The idempotency key under which it is reversed: as stable as the charge's own."""
        return f"{self.charge_id}-reversal"


@dataclass(frozen=True, kw_only=True)
class _Line:
    form: ClaimForm
    code: str
    description: str = ""
    revenue_code: str | None = None
    lacking: str | None = None


def charges_for(record: SessionRecord) -> list[Charge]:
    """Make every charge of a session: each present patient times each code, once.

    None without integrated billing (SET-6), none for a per diem group, which is only reported (BILL-1).
    """
    billing = record.billing
    if billing is None or billing.mode != "ancillary":
        return []
    present = [one for one in record.participants if one.attendance is Attendance.PRESENT]
    lines = _lines_of(billing.codes, on=service_date(record))
    return [_charge(record, billing, patient, line, len(present)) for patient in present for line in lines]


def service_date(record: SessionRecord) -> date:
    """Tell on which date the session was held, where it was held."""
    return record.started_at.astimezone(ZoneInfo(record.location.time_zone)).date()


def units_for(rule: UnitRule, *, minutes: int) -> int:
    """Turn a patient's minutes into units (BILL-9); without a rounding rule a started unit is no unit."""
    if rule.by == "session":
        return 1
    if rule.minutes_per_unit is None:
        return 0
    whole, rest = divmod(minutes, rule.minutes_per_unit)
    rounds_up = rule.minutes_to_round_up is not None and rest >= rule.minutes_to_round_up
    return whole + rounds_up


def never_billable(charge: Charge) -> str | None:
    """Say why no person may send a charge as it is, or None where a person may decide."""
    if charge.code == NO_CODE:
        return "it has no code"
    if charge.units < 1:
        return "it has no units"
    if charge.form is ClaimForm.INSTITUTIONAL and charge.revenue_code is None:
        return "an institutional charge needs a revenue code"
    return None


def _charge(
    record: SessionRecord, billing: BillingFacts, patient: Participant, line: _Line, group_size: int
) -> Charge:
    leader = record.leaders[0] if record.leaders else None
    units = units_for(billing.units, minutes=patient.minutes)
    faults = [line.lacking, *_faults_of_time(billing, patient.minutes, units)]
    if leader is None:
        faults.append("The session has no leader who could be the rendering provider.")
    return Charge(
        charge_id=uuid5(record.documentation_id, f"{patient.patient_id}|{line.form}|{line.code}"),
        system=billing.system,
        session_id=record.session_id,
        documentation_id=record.documentation_id,
        patient_id=patient.patient_id,
        mrn=patient.mrn,
        service_date=service_date(record),
        form=line.form,
        code=line.code,
        description=line.description,
        revenue_code=line.revenue_code,
        modifiers=billing.modifiers,
        place_of_service=billing.place_of_service,
        units=units,
        minutes=patient.minutes,
        provider_name=leader.printed_name if leader else "",
        provider_npi=leader.npi if leader else None,
        group_size=group_size,
        lacking=" ".join(fault for fault in faults if fault) or None,
    )


def _faults_of_time(billing: BillingFacts, minutes: int, units: int) -> Iterator[str]:
    if minutes < billing.minimum_minutes:
        yield f"{minutes} minutes are under the minimum of {billing.minimum_minutes}."
    if billing.units.by == "time" and billing.units.minutes_per_unit is None:
        yield "The template bills by time and has no minutes per unit."
    elif units == 0:
        yield f"{minutes} minutes make no unit."


def _lines_of(codes: Sequence[BillingCode], *, on: date) -> list[_Line]:
    lines = [*_professional(codes, on), *_institutional(codes, on)]
    missing = "The template has neither a CCode nor an HCode."
    return lines or [_Line(form=ClaimForm.PROFESSIONAL, code=NO_CODE, lacking=missing)]


def _professional(codes: Sequence[BillingCode], on: date) -> Iterator[_Line]:
    for code in _one_of_each(codes, CodeKind.CCODE, on):
        yield _Line(
            form=ClaimForm.PROFESSIONAL,
            code=code.code,
            description=code.description,
            lacking=_not_effective(code, on),
        )


def _institutional(codes: Sequence[BillingCode], on: date) -> Iterator[_Line]:
    revenue = next(iter(_one_of_each(codes, CodeKind.RCODE, on)), None)
    revenue_fault = _not_effective(revenue, on) if revenue else "The template has no RCode for its HCode."
    services = _one_of_each(codes, CodeKind.HCODE, on)
    for code in services:
        yield _Line(
            form=ClaimForm.INSTITUTIONAL,
            code=code.code,
            description=code.description,
            revenue_code=revenue.code if revenue else None,
            lacking=" ".join(fault for fault in (_not_effective(code, on), revenue_fault) if fault) or None,
        )
    if revenue and not services:
        missing = "The template has an RCode and no HCode to go with it."
        yield _Line(form=ClaimForm.INSTITUTIONAL, code=NO_CODE, revenue_code=revenue.code, lacking=missing)


def _one_of_each(codes: Sequence[BillingCode], kind: CodeKind, on: date) -> list[BillingCode]:
    """Give each code once; of several periods of one code the one in effect. Codes in effect come first."""
    in_effect_first = sorted(codes, key=lambda code: _not_effective(code, on) is not None)
    chosen: dict[str, BillingCode] = {}
    for code in in_effect_first:
        if code.kind is kind:
            chosen.setdefault(code.code, code)
    return list(chosen.values())


def _not_effective(code: BillingCode, on: date) -> str | None:
    if code.effective_on <= on and (code.ends_on is None or on <= code.ends_on):
        return None
    return f"{code.code} is not effective on {on.isoformat()}."
