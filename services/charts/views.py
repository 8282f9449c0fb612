"""What is shown of notes: one set-based query each, straight to bytes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select

from services.charts.domain import history_of, served
from services.charts.models import (
    chart_documentation,
    chart_note,
    chart_note_annotation,
    chart_note_retraction,
)
from services.charts.repository import ANNOTATION, NOTE, RETRACTION, TITLE
from services.charts.standing import RETRACTED, STATUS, SUPERSEDED, notes
from shared.database.transactions import Transaction
from shared.events.record import Attendance
from shared.web.bodies import json_bytes
from shared.web.cursors import Page, past

LISTED: Final = (
    chart_note.c.id.label("note_id"),
    chart_note.c.session_id,
    chart_note.c.documentation_id,
    chart_note.c.held_at,
    chart_note.c.template_id,
    chart_note.c.group_title,
    chart_note.c.attendance,
    chart_note.c.minutes,
    chart_note.c.filed_at,
    STATUS,
)
"""What a page tells of each note; `schemas.ListedNote` says what it means."""

WHOLE: Final = (
    chart_note.c.id,
    chart_note.c.documentation_id,
    chart_note.c.patient_id,
    chart_note.c.held_at,
    chart_note.c.filed_at,
    chart_note.c.content,
    STATUS,
    RETRACTED.label("retracted"),
    SUPERSEDED.label("superseded"),
    chart_note_retraction.c.content.label("entered_in_error"),
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which notes of a chart are asked for; None: any."""

    held_from: date | None = None
    held_to: date | None = None
    template_id: UUID | None = None
    attendance: Attendance | None = None
    leader_id: UUID | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Give what each wish means."""
        if self.held_from is not None:
            yield chart_documentation.c.held_on >= self.held_from
        if self.held_to is not None:
            yield chart_documentation.c.held_on <= self.held_to
        if self.template_id is not None:
            yield chart_note.c.template_id == self.template_id
        if self.attendance is not None:
            yield chart_note.c.attendance == self.attendance.value
        if self.leader_id is not None:
            yield chart_documentation.c.leader_ids.contains(str(self.leader_id))


@dataclass(frozen=True, kw_only=True)
class ReadNote:
    """One note as it is read."""

    note_id: UUID
    patient_id: UUID
    held_at: datetime
    filed_at: datetime
    version: int
    """Counts what was said of it: filed is 1, and each later fact is one more."""
    served: str
    """JSON; see `schemas.ChartNote`."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A body, and whose notes it is about."""

    patient_ids: list[UUID]
    body: bytes


async def one_note(db: Transaction, note_id: UUID) -> ReadNote | None:
    """Give a note, or None where this instance has no such one."""
    found = await read_notes(db, notes(db, *WHOLE).where(chart_note.c.id == note_id))
    return found[0] if found else None


async def note_history(db: Transaction, note_id: UUID) -> Shown | None:
    """Tell what became of a note, or None where this instance has no such one."""
    note = await one_note(db, note_id)
    if note is None:
        return None
    told = {"note_id": note_id, "items": history_of(orjson.loads(note.served), filed_at=note.filed_at)}
    return Shown(patient_ids=[note.patient_id], body=json_bytes(told))


async def individual_notes(db: Transaction, session_id: UUID, *, cursor: str | None, limit: int) -> Shown:
    """Give the notes of a session's patients, each as its chart shows it (SET-3)."""
    keys = (chart_note.c.held_at, chart_note.c.id)
    statement = notes(db, *WHOLE).where(chart_note.c.session_id == session_id)
    if cursor is not None:
        statement = statement.where(past(cursor, keys))
    found = await read_notes(db, statement.order_by(*keys).limit(limit + 1))
    page = Page.of([asdict(one) for one in found], limit=limit, keys=("held_at", "note_id"))
    items = [orjson.Fragment(one.served) for one in found[:limit]]
    return Shown(
        patient_ids=[one.patient_id for one in found[:limit]],
        body=json_bytes({"items": items, "next": page.next}),
    )


async def chart_page(
    db: Transaction, patient_id: UUID, wanted: Wanted, *, cursor: str | None, limit: int
) -> bytes:
    """List a patient's notes, newest session first."""
    keys = (chart_note.c.held_at, chart_note.c.id)
    statement = notes(db, *LISTED).where(chart_note.c.patient_id == patient_id, *wanted.conditions())
    if cursor is not None:
        statement = statement.where(past(cursor, keys, descending=True))
    # One more than is shown tells whether there is a next page.
    found = await db.records(statement.order_by(*(key.desc() for key in keys)).limit(limit + 1))
    for one in found:
        one["group_title"] = db.fields.unseal(one["group_title"], place=TITLE, row=one["note_id"])
    return json_bytes(Page.of(found, limit=limit, keys=("held_at", "note_id")).body())


async def read_notes(db: Transaction, statement: Select[Any]) -> list[ReadNote]:
    """Give what a selection of `WHOLE` finds, each with what was said of it later."""
    rows = await db.all(statement)
    annotations = await _annotations(db, [row.id for row in rows])
    return [
        ReadNote(
            note_id=row.id,
            patient_id=row.patient_id,
            held_at=row.held_at,
            filed_at=row.filed_at,
            version=1 + len(annotations[row.id]) + row.retracted + row.superseded,
            served=served(
                db.fields.unseal(row.content, place=NOTE, row=row.id),
                status=row.status,
                annotations=annotations[row.id],
                entered_in_error=db.fields.unseal_any(
                    row.entered_in_error, place=RETRACTION, row=row.documentation_id
                ),
            ),
        )
        for row in rows
    ]


async def _annotations(db: Transaction, note_ids: Sequence[UUID]) -> Mapping[UUID, list[str]]:
    """Give what was added to each note, oldest first."""
    table = chart_note_annotation
    columns = (table.c.id, table.c.note_id, table.c.content)
    statement = db.rows_of(table, *columns).where(table.c.note_id.in_(note_ids))
    by_note: dict[UUID, list[str]] = defaultdict(list)
    for row in await db.all(statement.order_by(table.c.annotated_at, table.c.id)):
        by_note[row.note_id].append(db.fields.unseal(row.content, place=ANNOTATION, row=row.id))
    return by_note
