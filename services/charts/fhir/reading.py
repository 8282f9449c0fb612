"""Reading notes for FHIR: one, or those that a search finds. The record itself, with or without the tab."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from services.charts import views
from services.charts.access import Deed, audited
from services.charts.domain import READS_CHARTS
from services.charts.fhir.parts import ToldNote
from services.charts.fhir.searching import Search, nobody_named
from services.charts.models import chart_note
from services.charts.standing import notes
from services.charts.use_cases import read_note
from shared.database.transactions import Database, Transaction
from shared.events.staff import Scope
from shared.web.cursors import past, write_cursor

Tell = Callable[..., dict[str, Any]]
"""Makes a resource of a `ToldNote`, given the address of this interface as `base`."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One page of what a search found, newest session first."""

    notes: list[ToldNote]
    next: str | None


async def read_one(database: Database, deed: Deed, note_id: UUID) -> ToldNote:
    """Give one note; raises `ForbiddenProblem`, `NotFoundProblem`."""
    return _told(await read_note(database, deed, note_id, scope=Scope.CHARTS_READ))


async def search(database: Database, deed: Deed, wanted: Search, *, cursor: str | None, limit: int) -> Found:
    """Give one page of notes; raises `ForbiddenProblem`, `InvalidProblem`.

    The audit trail names the patient: the one who was asked for, or whose note was found.
    """
    if wanted.patient_id is not None:
        patient_id = wanted.patient_id
        async with audited(
            database, deed, READS_CHARTS, subject=patient_id, patient_id=patient_id, scope=Scope.CHARTS_READ
        ) as db:
            return await _page(db, wanted, cursor=cursor, limit=limit)
    if not wanted.note_ids:
        raise nobody_named()
    # Looked for first, so that a refusal too is written down in the name of the patient concerned.
    note_id = wanted.note_ids[0]
    async with database.reading(deed.identity.instance_id) as db:
        note = await db.one_or_none(
            db.rows_of(chart_note, chart_note.c.patient_id).where(chart_note.c.id == note_id)
        )
    patient = note.patient_id if note else None
    async with audited(
        database, deed, READS_CHARTS, subject=note_id, patient_id=patient, scope=Scope.CHARTS_READ
    ) as db:
        return await _page(db, wanted, cursor=cursor, limit=limit)


async def _page(db: Transaction, wanted: Search, *, cursor: str | None, limit: int) -> Found:
    keys = (chart_note.c.held_at, chart_note.c.id)
    statement = notes(db, *views.WHOLE).where(*wanted.conditions())
    if cursor is not None:
        statement = statement.where(past(cursor, keys, descending=True))
    # One more than is shown tells whether there is a next page.
    found = await views.read_notes(db, statement.order_by(*(key.desc() for key in keys)).limit(limit + 1))
    following = (
        write_cursor([found[limit - 1].held_at, found[limit - 1].note_id]) if len(found) > limit else None
    )
    return Found(notes=[_told(one) for one in found[:limit]], next=following)


def _told(note: views.ReadNote) -> ToldNote:
    return ToldNote(note=orjson.loads(note.served), version=note.version, filed_at=note.filed_at)
