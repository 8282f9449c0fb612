"""What is shown: one set-based query each, straight to bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, literal, tuple_

from services.charts.cursors import Place
from services.charts.models import chart_note
from shared.database.transactions import Transaction
from shared.web.bodies import json_bytes

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


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a chart is wanted."""

    limit: int
    after: Place | None


async def one_note(db: Transaction, note_id: UUID) -> FiledNote | None:
    """Give a note, or None where this instance has no such one."""
    columns = chart_note.c.patient_id, chart_note.c.content
    row = await db.one_or_none(db.rows_of(chart_note, *columns).where(chart_note.c.id == note_id))
    return FiledNote(patient_id=row.patient_id, content=row.content) if row else None


async def chart_page(db: Transaction, patient_id: UUID, page: Page) -> bytes:
    """List a patient's notes, newest session first."""
    statement = (
        db.rows_of(chart_note, *LISTED)
        .where(chart_note.c.patient_id == patient_id)
        .order_by(chart_note.c.held_at.desc(), chart_note.c.id.desc())
        # One more than is shown tells whether there is a next page.
        .limit(page.limit + 1)
    )
    if page.after is not None:
        statement = statement.where(_comes_after(page.after))
    found = await db.records(statement)
    shown = found[: page.limit]
    return json_bytes({"notes": shown, "next_cursor": _end_of(shown) if len(found) > len(shown) else None})


def _end_of(shown: Sequence[Mapping[str, Any]]) -> str:
    return Place(held_at=shown[-1]["held_at"], note_id=shown[-1]["note_id"]).cursor


def _comes_after(place: Place) -> ColumnElement[bool]:
    # Compared as one pair: the index is entered right there, however deep the page is.
    held_at, note_id = chart_note.c.held_at, chart_note.c.id
    reached = tuple_(literal(place.held_at, held_at.type), literal(place.note_id, note_id.type))
    return tuple_(held_at, note_id) < reached


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
