"""Codes and systems of FHIR R4 that chart notes are told by. Names of terminologies stand here alone."""

from collections.abc import Mapping
from typing import Any, Final

FHIR_VERSION: Final = "4.0.1"
MEDIA_TYPE: Final = "application/fhir+json"

URI_SYSTEM: Final = "urn:ietf:rfc:3986"
MRN_TYPE: Final = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}],
}
PROGRESS_NOTE: Final = {
    "coding": [{"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}],
    "text": "Group session note",
}
CLINICAL_NOTE: Final = {
    "coding": [
        {
            "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
            "code": "clinical-note",
            "display": "Clinical Note",
        }
    ]
}
AMBULATORY: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "code": "AMB",
    "display": "ambulatory",
}
RESTRICTED: Final = "R"
"""Of v3-Confidentiality: records of treatment for substance use are more than usually private."""

SECURITY_LABELS: Final = [
    {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": RESTRICTED},
    {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "42CFRPart2"},
]
SIGNATURE_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "author": ("1.2.840.10065.1.12.1.1", "Author's Signature"),
    "co-author": ("1.2.840.10065.1.12.1.2", "Coauthor's Signature"),
    "reviewer": ("1.2.840.10065.1.12.1.13", "Review Signature"),
    "annotator": ("1.2.840.10065.1.12.1.15", "Addendum Signature"),
}
"""ASTM E1762, by our own word for the meaning."""

PARTICIPATIONS: Final[Mapping[str, str]] = {
    "author": "author",
    "co-author": "author",
    "reviewer": "verifier",
    "annotator": "enterer",
}
"""Of provenance-participant-type, by our own word for the meaning."""

ATTESTER_MODES: Final[Mapping[str, str]] = {
    "author": "professional",
    "co-author": "professional",
    "reviewer": "official",
    "annotator": "professional",
}


def signature_type(meaning: str) -> dict[str, Any]:
    """Give what a signature means, as a Coding."""
    code, display = SIGNATURE_TYPES[meaning]
    return {"system": "urn:iso-astm:E1762-95:2013", "code": code, "display": display}


def participation(meaning: str) -> dict[str, Any]:
    """Give what an agent did, as a CodeableConcept."""
    system = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
    return {"coding": [{"system": system, "code": PARTICIPATIONS[meaning]}], "text": meaning}


def uuid_identifier(value: str) -> dict[str, Any]:
    """Give an id of ours as an Identifier."""
    return {"system": URI_SYSTEM, "value": f"urn:uuid:{value}"}
