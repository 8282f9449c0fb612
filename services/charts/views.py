"""What is shown: one set-based query each, straight to bytes."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.charts.models import chart_note
from shared.database.transactions import Transaction
from shared.web.bodies import json_bytes
from shared.web.cursors import Page, past

LISTED: Final = (
    chart_note.c.id.label("note_id"),
    chart_note.c.session_id,
    chart_note.c.documentation_id,
    chart_note.c.held_at,
    chart_note.c.group_title,
    chart_note.c.attendance,
    chart_note.c.minutes,
    chart_note.c.filed_at,
)
"""What a page tells of each note; `schemas.ListedNote` says what it means."""


@dataclass(frozen=True, kw_only=True)
class FiledNote:
    """One note as it was filed."""

    patient_id: UUID
    content: str


async def one_note(db: Transaction, note_id: UUID) -> FiledNote | None:
    """Give a note, or None where this instance has no such one."""
    columns = chart_note.c.patient_id, chart_note.c.content
    row = await db.one_or_none(db.rows_of(chart_note, *columns).where(chart_note.c.id == note_id))
    return FiledNote(patient_id=row.patient_id, content=row.content) if row else None


async def chart_page(db: Transaction, patient_id: UUID, *, cursor: str | None, limit: int) -> bytes:
    """List a patient's notes, newest session first."""
    keys = (chart_note.c.held_at, chart_note.c.id)
    statement = db.rows_of(chart_note, *LISTED).where(chart_note.c.patient_id == patient_id)
    if cursor is not None:
        statement = statement.where(past(cursor, keys, descending=True))
    # One more than is shown tells whether there is a next page.
    found = await db.records(statement.order_by(*(key.desc() for key in keys)).limit(limit + 1))
    return json_bytes(Page.of(found, limit=limit, keys=("held_at", "note_id")).body())


async def filing(db: Transaction, session_id: UUID) -> bytes:
    """Tell which patients' charts a session has reached, by documentation."""
    statement = (
        db.rows_of(chart_note, chart_note.c.documentation_id, chart_note.c.patient_id)
        .where(chart_note.c.session_id == session_id)
        .order_by(chart_note.c.documentation_id, chart_note.c.patient_id)
    )
    rows = await db.all(statement)
    return json_bytes(
        {
            "session_id": session_id,
            "count": len(rows),
            "documentation_ids": list(dict.fromkeys(row.documentation_id for row in rows)),
            "patient_ids": list(dict.fromkeys(row.patient_id for row in rows)),
        }
    )
