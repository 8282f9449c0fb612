"""A chart note as a FHIR R4 DocumentReference: what it is, whose, of when, and where to read it."""

from typing import Any

from services.charts.fhir import codes
from services.charts.fhir.narrative import taken
from services.charts.fhir.parts import ENCOUNTER, ToldNote


def document_reference(told: ToldNote, *, base: str) -> dict[str, Any]:
    """Tell of a note; `base` is the address of this FHIR interface, beside which the note itself is."""
    note = told.note
    title = taken(f"Group session note: {note['group_title']}")
    return {
        "resourceType": "DocumentReference",
        "id": note["note_id"],
        "meta": told.meta,
        "contained": told.contained(),
        "masterIdentifier": codes.uuid_identifier(note["note_id"]),
        "status": "entered-in-error" if told.is_void else "current",
        "docStatus": note["status"],
        "type": codes.PROGRESS_NOTE,
        "category": [codes.CLINICAL_NOTE],
        "subject": told.subject,
        "date": told.signed_at,
        "author": told.authors,
        **({"authenticator": told.person(note["signatures"][-1])} if note["signatures"] else {}),
        "description": title,
        "securityLabel": [{"coding": [one]} for one in codes.SECURITY_LABELS],
        "content": [
            {
                "attachment": _attachment(
                    "text/html", f"{base.removesuffix('/fhir')}/notes/{note['note_id']}.html", title
                )
            },
            {"attachment": _attachment(codes.MEDIA_TYPE, f"{base}/Composition/{note['note_id']}", title)},
        ],
        "context": {
            "encounter": [{"reference": f"#{ENCOUNTER}"}],
            "period": told.period,
            "related": [{"reference": f"Composition/{note['note_id']}"}],
        },
    }


def _attachment(content_type: str, url: str, title: str) -> dict[str, Any]:
    return {"contentType": content_type, "url": url, "title": title}
