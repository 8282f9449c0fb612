from datetime import date
from typing import Any

import pytest

from services.sessions.directory.domain import (
    DAY_NOT_KNOWN,
    Location,
    Organization,
    Patient,
    StaffMember,
    StaffRole,
    imported_id,
)
from services.sessions.directory.fhir import BadLineError, Imported, read_line
from shared.events.staff import Role
from shared.testing.records import CLINIC, OTHER_CLINIC
from tests.support.fhir_exports import (
    location,
    ndjson,
    organization,
    patient,
    practitioner,
    practitioner_role,
)

TODAY = date(2026, 3, 10)
DENVER = {"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "America/Denver"}
SNOMED = "http://snomed.info/sct"


def _read(resource: dict[str, Any] | str | bytes) -> Imported:
    line = resource if isinstance(resource, bytes) else ndjson(resource)
    return read_line(line, instance_id=CLINIC, default_time_zone="America/Chicago", today=TODAY)


def _patient(**changes: Any) -> Patient:
    read = _read(patient(**changes))
    assert isinstance(read, Patient)
    return read


def test_an_organization() -> None:
    assert _read(organization()) == Organization(
        id=imported_id(CLINIC, "Organization", "org-1"), name="Riverbend"
    )


def test_a_location_without_time_zone_gets_the_default_one() -> None:
    assert _read(location(managingOrganization={"reference": "Organization/org-1"})) == Location(
        id=imported_id(CLINIC, "Location", "loc-1"),
        name="Main Street",
        time_zone="America/Chicago",
        organization_id=imported_id(CLINIC, "Organization", "org-1"),
    )


def test_a_location_says_its_time_zone() -> None:
    read = _read(location(extension=[DENVER]))
    assert isinstance(read, Location)
    assert read.time_zone == "America/Denver"


def test_a_kind_of_location_is_called_by_its_description() -> None:
    read = _read(location(name=None, description="Patient's Home"))
    assert isinstance(read, Location)
    assert read.name == "Patient's Home"


def test_an_organization_may_be_referred_to_by_its_identifier() -> None:
    read = _read(location(managingOrganization={"identifier": {"value": "org-1"}}))
    assert isinstance(read, Location)
    assert read.organization_id == imported_id(CLINIC, "Organization", "org-1")


def test_a_practitioner() -> None:
    assert _read(practitioner()) == StaffMember(
        id=imported_id(CLINIC, "Practitioner", "pra-1"),
        npi="9999992198",
        first_name="Randy",
        last_name="Bergstrom",
        credentials="LCSW",
        active=True,
    )


def test_a_practitioner_who_has_left_is_not_active() -> None:
    read = _read(practitioner(active=False))
    assert isinstance(read, StaffMember)
    assert not read.active


@pytest.mark.parametrize(
    ("code", "role"),
    [
        ("101YM0800X", Role.THERAPIST),
        ("103TC0700X", Role.THERAPIST),
        ("1041C0700X", Role.THERAPIST),
        ("106H00000X", Role.THERAPIST),
        ("163WP0808X", Role.NURSE),
        ("171M00000X", Role.CASE_MANAGER),
        ("2084P0800X", Role.DOCTOR),
        ("225100000X", None),
    ],
)
def test_a_role_follows_from_the_taxonomy(code: str, role: Role | None) -> None:
    assert _read(practitioner_role(code)) == StaffRole(npi="9999992198", role=role)


@pytest.mark.rule("PERM-7")
def test_a_code_of_another_system_gives_no_role() -> None:
    code = [{"coding": [{"system": SNOMED, "code": "208000000"}]}]
    assert _read(practitioner_role(code=code)) == StaffRole(npi="9999992198", role=None)


def test_a_patient() -> None:
    assert _patient() == Patient(
        id=imported_id(CLINIC, "Patient", "pat-1"),
        mrn="M-1",
        first_name="Anna",
        middle_name="Maria",
        last_name="Kowalski",
        preferred_name=None,
        birth_date=date(1988, 2, 29),
        deceased_on=None,
        admitted_on=None,
        discharged_on=None,
    )


def test_the_same_resource_is_another_person_in_another_instance() -> None:
    assert imported_id(CLINIC, "Patient", "1") != imported_id(OTHER_CLINIC, "Patient", "1")


@pytest.mark.parametrize("use", ["maiden", "old"])
def test_a_name_that_a_person_no_longer_goes_by_is_not_used(use: str) -> None:
    former = {"use": use, "family": "Nowak", "given": ["Ania"]}
    official = {"use": "official", "family": "Kowalski", "given": ["Anna"]}
    assert _patient(name=[former, official]).last_name == "Kowalski"


def test_a_name_without_use_comes_before_a_former_one() -> None:
    former = {"use": "maiden", "family": "Nowak", "given": ["Ania"]}
    assert _patient(name=[former, {"family": "Kowalski", "given": ["Anna"]}]).last_name == "Kowalski"


@pytest.mark.rule("SET-5")
@pytest.mark.parametrize("use", ["usual", "nickname"])
def test_the_name_that_a_person_is_called_by_is_the_preferred_one(use: str) -> None:
    official = {"use": "official", "family": "Kowalski", "given": ["Anna"]}
    read = _patient(name=[official, {"use": use, "given": ["Annie"]}])
    assert (read.first_name, read.preferred_name) == ("Anna", "Annie")


@pytest.mark.parametrize("birth_date", ["1988", "1988-02"])
def test_a_birth_date_that_is_not_known_to_the_day_is_not_kept(birth_date: str) -> None:
    assert _patient(birthDate=birth_date).birth_date is None


@pytest.mark.rule("SCH-5")
@pytest.mark.parametrize(
    ("death", "day"),
    [
        ({"deceasedDateTime": "2026-03-01"}, date(2026, 3, 1)),
        ({"deceasedDateTime": "2026-03-01T23:30:00-05:00"}, date(2026, 3, 1)),
        ({"deceasedBoolean": True}, DAY_NOT_KNOWN),
        ({"deceasedBoolean": False}, None),
    ],
)
def test_death_is_known_by_date_or_as_a_fact(death: dict[str, Any], day: date | None) -> None:
    assert _patient(**death).deceased_on == day


@pytest.mark.rule("SCH-5")
def test_who_died_on_a_day_not_known_is_expected_in_no_group() -> None:
    assert not _patient(deceasedBoolean=True).in_treatment_on(TODAY)


NAME = {"use": "official", "family": "Kowalski", "given": ["Anna"]}
BROKEN: dict[str, tuple[dict[str, Any] | str | bytes, str]] = {
    "bad JSON": ("{broken", "not valid JSON"),
    "no UTF-8": (b'{"resourceType": "\xff"}', "not valid JSON"),
    "no object": ("[1]", "resourceType is missing"),
    "no type": ({"id": "1"}, "resourceType is missing"),
    "unknown type": ({"resourceType": "Device", "id": "1"}, "resourceType must be one of "),
    "no id": (patient(id=None), "Patient.id: "),
    "an id that is no id": (patient(id="a b"), "Patient.id: "),
    "no name": (patient(name=[]), "Patient.name: "),
    "no family name": (patient(name=[{"given": ["Anna"]}]), "Patient.name: "),
    "no given name": (practitioner(name=[{"family": "Bergstrom"}]), "Practitioner.name: "),
    "a long name": (patient(name=[NAME | {"family": "x" * 201}]), "Patient.name.0.family: "),
    "long names": (patient(name=[NAME | {"given": ["x" * 150, "y" * 150]}]), "Patient.name.given: "),
    "NUL in a name": (patient(name=[NAME | {"family": "Ko\x00"}]), "Patient.name.0.family: "),
    "no MRN": (patient(identifier=[]), "Patient.identifier: "),
    "an identifier of another type": (
        patient(identifier=[{"type": {"coding": [{"code": "SS"}]}, "value": "999-11-1111"}]),
        "Patient.identifier: ",
    ),
    "a long MRN": (patient(mrn="x" * 65), "Patient.identifier: "),
    "an impossible date": (patient(birthDate="1988-02-30"), "Patient.birthDate: "),
    "an impossible month": (patient(birthDate="1988-13"), "Patient.birthDate: "),
    "a number as a date": (patient(birthDate=0), "Patient.birthDate: "),
    "a birth in the future": (patient(birthDate="2026-03-11"), "Patient.birthDate: lies in the future"),
    "a death in the future": (
        patient(deceasedDateTime="2026-03-11"),
        "Patient.deceasedDateTime: lies in the future",
    ),
    "a time zone of nowhere": (
        location(extension=[DENVER | {"valueCode": "Mars/Olympus"}]),
        "Location.extension timezone: ",
    ),
    "an organization without name": (organization(name=""), "Organization.name: "),
    "a short NPI": (
        practitioner(identifier=[{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1"}]),
        "Practitioner.identifier: ",
    ),
    "long credentials": (
        practitioner(name=[NAME | {"suffix": ["x" * 101]}]),
        "Practitioner.name.suffix: ",
    ),
    "a role without NPI": (
        practitioner_role(practitioner={"reference": "Practitioner/1"}),
        "PractitionerRole.practitioner.identifier: ",
    ),
}


@pytest.mark.parametrize(("line", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_line_is_refused_with_its_element(line: dict[str, Any] | str | bytes, reason: str) -> None:
    with pytest.raises(BadLineError) as refused:
        _read(line)
    assert refused.value.reason.startswith(reason)


def test_the_reason_quotes_no_value() -> None:
    with pytest.raises(BadLineError) as refused:
        _read(patient(birthDate="Kowalski"))
    assert "Kowalski" not in refused.value.reason
