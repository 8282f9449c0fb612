"""Chart notes, and what is said of them, as rows."""

from collections.abc import Iterable
from dataclasses import asdict
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
from shared.database.bulk import insert_new
from shared.events.record import SessionRetracted


async def add_new_notes(
    connection: AsyncConnection, notes: Iterable[tuple[UUID, ChartNote]], *, filed_at: datetime
) -> None:
    """Add notes with their instance, in one statement; a note that is there stays as it is (DIST-5)."""
    await insert_new(
        connection, chart_note, [row_of(instance_id, note, filed_at) for instance_id, note in notes]
    )


def row_of(instance_id: UUID, note: ChartNote, filed_at: datetime) -> dict[str, Any]:
    """Give a note's row."""
    return {
        "id": note.note_id,
        "instance_id": instance_id,
        "patient_id": note.patient_id,
        "session_id": note.session_id,
        "documentation_id": note.documentation_id,
        "held_at": note.held_at,
        "group_title": note.group_title,
        "attendance": note.attendance.value,
        "minutes": note.minutes,
        "filed_at": filed_at,
        "content": note.content,
        "template_id": note.template_id,
    }


async def add_new_documentations(
    connection: AsyncConnection, documentations: Iterable[tuple[UUID, Documentation]]
) -> None:
    """Add what notes are searched by, with its instance; what is there stays as it is."""
    rows = [
        asdict(one)
        | {"instance_id": instance_id, "leader_ids": " ".join(str(leader) for leader in one.leader_ids)}
        for instance_id, one in documentations
    ]
    await insert_new(connection, chart_documentation, rows)


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
