"""What is asked before signing, found in one documentation as it stands, without any I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.sessions.directory.domain import Patient
from services.sessions.documentation.domain import GroupSession, Obstacle, RosterEntry
from services.sessions.documentation.findings import Finding, FindingKind, new_finding
from services.sessions.documentation.names_of_others import RosterNames
from services.sessions.documentation.near_equal import alike_pairs, groups_of
from shared.events.preview import PatientPreview

_KIND_OF_PART: Final = {
    "attendance": FindingKind.ATTENDANCE_UNMARKED,
    "topic": FindingKind.TOPIC_MISSING,
    "note": FindingKind.NOTE_MISSING,
    "roster": FindingKind.ROSTER_EMPTY,
}
"""What is missing, by the last part of an obstacle's pointer; all others are times."""


@dataclass(frozen=True, kw_only=True)
class Documented:
    """What is checked."""

    session: GroupSession
    roster: tuple[RosterEntry, ...]
    patients: tuple[Patient, ...]
    obstacles: tuple[Obstacle, ...]


def find_before_signing(
    documented: Documented, charges: Sequence[PatientPreview] | None, *, preview_is_due: bool
) -> list[Finding]:
    """List what blocks, what is to be acknowledged, what is only told (DOC-3, DIST-3, DOC-8, BILL-8).

    `charges` None while `preview_is_due`: billing could not be asked.
    """
    found = [
        *_missing(documented),
        *_names_of_others(documented),
        *_notes_alike(documented),
        *_held(documented, charges or ()),
    ]
    return [*found, _unavailable(documented)] if preview_is_due and charges is None else found


def kind_of(obstacle: Obstacle) -> FindingKind:
    """Tell what an obstacle is about."""
    return _KIND_OF_PART.get(obstacle.pointer.rpartition("/")[2], FindingKind.TIMES_NOT_RIGHT)


def _missing(documented: Documented) -> Iterator[Finding]:
    for one in documented.obstacles:
        yield new_finding(
            kind_of(one),
            [one.pointer],
            one.detail,
            documentation_id=documented.session.documentation_id,
            found_in=one.detail,
        )


def _names_of_others(documented: Documented) -> Iterator[Finding]:
    names = RosterNames(documented.patients)
    for pointer, text, about in _texts(documented):
        yield from names_in_text(
            names, text, about=about, pointer=pointer, documentation_id=documented.session.documentation_id
        )


def names_in_text(
    names: RosterNames, text: str, *, about: UUID | None, pointer: str, documentation_id: UUID | None
) -> Iterator[Finding]:
    """Find in a text the names of patients other than the one it is about (DIST-3): one finding, or none."""
    named = sorted(names.named_in(text, about=about))
    if named:
        yield new_finding(
            FindingKind.NAMES_ANOTHER_PATIENT,
            [pointer],
            "holds a name, MRN or id of another patient of the roster; change it, or acknowledge it",
            documentation_id=documentation_id,
            found_in=text,
            patient_ids=named,
        )


def _texts(documented: Documented) -> Iterator[tuple[str, str, UUID | None]]:
    """Give every text that goes to charts: where it stands, and whom alone it is about."""
    yield "#/title", documented.session.title, None
    yield "#/group_note/topic", documented.session.topic, None
    yield "#/group_note/description", documented.session.description, None
    for one in documented.roster:
        yield _note_pointer(one.patient_id), one.individual_note or "", one.patient_id
        yield f"#/roster/{one.patient_id}/absence_reason", one.absence_reason or "", one.patient_id
        for place, problem in enumerate(one.problems):
            yield f"#/roster/{one.patient_id}/problems/{place}", problem, one.patient_id


def _notes_alike(documented: Documented) -> Iterator[Finding]:
    notes = {one.patient_id: one.individual_note or "" for one in documented.roster}
    pairs = alike_pairs(notes)
    for group in groups_of(pairs):
        members = sorted(group)
        yield new_finding(
            FindingKind.NOTES_ALIKE,
            map(_note_pointer, members),
            "are the same or nearly so; write what was each patient's own, or acknowledge it",
            documentation_id=documented.session.documentation_id,
            found_in=[notes[one] for one in members],
            patient_ids=members,
            pairs=[pair for pair in pairs if pair.one in group],
        )


def _held(documented: Documented, charges: Sequence[PatientPreview]) -> Iterator[Finding]:
    """Give one finding for each reason: a code that is out of date concerns the whole roster."""
    by_reason: dict[str, dict[UUID, list[Any]]] = {}
    for patient in charges:
        for charge in patient.charges:
            if charge.held_because:
                lines = by_reason.setdefault(charge.held_because, {}).setdefault(patient.patient_id, [])
                lines.append(charge.model_dump(mode="json"))
    for reason, held in by_reason.items():
        yield new_finding(
            FindingKind.WOULD_BE_HELD,
            [f"#/roster/{one}" for one in held],
            f"billing would hold the charge: {reason}",
            documentation_id=documented.session.documentation_id,
            found_in=[[str(one), lines] for one, lines in held.items()],
            patient_ids=held,
        )


def _unavailable(documented: Documented) -> Finding:
    return new_finding(
        FindingKind.PREVIEW_UNAVAILABLE,
        ["#"],
        "billing can't be asked now what it would hold; what it holds appears on its worklist",
        documentation_id=documented.session.documentation_id,
    )


def _note_pointer(patient_id: UUID) -> str:
    return f"#/roster/{patient_id}/note"
