"""Chart notes, and what is said of them, as rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.charts.domain import ChartNote, Documentation, NoteAnnotation, retraction_content
from services.charts.models import (
    chart_documentation,
    chart_note,
    chart_note_annotation,
    chart_note_retraction,
)
from shared.database.bulk import Rows, insert_new, insert_new_families
from shared.events.record import SessionRetracted

Filed = tuple[UUID, Documentation, Sequence[ChartNote]]
"""An instance, a documentation of its, and the notes of that."""


async def add_new_notes(connection: AsyncConnection, filed: Iterable[Filed], *, filed_at: datetime) -> None:
    """Add notes and what they are searched by, in one statement; what is there stays as it is (DIST-5)."""
    # Told twice at once, by two events, it is the same: one of them is enough.
    once = {documentation.documentation_id: (at, documentation, notes) for at, documentation, notes in filed}
    await insert_new_families(
        connection,
        parents=Rows(
            table=chart_documentation,
            rows=[_documentation_row(at, one, filed_at) for at, one, _ in once.values()],
        ),
        children=Rows(
            table=chart_note,
            rows=[_note_row(note) for _, _, notes in once.values() for note in notes],
        ),
        key="documentation_id",
        joined="content",
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
        "group_title": one.group_title,
        "leader_ids": " ".join(str(leader_id) for leader_id in one.leader_ids),
        "filed_at": filed_at,
        "content": one.content,
    }


def _note_row(note: ChartNote) -> dict[str, Any]:
    return {
        "id": note.note_id,
        "patient_id": note.patient_id,
        "documentation_id": note.documentation.documentation_id,
        "attendance": note.attendance.value,
        "minutes": note.minutes,
        "content": note.own_content,
    }


async def add_new_annotations(
    connection: AsyncConnection, annotations: Iterable[tuple[UUID, NoteAnnotation]]
) -> None:
    """Add annotations with their instance; one that is there stays as it is."""
    rows = [
        {
            "id": one.annotation_id,
            "instance_id": instance_id,
            "note_id": one.note_id,
            "annotated_at": one.annotated_at,
            "content": one.content,
        }
        for instance_id, one in annotations
    ]
    await insert_new(connection, chart_note_annotation, rows)


async def add_new_retractions(
    connection: AsyncConnection, retractions: Iterable[tuple[UUID, SessionRetracted]]
) -> None:
    """Add retractions with their instance; a documentation is retracted once."""
    rows = [
        {
            "documentation_id": one.documentation_id,
            "instance_id": instance_id,
            "session_id": one.session_id,
            "retracted_at": one.retracted_at,
            "retracted_by": one.retracted_by,
            "content": retraction_content(one),
        }
        for instance_id, one in retractions
    ]
    await insert_new(connection, chart_note_retraction, rows)
