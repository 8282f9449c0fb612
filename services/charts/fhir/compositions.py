"""A chart note as a FHIR R4 Composition: its text, section by section."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.charts.fhir import codes
from services.charts.fhir.narrative import narrative, section, signed_lines, taken
from services.charts.fhir.parts import ENCOUNTER, ToldNote
from shared.events.record import Attendance
from shared.notices import NOTICE


def composition(told: ToldNote, *, base: str) -> dict[str, Any]:
    """Tell of a note; `base` is the address of this FHIR interface."""
    del base  # a Composition refers to nothing outside of it but its patient
    note = told.note
    return {
        "resourceType": "Composition",
        "id": note["note_id"],
        "meta": told.meta,
        "text": narrative(f"{note['group_title']}, {note['started_at']}", *_void_lines(told)),
        "contained": told.contained(),
        "identifier": codes.uuid_identifier(note["note_id"]),
        "status": note["status"],
        "type": codes.PROGRESS_NOTE,
        "category": [codes.CLINICAL_NOTE],
        "subject": told.subject,
        "encounter": {"reference": f"#{ENCOUNTER}"},
        "date": told.signed_at,
        "author": told.authors,
        "title": taken(f"Group session note: {note['group_title']}"),
        "confidentiality": codes.RESTRICTED,
        "attester": [_attester(told, one) for one in note["signatures"]],
        "event": [{"period": told.period}],
        "section": list(_sections(told)),
    }


def _attester(told: ToldNote, signature: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mode": codes.ATTESTER_MODES[signature["meaning"]],
        "time": signature["signed_at"],
        "party": told.person(signature),
    }


def _sections(told: ToldNote) -> Iterator[dict[str, Any]]:
    note = told.note
    if told.is_void:
        yield section("Entered in error", *_void_lines(told))
    yield section("Attendance", *_attendance(note))
    yield section("Topic", note["topic"])
    yield section("General description", note["description"])
    yield section("Individual note", note["individual_note"] or "")
    if problems := note.get("problems"):
        yield section("Problems of the treatment plan", *problems)
    yield section("Electronic signatures", *signed_lines(note["signatures"]))
    for one in note["annotations"]:
        yield section("Annotation added after signing", one["text"], *signed_lines([one["signature"]]))
    # With what is disclosed, as 42 CFR 2.32 wants it, and not only as a code in `meta`.
    yield section("Notice to whoever receives this record", NOTICE)


def _attendance(note: Mapping[str, Any]) -> Iterator[str]:
    present = note["attendance"] == Attendance.PRESENT
    yield f"Present, {note['minutes']} minutes" if present else "Absent"
    # Notes that were filed before these were kept have none of them.
    for label, name in (("Arrived", "arrived_at"), ("Left", "left_at"), ("Reason", "absence_reason")):
        if told := note.get(name):
            yield f"{label}: {told}"
    yield f"Duration of the session: {note['duration_minutes']} minutes"
    yield f"Participants present: {note['participants_present']}"


def _void_lines(told: ToldNote) -> Iterator[str]:
    if told.is_void:
        yield "Entered in error: this note is void. It is kept because records are never deleted."
    if error := told.note["entered_in_error"]:
        yield f"Marked by {error['by']}, {error['at']}: {error['reason']}"
