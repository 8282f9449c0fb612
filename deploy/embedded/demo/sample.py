"""A small clinic of our own making, as a FHIR R4 bulk export: nobody in it exists."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

PATIENTS: Final = 64
DECEASED_EVERY: Final = 16
NICKNAME_EVERY: Final = 5

FIRST_NAMES: Final = (
    "Amara", "Björn", "Chloé", "Dmitri", "Elif", "Fatima", "Gabriel", "Hiroshi",
    "Ines", "Jamal", "Kateryna", "Lwazi", "Mei", "Nguyễn", "Olga", "Priya",
)  # fmt: skip
LAST_NAMES: Final = (
    "Adeyemi", "Bianchi", "Castellanos", "Dvořák", "Eriksen", "Fontaine", "Gutiérrez", "Haddad",
    "Ivanova", "Jóhannsdóttir", "Kowalczyk", "Lindholm", "Mbeki", "Nakagawa", "Olúwolé", "Papadopoulos",
)  # fmt: skip
STAFF: Final = (
    ("Margaret", "Chen", "LCSW", "1041C0700X"),
    ("Samuel", "Osei", "LPC", "101YP2500X"),
    ("Ruth", "Abramowitz", "PsyD", "103TC0700X"),
    ("Tomás", "Herrera", "LMFT", "106H00000X"),
    ("Ingrid", "Solberg", "CADC", "101YA0400X"),
    ("Walter", "Novak", "MD", "2084P0800X"),
)
NPI_SYSTEM: Final = "http://hl7.org/fhir/sid/us-npi"


def write_sample(folder: Path) -> None:
    """Write the five NDJSON files of the sample."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, resources in (
        ("Organization", [_organization()]),
        ("Location", list(_locations())),
        ("Practitioner", [_practitioner(number) for number in range(len(STAFF))]),
        ("PractitionerRole", [_role(number) for number in range(len(STAFF))]),
        ("Patient", [_patient(number) for number in range(PATIENTS)]),
    ):
        lines = (json.dumps({"resourceType": kind, **one}, ensure_ascii=False) for one in resources)
        (folder / f"{kind}.000.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _organization() -> dict[str, Any]:
    return {"id": "riverbend", "name": "Riverbend Recovery"}


def _locations() -> Iterator[dict[str, Any]]:
    zone = "http://hl7.org/fhir/StructureDefinition/timezone"
    for key, name, time_zone in (
        ("main-street", "Riverbend Main Street", "America/Chicago"),
        ("harbor", "Riverbend Harbor House", "America/New_York"),
    ):
        yield {
            "id": key,
            "name": name,
            "extension": [{"url": zone, "valueCode": time_zone}],
            "managingOrganization": {"reference": "Organization/riverbend"},
        }


def _npi(number: int) -> str:
    return f"{1_234_560_000 + number}"


def _practitioner(number: int) -> dict[str, Any]:
    first, last, credentials, _ = STAFF[number]
    return {
        "id": f"practitioner-{number}",
        "identifier": [{"system": NPI_SYSTEM, "value": _npi(number)}],
        "active": True,
        "name": [{"given": [first], "family": last, "suffix": [credentials]}],
    }


def _role(number: int) -> dict[str, Any]:
    taxonomy = {"system": "http://nucc.org/provider-taxonomy", "code": STAFF[number][3]}
    return {
        "id": f"role-{number}",
        "practitioner": {"identifier": {"system": NPI_SYSTEM, "value": _npi(number)}},
        "code": [{"coding": [taxonomy]}],
    }


def _patient(number: int) -> dict[str, Any]:
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    # Every sixteenth patient shifts the pairing, so that first and last names meet in many ways.
    last = LAST_NAMES[(number * 3 + number // len(FIRST_NAMES)) % len(LAST_NAMES)]
    names = [{"use": "official", "given": [first], "family": last}]
    if number % NICKNAME_EVERY == 0:
        names.append({"use": "nickname", "given": [first[:3]]})
    patient: dict[str, Any] = {
        "id": f"patient-{number}",
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": f"RB-{10_000 + number}"}],
        "name": names,
        "birthDate": (date(1961, 3, 9) + timedelta(days=211 * number)).isoformat(),
    }
    if number % DECEASED_EVERY == DECEASED_EVERY - 1:
        patient["deceasedDateTime"] = "2025-11-02T04:30:00-06:00"
    return patient
