"""What this FHIR interface can do, as a CapabilityStatement."""

from typing import Any, Final

from services.charts.fhir.codes import FHIR_VERSION, MEDIA_TYPE

RELEASED_ON: Final = "2026-11-25"
"""When what is said here last changed."""

SEARCH_PARAMETERS: Final = (
    ("patient", "reference", "Patient/ and the patient's id."),
    ("subject", "reference", "As patient."),
    ("identifier", "token", "urn:ietf:rfc:3986|urn:uuid: and the id of the note."),
    ("_id", "token", "The id of the note."),
    ("date", "date", "When the note was signed; a day without a zone is one of UTC."),
    ("period", "date", "When the session began; a day without a zone is one of UTC."),
)


def capability_statement(*, base: str) -> dict[str, Any]:
    """Tell what can be asked for; `base` is the address of this interface."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": RELEASED_ON,
        "kind": "instance",
        "software": {"name": "OpenCircle charts"},
        "implementation": {"description": "Group session notes, read only", "url": base},
        "fhirVersion": FHIR_VERSION,
        "format": [MEDIA_TYPE, "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Notes are never changed or deleted here: there is no other interaction. A "
                "search is a GET and not a POST to _search, as every verb but GET is refused; its values are "
                "ids and dates, never a name. A Bundle has no total: follow its link next until it has none.",
                "security": {
                    "cors": False,
                    "description": "Bearer tokens of the instance's issuer. The header Purpose-Of-Use may "
                    "say why, by a code of v3-PurposeOfUse. Every access is in the audit trail.",
                },
                "resource": [_resource("Composition"), _resource("DocumentReference")],
            }
        ],
    }


def _resource(kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "readHistory": False,
        "updateCreate": False,
        "searchParam": [
            {"name": name, "type": type_, "documentation": documentation}
            for name, type_, documentation in SEARCH_PARAMETERS
        ],
    }
