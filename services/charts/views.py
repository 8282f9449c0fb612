"""What is shown: one set-based query each, straight to bytes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func

from services.charts.domain import NoteStatus, served
from services.charts.models import chart_note, chart_note_annotation, chart_note_retraction
from shared.database.transactions import Transaction
from shared.events.record import Attendance
from shared.web.bodies import json_bytes
from shared.web.cursors import Page, past

_RETRACTED: Final = chart_note_retraction.c.documentation_id.is_not(None)
_AMENDED: Final = exists().where(
    chart_note_annotation.c.note_id == chart_note.c.id,
    chart_note_annotation.c.instance_id == chart_note.c.instance_id,
)
STATUS: Final = case(
    # What was entered in error stays so, whatever was added to it.
    (_RETRACTED, NoteStatus.ENTERED_IN_ERROR.value),
    (_AMENDED, NoteStatus.AMENDED.value),
    else_=NoteStatus.FINAL.value,
).label("status")

LISTED: Final = (
    chart_note.c.id.label("note_id"),
    chart_note.c.session_id,
    chart_note.c.documentation_id,
    chart_note.c.held_at,
    chart_note.c.group_title,
    chart_note.c.attendance,
    chart_note.c.minutes,
    chart_note.c.filed_at,
    STATUS,
)
"""What a page tells of each note; `schemas.ListedNote` says what it means."""

WHOLE: Final = (
    chart_note.c.id,
    chart_note.c.patient_id,
    chart_note.c.held_at,
    chart_note.c.content,
    STATUS,
    chart_note_retraction.c.content.label("entered_in_error"),
)


@dataclass(frozen=True, kw_only=True)
class ReadNote:
    """One note as it is read."""

    note_id: UUID
    patient_id: UUID
    held_at: datetime
    served: str
    """JSON; see `schemas.ChartNote`."""


async def one_note(db: Transaction, note_id: UUID) -> ReadNote | None:
    """Give a note, or None where this instance has no such one."""
    found = await _read(db, _notes(db, *WHOLE).where(chart_note.c.id == note_id))
    return found[0] if found else None


@dataclass(frozen=True, kw_only=True)
class ShownNotes:
    """A page of notes of several patients."""

    patient_ids: list[UUID]
    body: bytes


async def individual_notes(
    db: Transaction, session_id: UUID, *, cursor: str | None, limit: int
) -> ShownNotes:
    """Give the notes of a session's patients, each as its chart shows it (SET-3)."""
    keys = (chart_note.c.held_at, chart_note.c.id)
    statement = _notes(db, *WHOLE).where(chart_note.c.session_id == session_id)
    if cursor is not None:
        statement = statement.where(past(cursor, keys))
    found = await _read(db, statement.order_by(*keys).limit(limit + 1))
    page = Page.of([asdict(one) for one in found], limit=limit, keys=("held_at", "note_id"))
    items = [orjson.Fragment(one.served) for one in found[:limit]]
    return ShownNotes(
        patient_ids=[one.patient_id for one in found[:limit]],
        body=json_bytes({"items": items, "next": page.next}),
    )


async def _read(db: Transaction, statement: Select[Any]) -> list[ReadNote]:
    rows = await db.all(statement)
    annotations = await _annotations(db, [row.id for row in rows])
    return [
        ReadNote(
            note_id=row.id,
            patient_id=row.patient_id,
            held_at=row.held_at,
            served=served(
                row.content,
                status=row.status,
                annotations=annotations[row.id],
                entered_in_error=row.entered_in_error,
            ),
        )
        for row in rows
    ]


async def _annotations(db: Transaction, note_ids: Sequence[UUID]) -> Mapping[UUID, list[str]]:
    """Give what was added to each note, oldest first."""
    table = chart_note_annotation
    statement = db.rows_of(table, table.c.note_id, table.c.content).where(table.c.note_id.in_(note_ids))
    by_note: dict[UUID, list[str]] = defaultdict(list)
    for row in await db.all(statement.order_by(table.c.annotated_at, table.c.id)):
        by_note[row.note_id].append(row.content)
    return by_note


def _notes(db: Transaction, *columns: ColumnElement[Any]) -> Select[Any]:
    """Select notes with their retraction, if there is one, beside them."""
    same = and_(
        chart_note_retraction.c.documentation_id == chart_note.c.documentation_id,
        chart_note_retraction.c.instance_id == chart_note.c.instance_id,
    )
    return db.rows_of(chart_note, *columns).join(chart_note_retraction, same, isouter=True)


async def chart_page(db: Transaction, patient_id: UUID, *, cursor: str | None, limit: int) -> bytes:
    """List a patient's notes, newest session first."""
    keys = (chart_note.c.held_at, chart_note.c.id)
    statement = _notes(db, *LISTED).where(chart_note.c.patient_id == patient_id)
    if cursor is not None:
        statement = statement.where(past(cursor, keys, descending=True))
    # One more than is shown tells whether there is a next page.
    found = await db.records(statement.order_by(*(key.desc() for key in keys)).limit(limit + 1))
    return json_bytes(Page.of(found, limit=limit, keys=("held_at", "note_id")).body())


async def attendance(db: Transaction, patient_id: UUID) -> bytes:
    """Count a patient's presences and absences in each group, without what was entered in error (SET-4)."""
    groups = chart_note.c.template_id, chart_note.c.group_title
    counted = [
        func.sum(case((chart_note.c.attendance == one.value, 1), else_=0)).label(one.value)
        for one in Attendance
    ]
    last = func.max(chart_note.c.held_at).label("last")
    statement = (
        _notes(db, *groups, *counted, last)
        .where(chart_note.c.patient_id == patient_id, ~_RETRACTED)
        .group_by(*groups)
        .order_by(last.desc(), *groups)
    )
    return json_bytes({"patient_id": patient_id, "groups": _by_group(await db.all(statement))})


def _by_group(rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Add up the titles that one group has had, under the latest one."""
    totals: dict[UUID | str, dict[str, Any]] = {}
    for row in rows:
        one = totals.setdefault(
            row.template_id or row.group_title,
            {"template_id": row.template_id, "group_title": row.group_title, "present": 0, "absent": 0},
        )
        one["present"] += row.present
        one["absent"] += row.absent
    return list(totals.values())


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
