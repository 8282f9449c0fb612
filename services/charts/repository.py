"""Chart notes, and what is said of them, as rows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.charts.domain import ChartNote, Documentation, NoteAnnotation, retraction_content
from services.charts.models import (
    chart_documentation,
    chart_note,
    chart_note_annotation,
    chart_note_retraction,
)
from shared.database.bulk import Rows, insert_new, insert_new_families
from shared.database.fields import Fields
from shared.database.transactions import WideTransaction
from shared.events.record import SessionRetracted

NOTE: Final = "chart_note.content"
TITLE: Final = "chart_note.group_title"
ANNOTATION: Final = "chart_note_annotation.content"
RETRACTION: Final = "chart_note_retraction.content"

Filed = tuple[UUID, Documentation, Sequence[ChartNote]]
"""An instance, a documentation of its, and the notes of that."""


async def add_new_notes(db: WideTransaction, filed: Iterable[Filed], *, filed_at: datetime) -> None:
    """Add notes and what they are searched by, in one statement; what is there stays as it is (DIST-5)."""
    parents, children = sealed_rows(db.fields, filed, filed_at=filed_at)
    await insert_new_families(db.connection, parents=parents, children=children, key="documentation_id")


def sealed_rows(
    fields: Mapping[UUID, Fields], filed: Iterable[Filed], *, filed_at: datetime
) -> tuple[Rows, Rows]:
    """Give the rows of documentations and those of their notes, with what they say sealed."""
    # Told twice at once, by two events, it is the same: one of them is enough.
    once = {documentation.documentation_id: (at, documentation, notes) for at, documentation, notes in filed}
    return (
        Rows(
            table=chart_documentation,
            rows=[_documentation_row(at, one, filed_at) for at, one, _ in once.values()],
        ),
        Rows(
            table=chart_note,
            rows=[_note_row(note, fields[at]) for at, _, notes in once.values() for note in notes],
        ),
    )


def _documentation_row(instance_id: UUID, one: Documentation, filed_at: datetime) -> dict[str, Any]:
    return {
        "documentation_id": one.documentation_id,
        "instance_id": instance_id,
        "session_id": one.session_id,
        "template_id": one.template_id,
        "version": one.version,
        "location_id": one.location_id,
        "held_at": one.held_at,
        "held_on": one.held_on,
        "signed_at": one.signed_at,
        "leader_ids": " ".join(str(leader_id) for leader_id in one.leader_ids),
        "filed_at": filed_at,
    }


def _note_row(note: ChartNote, fields: Fields) -> dict[str, Any]:
    row = str(note.note_id)  # both fields are bound to it: said once, as a parcel has a thousand fields
    return {
        "id": note.note_id,
        "patient_id": note.patient_id,
        "documentation_id": note.documentation.documentation_id,
        "group_title": fields.seal(note.documentation.group_title, place=TITLE, row=row),
        "attendance": note.attendance.value,
        "minutes": note.minutes,
        "content": fields.seal(note.content, place=NOTE, row=row),
    }


async def add_new_annotations(
    db: WideTransaction, annotations: Iterable[tuple[UUID, NoteAnnotation]]
) -> None:
    """Add annotations with their instance; one that is there stays as it is."""
    rows = [
        {
            "id": one.annotation_id,
            "instance_id": instance_id,
            "note_id": one.note_id,
            "annotated_at": one.annotated_at,
            "content": db.fields[instance_id].seal(one.content, place=ANNOTATION, row=one.annotation_id),
        }
        for instance_id, one in annotations
    ]
    await insert_new(db.connection, chart_note_annotation, rows)


async def add_new_retractions(
    db: WideTransaction, retractions: Iterable[tuple[UUID, SessionRetracted]]
) -> None:
    """Add retractions with their instance; a documentation is retracted once."""
    rows = [
        {
            "documentation_id": one.documentation_id,
            "instance_id": instance_id,
            "session_id": one.session_id,
            "retracted_at": one.retracted_at,
            "retracted_by": one.retracted_by,
            "content": db.fields[instance_id].seal(
                retraction_content(one), place=RETRACTION, row=one.documentation_id
            ),
        }
        for instance_id, one in retractions
    ]
    await insert_new(db.connection, chart_note_retraction, rows)
