"""Which charges a documented session makes, and what a charge still lacks (BILL-1, 2, 3 and 9)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.billing_bridge.codes.domain import NO_CATALOGUE, Catalogue
from services.billing_bridge.codes.terms import KnownCode, Terms, known_code, template_terms, units_for
from shared.events.record import Attendance, BillingFacts, CodeKind, Participant, SessionRecord

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
    """One billable line for one patient of one session: no clinical text."""

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
    code_id: UUID | None = None
    """The entry of the catalogue that decided, with its version; None: the template alone did (BILL-9)."""
    code_version: int | None = None
    replaces: UUID | None = None
    """The charge of an earlier documentation of the same session, patient, form and code (BILL-6)."""
    traceparent: str | None = None
    """The trace (W3C) of the request that signed its session, which its push continues."""
    patient_family: str | None = field(default=None, repr=False)
    """The patient's name and day of birth, for languages that demand them (PID-5); None: it was not kept."""
    patient_given: str | None = field(default=None, repr=False)
    patient_middle: str | None = field(default=None, repr=False)
    patient_born: date | None = field(default=None, repr=False)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """What would name the patient to whoever reads it, for hiding it in what is kept of an answer."""
        names = (self.patient_family, self.patient_given, self.patient_middle)
        return (self.mrn, *filter(None, names))

    @property
    def reversal_key(self) -> str:
        """The idempotency key under which it is reversed: as stable as the charge's own."""
        return f"{self.charge_id}-reversal"


@dataclass(frozen=True, kw_only=True)
class _Line:
    form: ClaimForm
    terms: Terms
    code: str = NO_CODE
    description: str = ""
    revenue_code: str | None = None
    lacking: str | None = None


def charges_for(record: SessionRecord, catalogue: Catalogue = NO_CATALOGUE) -> list[Charge]:
    """Make every charge of a session: each present patient times each code, once.

    None without integrated billing (SET-6), none for a per diem group or code, which is only reported
    (BILL-1). Where the instance's catalogue knows a code, it says more than the template (BILL-9).
    """
    if record.billing is None:
        return []
    present = [one for one in record.participants if one.attendance is Attendance.PRESENT]
    lines = _lines_of(record.billing, catalogue, on=service_date(record))
    return [
        _charge(record, patient, line, group_size=len(present), system=record.billing.system)
        for patient in present
        for line in lines
    ]


def service_date(record: SessionRecord) -> date:
    """Tell on which date the session was held, where it was held."""
    return record.started_at.astimezone(ZoneInfo(record.location.time_zone)).date()


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
    record: SessionRecord, patient: Participant, line: _Line, *, group_size: int, system: str
) -> Charge:
    leader = record.leaders[0] if record.leaders else None
    family, given, middle = _name_of(patient)
    terms = line.terms
    units = units_for(terms.units, minutes=patient.minutes)
    faults = [line.lacking, *terms.faults_of_time(patient.minutes, units), *terms.faults_of_size(group_size)]
    if leader is None:
        faults.append("The session has no leader who could be the rendering provider.")
    return Charge(
        charge_id=uuid5(record.documentation_id, f"{patient.patient_id}|{line.form}|{line.code}"),
        system=system,
        session_id=record.session_id,
        documentation_id=record.documentation_id,
        patient_id=patient.patient_id,
        mrn=patient.mrn,
        service_date=service_date(record),
        form=line.form,
        code=line.code,
        description=line.description,
        revenue_code=line.revenue_code,
        modifiers=terms.modifiers_for(group_size),
        place_of_service=terms.place_of_service,
        units=units,
        minutes=patient.minutes,
        provider_name=leader.printed_name if leader else "",
        provider_npi=leader.npi if leader else None,
        group_size=group_size,
        lacking=" ".join(fault for fault in faults if fault) or None,
        code_id=terms.code_id,
        code_version=terms.code_version,
        patient_family=family,
        patient_given=given,
        patient_middle=middle,
        patient_born=patient.birth_date,
    )


def _name_of(patient: Participant) -> tuple[str, str | None, str | None]:
    """Give family, first given and further given names; a record of old has the printed name alone."""
    if patient.family_name is None:
        given, _, family = patient.printed_name.rpartition(" ")
        return family, given or None, None
    first, *others = patient.given_names or (None,)
    return patient.family_name, first, " ".join(filter(None, others)) or None


def _lines_of(billing: BillingFacts, catalogue: Catalogue, *, on: date) -> list[_Line]:
    codes = [known_code(code, billing, catalogue, on=on) for code in billing.codes]
    services = [code for code in codes if code.kind is not CodeKind.RCODE]
    modes = {code.mode for code in services} or {billing.mode}
    if "ancillary" not in modes:
        return []
    charged = [code for code in codes if code.kind is CodeKind.RCODE or code.mode == "ancillary"]
    default = template_terms(billing)
    institutional_only_reported = any(
        code.kind is CodeKind.HCODE and code.mode == "per_diem" for code in services
    )
    lines = [
        *_professional(charged),
        *_institutional(charged, default, without_services=not institutional_only_reported),
    ]
    missing = "The template has neither a CCode nor an HCode."
    return lines or [_Line(form=ClaimForm.PROFESSIONAL, terms=default, lacking=missing)]


def _professional(codes: Sequence[KnownCode]) -> Iterator[_Line]:
    for code in _one_of_each(codes, CodeKind.CCODE):
        yield _Line(
            form=ClaimForm.PROFESSIONAL,
            terms=code.terms,
            code=code.code,
            description=code.description,
            lacking=code.lacking,
        )


def _institutional(codes: Sequence[KnownCode], default: Terms, *, without_services: bool) -> Iterator[_Line]:
    revenue = next(iter(_one_of_each(codes, CodeKind.RCODE)), None)
    revenue_fault = revenue.lacking if revenue else "The template has no RCode for its HCode."
    services = _one_of_each(codes, CodeKind.HCODE)
    for code in services:
        yield _Line(
            form=ClaimForm.INSTITUTIONAL,
            terms=code.terms,
            code=code.code,
            description=code.description,
            revenue_code=revenue.code if revenue else None,
            lacking=" ".join(fault for fault in (code.lacking, revenue_fault) if fault) or None,
        )
    if revenue and not services and without_services:
        missing = "The template has an RCode and no HCode to go with it."
        yield _Line(form=ClaimForm.INSTITUTIONAL, terms=default, revenue_code=revenue.code, lacking=missing)


def _one_of_each(codes: Sequence[KnownCode], kind: CodeKind) -> list[KnownCode]:
    """Give each code once; of several periods of one code the one in effect. Codes in effect come first."""
    in_effect_first = sorted(codes, key=lambda code: code.lacking is not None)
    chosen: dict[str, KnownCode] = {}
    for code in in_effect_first:
        if code.kind is kind:
            chosen.setdefault(code.code, code)
    return list(chosen.values())
