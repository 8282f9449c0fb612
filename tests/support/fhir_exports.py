"""Lines of a FHIR R4 bulk export."""

import json
from collections.abc import Iterable
from typing import Any, Final

TAXONOMY: Final = "http://nucc.org/provider-taxonomy"
NPI: Final = "http://hl7.org/fhir/sid/us-npi"


def organization(fhir_id: str = "org-1", **changes: Any) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": fhir_id, "name": "Riverbend"} | changes


def location(fhir_id: str = "loc-1", **changes: Any) -> dict[str, Any]:
    return {"resourceType": "Location", "id": fhir_id, "name": "Main Street"} | changes


def practitioner(fhir_id: str = "pra-1", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Practitioner",
        "id": fhir_id,
        "active": True,
        "identifier": [{"system": NPI, "value": "9999992198"}],
        "name": [{"family": "Bergstrom", "given": ["Randy"], "suffix": ["LCSW"]}],
    } | changes


def practitioner_role(taxonomy: str = "101YM0800X", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "PractitionerRole",
        "id": "role-1",
        "practitioner": {"identifier": {"system": NPI, "value": "9999992198"}},
        "code": [{"coding": [{"system": TAXONOMY, "code": taxonomy}]}],
    } | changes


def patient(fhir_id: str = "pat-1", mrn: str = "M-1", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": fhir_id,
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": mrn}],
        "name": [{"use": "official", "family": "Kowalski", "given": ["Anna", "Maria"]}],
        "birthDate": "1988-02-29",
    } | changes


def ndjson(*resources: dict[str, Any] | str) -> bytes:
    lines: Iterable[str] = (one if isinstance(one, str) else json.dumps(one) for one in resources)
    return "\n".join(lines).encode()
