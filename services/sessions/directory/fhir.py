"""FHIR R4 resources of a bulk export, line by line, as people and places.

Only the elements that OpenCircle keeps are read. A line that can't be used raises
`BadLineError` with a reason that names elements, never their values.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from services.sessions.directory.domain import (
    DAY_NOT_KNOWN,
    NPI_DIGITS,
    Location,
    Organization,
    Patient,
    StaffMember,
    StaffRole,
    imported_id,
)
from shared.events.staff import Role

LINE_BYTES_AT_MOST: Final = 1_000_000
NPI_SYSTEM: Final = "http://hl7.org/fhir/sid/us-npi"
NAME_CHARACTERS_AT_MOST: Final = 200
CREDENTIALS_CHARACTERS_AT_MOST: Final = 100
MRN_TYPE: Final = "MR"
MRN_CHARACTERS_AT_MOST: Final = 64
TAXONOMY_SYSTEM: Final = "http://nucc.org/provider-taxonomy"
TIME_ZONE_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/timezone"

ROLE_BY_TAXONOMY: Final[Mapping[str, Role]] = {
    "101Y": Role.THERAPIST,  # counsellors
    "103T": Role.THERAPIST,  # psychologists
    "1041": Role.THERAPIST,  # social workers
    "106H": Role.THERAPIST,  # marriage and family therapists
    "163W": Role.NURSE,
    "171M": Role.CASE_MANAGER,
    "20": Role.DOCTOR,  # allopathic and osteopathic physicians
}
"""Which role follows from the beginning of a NUCC taxonomy code."""


class BadLineError(Exception):
    """A line of the export can't be imported; the reason says which element is wrong and why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _whole_day(value: object) -> object:
    # FHIR dates may be a year or a month alone; a birth date that is not known to the day is not kept.
    if value is None or (isinstance(value, str) and re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2]))?", value)):
        return None
    # pydantic would take numbers too, as seconds since 1970.
    if not isinstance(value, str) or not re.match(r"\d{4}-\d{2}-\d{2}", value):
        message = "must be a FHIR date such as 1984-05-17"
        raise ValueError(message)
    return value


def _without_nul(value: str) -> str:
    # PostgreSQL can't store it.
    if "\x00" in value:
        message = "must not contain the NUL character"
        raise ValueError(message)
    return value


Day = Annotated[date | None, BeforeValidator(_whole_day)]
Moment = Annotated[date | datetime | None, BeforeValidator(_whole_day)]
Line = Annotated[str, Field(max_length=NAME_CHARACTERS_AT_MOST), AfterValidator(_without_nul)]
LongLine = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_without_nul)]


class _Element(BaseModel):
    """Elements that are not read are left alone."""


class _Coding(_Element):
    system: str | None = None
    code: str | None = None


class _Concept(_Element):
    coding: list[_Coding] = []


class _Identifier(_Element):
    system: str | None = None
    value: Line | None = None
    type: _Concept | None = None


class _Name(_Element):
    use: str | None = None
    family: Line | None = None
    given: list[Line] = []
    suffix: list[Line] = []


class _Reference(_Element):
    reference: str | None = None
    identifier: _Identifier | None = None


class _Extension(_Element):
    url: str
    value_code: str | None = Field(None, alias="valueCode")


class _Resource(_Element):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
    extension: list[_Extension] = []
    identifier: list[_Identifier] = []


class _Organization(_Resource):
    resource_type: Literal["Organization"] = Field(alias="resourceType")
    name: LongLine


class _Location(_Resource):
    resource_type: Literal["Location"] = Field(alias="resourceType")
    name: LongLine | None = None
    description: LongLine | None = None
    managing_organization: _Reference | None = Field(None, alias="managingOrganization")


class _Practitioner(_Resource):
    resource_type: Literal["Practitioner"] = Field(alias="resourceType")
    active: bool = True
    name: Annotated[list[_Name], Field(min_length=1)]


class _PractitionerRole(_Resource):
    resource_type: Literal["PractitionerRole"] = Field(alias="resourceType")
    practitioner: _Reference
    code: list[_Concept] = []


class _Patient(_Resource):
    resource_type: Literal["Patient"] = Field(alias="resourceType")
    name: Annotated[list[_Name], Field(min_length=1)]
    birth_date: Day = Field(None, alias="birthDate")
    deceased_moment: Moment = Field(None, alias="deceasedDateTime")
    deceased: bool | None = Field(None, alias="deceasedBoolean")


Imported = Organization | Location | StaffMember | StaffRole | Patient


def read_line(
    line: bytes, *, instance_id: UUID, default_time_zone: str, today: date, issuer: str | None = None
) -> Imported:
    """Read one NDJSON line; raises `BadLineError` with the element and the reason.

    Practitioners' identifiers whose system is the `issuer` of access tokens are its subjects.
    """
    if len(line) > LINE_BYTES_AT_MOST:
        raise BadLineError(f"longer than {LINE_BYTES_AT_MOST} bytes")
    kind = _type_of(line)
    model, convert = KINDS[kind]
    try:
        resource = model.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in (kind, *first["loc"]))
        raise BadLineError(f"{place}: {first['msg']}") from None
    return convert(
        resource,
        _Surroundings(
            instance_id=instance_id, default_time_zone=default_time_zone, today=today, issuer=issuer
        ),
    )


class _TypeOnly(_Element):
    resource_type: str = Field(alias="resourceType")


def _type_of(line: bytes) -> str:
    try:
        kind = _TypeOnly.model_validate_json(line).resource_type
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        reason = "not valid JSON" if first["type"] == "json_invalid" else "resourceType is missing"
        raise BadLineError(reason) from None
    if kind not in KINDS:
        raise BadLineError(f"resourceType must be one of {', '.join(KINDS)}")
    return kind


class _Surroundings(_Element):
    instance_id: UUID
    default_time_zone: str
    today: date
    issuer: str | None

    def id_of(self, resource: Any) -> UUID:
        return imported_id(self.instance_id, resource.resource_type, resource.id)


def _organization(resource: _Organization, around: _Surroundings) -> Organization:
    return Organization(id=around.id_of(resource), name=resource.name)


def _location(resource: _Location, around: _Surroundings) -> Location:
    # A kind of place, such as a patient's home, has a description in place of a name.
    name = resource.name or resource.description
    if name is None:
        raise BadLineError("Location.name: a name or a description is needed")
    stated = next((one.value_code for one in resource.extension if one.url == TIME_ZONE_EXTENSION), None)
    zone = stated or around.default_time_zone
    if zone not in available_timezones():
        raise BadLineError("Location.extension timezone: must be an IANA time zone")
    return Location(
        id=around.id_of(resource),
        name=name,
        time_zone=zone,
        organization_id=_organization_id(resource.managing_organization, around),
    )


def _organization_id(reference: _Reference | None, around: _Surroundings) -> UUID | None:
    if reference is None:
        return None
    literal = (reference.reference or "").rpartition("Organization/")[2]
    fhir_id = literal or (reference.identifier.value if reference.identifier else None)
    return imported_id(around.instance_id, "Organization", fhir_id) if fhir_id else None


def _practitioner(resource: _Practitioner, around: _Surroundings) -> StaffMember:
    name = _usual_name("Practitioner", resource.name)
    npi = next((one.value for one in resource.identifier if one.system == NPI_SYSTEM), None)
    if npi is not None and len(npi) != NPI_DIGITS:
        raise BadLineError(f"Practitioner.identifier: an NPI has {NPI_DIGITS} digits")
    subject = next(
        (one.value for one in resource.identifier if one.system and one.system == around.issuer), None
    )
    credentials = ", ".join(name.suffix)
    if len(credentials) > CREDENTIALS_CHARACTERS_AT_MOST:
        raise BadLineError(f"Practitioner.name.suffix: {CREDENTIALS_CHARACTERS_AT_MOST} characters at most")
    return StaffMember(
        id=around.id_of(resource),
        npi=npi,
        first_name=name.given[0],
        last_name=name.family or "",
        credentials=credentials or None,
        active=resource.active,
        external_issuer=around.issuer if subject else None,
        external_subject=subject,
    )


def _practitioner_role(resource: _PractitionerRole, _around: _Surroundings) -> StaffRole:
    identifier = resource.practitioner.identifier
    if identifier is None or identifier.system != NPI_SYSTEM or not identifier.value:
        raise BadLineError("PractitionerRole.practitioner.identifier: an NPI is needed")
    codes = [
        coding.code or ""
        for concept in resource.code
        for coding in concept.coding
        # Codes of other systems, SNOMED CT's for one, begin with the same digits.
        if coding.system == TAXONOMY_SYSTEM
    ]
    roles = (role for code in codes for start, role in ROLE_BY_TAXONOMY.items() if code.startswith(start))
    return StaffRole(npi=identifier.value, role=next(roles, None))


def _patient(resource: _Patient, around: _Surroundings) -> Patient:
    name = _usual_name("Patient", resource.name)
    if resource.birth_date is not None and resource.birth_date > around.today:
        raise BadLineError("Patient.birthDate: lies in the future")
    called = next(
        (one.given[0] for one in resource.name if one.use in {"usual", "nickname"} and one.given), None
    )
    return Patient(
        id=around.id_of(resource),
        mrn=_mrn(resource),
        first_name=name.given[0],
        middle_name=" ".join(name.given[1:]) or None,
        last_name=name.family or "",
        preferred_name=called,
        birth_date=resource.birth_date,
        deceased_on=_deceased_on(resource, around.today),
        admitted_on=None,
        discharged_on=None,
    )


def _usual_name(kind: str, names: list[_Name]) -> _Name:
    # "maiden", "old" and the like are names that the person no longer goes by.
    fit = [name for name in names if name.family and name.given]
    official = (
        [name for name in fit if name.use == "official"] or [name for name in fit if name.use is None] or fit
    )
    if not official:
        raise BadLineError(f"{kind}.name: one with family and given is needed")
    if len(" ".join(official[0].given)) > NAME_CHARACTERS_AT_MOST:
        raise BadLineError(f"{kind}.name.given: {NAME_CHARACTERS_AT_MOST} characters at most")
    return official[0]


def _mrn(resource: _Patient) -> str:
    for identifier in resource.identifier:
        codes = {coding.code for coding in identifier.type.coding} if identifier.type else set()
        if MRN_TYPE in codes and identifier.value:
            if len(identifier.value) > MRN_CHARACTERS_AT_MOST:
                raise BadLineError(f"Patient.identifier: {MRN_CHARACTERS_AT_MOST} characters at most")
            return identifier.value
    raise BadLineError("Patient.identifier: one of type MR, a medical record number, is needed")


def _deceased_on(resource: _Patient, today: date) -> date | None:
    moment = resource.deceased_moment
    if moment is not None:
        day = moment.date() if isinstance(moment, datetime) else moment
        if day > today:
            raise BadLineError("Patient.deceasedDateTime: lies in the future")
        return day
    return DAY_NOT_KNOWN if resource.deceased else None


KINDS: Final[Mapping[str, tuple[type[_Resource], Callable[[Any, _Surroundings], Imported]]]] = {
    "Organization": (_Organization, _organization),
    "Location": (_Location, _location),
    "Practitioner": (_Practitioner, _practitioner),
    "PractitionerRole": (_PractitionerRole, _practitioner_role),
    "Patient": (_Patient, _patient),
}
