"""Chart notes as rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.charts.domain import ChartNote
from services.charts.models import chart_note
from shared.database.bulk import insert_new


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
    }
