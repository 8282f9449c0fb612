"""People and places, as the rest of the service sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID, uuid5

from shared.events.sheet import Paper
from shared.events.staff import Feature, Role

DAY_NOT_KNOWN: Final = date.min
"""Known to be dead, not known since when: out of every group at once, and equal at every import."""

NPI_DIGITS: Final = 10
NPI_PREFIX: Final = "80840"
"""Health applications, United States (ISO/IEC 7812): part of the check, never printed."""

LETTER_ZONES: Final = ("America/", "US/", "Canada/", "Pacific/Honolulu", "Pacific/Guam", "Asia/Manila")
"""Where paper is Letter. South of it some countries have A4; their locations say so themselves."""


@dataclass(frozen=True, kw_only=True)
class Organization:
    """Who runs locations."""

    id: UUID
    name: str


@dataclass(frozen=True, kw_only=True)
class Location:
    """A facility, with its IANA time zone."""

    id: UUID
    name: str
    time_zone: str
    organization_id: UUID | None
    paper: Paper | None = None
    """None: what is usual in the time zone."""

    @property
    def paper_size(self) -> Paper:
        """What sheets are printed on here (PRINT-4)."""
        usual = Paper.LETTER if self.time_zone.startswith(LETTER_ZONES) else Paper.A4
        return Paper(self.paper) if self.paper else usual


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    """A user: a member of staff of one instance."""

    id: UUID
    npi: str | None
    first_name: str
    last_name: str
    credentials: str | None
    active: bool
    external_issuer: str | None = None
    external_subject: str | None = None
    """The issuer's own name for the user, where its tokens do not carry `id`."""

    @property
    def printed_name(self) -> str:
        """The name as it stands under a signature."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def signature_name(self) -> str:
        """The name with credentials after it: `Margaret Chen, LCSW`."""
        return f"{self.printed_name}, {self.credentials}" if self.credentials else self.printed_name


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A person in treatment."""

    id: UUID
    mrn: str
    first_name: str
    middle_name: str | None
    last_name: str
    preferred_name: str | None
    birth_date: date | None
    deceased_on: date | None
    admitted_on: date | None
    discharged_on: date | None
    location_id: UUID | None = None

    @property
    def printed_name(self) -> str:
        """The full name as it stands in the patient's own chart."""
        return " ".join(filter(None, (self.first_name, self.middle_name, self.last_name)))

    def in_treatment_on(self, day: date) -> bool:
        """Whether the patient can be expected in a group on that day (SCH-5).

        From the day of admission to the day of discharge, both included; not on the day of death.
        """
        return (
            (self.admitted_on is None or self.admitted_on <= day)
            and (self.discharged_on is None or day <= self.discharged_on)
            and (self.deceased_on is None or day < self.deceased_on)
        )


@dataclass(frozen=True, kw_only=True)
class StaffRole:
    """What an imported PractitionerRole says: the practitioner, by NPI, and a role that follows from it."""

    npi: str
    role: Role | None


class BothReviewFeaturesError(Exception):
    """One user would both need review and give it: assign one of the two (PERM-6)."""


def check_features(features: frozenset[Feature]) -> None:
    """Raise `BothReviewFeaturesError` for a user who would review their own kind of work (PERM-6)."""
    if {Feature.REQUIRES_GROUP_SESSION_REVIEW, Feature.REVIEW_GROUP_SESSIONS} <= features:
        raise BothReviewFeaturesError


def imported_id(instance_id: UUID, resource_type: str, fhir_id: str) -> UUID:
    """Give the id under which an imported resource is kept: the same at every import."""
    return uuid5(instance_id, f"{resource_type}/{fhir_id}")


@dataclass(frozen=True, kw_only=True)
class CareTeamMember:
    """A user who looks after a patient; one of them may be the Primary Therapist."""

    user_id: UUID
    primary_therapist: bool


class ImpossibleDatesError(Exception):
    """A patient's dates contradict each other, or lie in the future; `errors` has a reason for each field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def check_dates(patient: Patient, *, today: date) -> None:
    """Raise `ImpossibleDatesError` for dates of a life that nobody can have had."""
    errors: dict[str, str] = {}
    for name in ("birth_date", "deceased_on"):
        day = getattr(patient, name)
        # Somewhere it is tomorrow already.
        if day is not None and day > today + timedelta(days=1):
            errors[name] = "must not lie in the future"
    for name in ("admitted_on", "discharged_on", "deceased_on"):
        day = getattr(patient, name)
        if day not in {None, DAY_NOT_KNOWN} and patient.birth_date is not None and day < patient.birth_date:
            errors[name] = "must not lie before birth_date"
    if patient.admitted_on and patient.discharged_on and patient.discharged_on < patient.admitted_on:
        errors["discharged_on"] = "must not lie before admitted_on"
    if errors:
        raise ImpossibleDatesError(errors)


def is_npi(number: str) -> bool:
    """Whether it is a NPI: ten digits that pass Luhn's check with 80840 before them."""
    if len(number) != NPI_DIGITS or not (number.isascii() and number.isdigit()):
        return False
    digits = [int(digit) for digit in reversed(NPI_PREFIX + number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
