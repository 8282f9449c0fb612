"""Which notes are filed, told to whoever holds the message keys: ids, nothing of the notes (BILL-10)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, or_

from services.charts.models import audit_entry, chart_note
from services.charts.standing import VOID, notes
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.events.filing import (
    FILED_PURPOSE,
    Filed,
    FiledDocumentation,
    FiledRequest,
)
from shared.events.record import Attendance
from shared.messaging.sealing import KeyRing
from shared.web.sealed import open_request, seal_answer


async def answer_filed(database: Database, sealed: str, *, keys: KeyRing, at: datetime) -> str:
    """Answer one sealed request, sealed for that request alone; raises `NotSealedProblem`."""
    request = open_request(sealed, FiledRequest, keys=keys, purpose=FILED_PURPOSE)
    async with database.writing(request.instance_id) as db:
        documentations = await _documentations(db, request)
        await record_access(
            db, audit_entry, at=at, user_id=None, action="filing.reconciled", subject=request.instance_id
        )
    answer = Filed(instance_id=request.instance_id, documentations=tuple(documentations))
    return seal_answer(answer, keys=keys, purpose=FILED_PURPOSE, to=sealed)


async def _documentations(db: Transaction, request: FiledRequest) -> list[FiledDocumentation]:
    in_error = VOID.label("in_error")
    note = chart_note.c
    statement = (
        notes(db, note.documentation_id, note.session_id, note.patient_id, note.attendance, in_error)
        .where(
            or_(
                note.documentation_id.in_(request.documentation_ids),
                and_(note.held_at >= request.since, note.held_at < request.until),
            )
        )
        .order_by(note.documentation_id, note.patient_id)
    )
    return _grouped(await db.all(statement))


def _grouped(rows: Sequence[Row[Any]]) -> list[FiledDocumentation]:
    of_documentation: dict[UUID, list[Row[Any]]] = {}
    for row in rows:
        of_documentation.setdefault(row.documentation_id, []).append(row)
    return [
        FiledDocumentation(
            documentation_id=documentation_id,
            session_id=notes[0].session_id,
            present=tuple(note.patient_id for note in notes if note.attendance == Attendance.PRESENT.value),
            entered_in_error=bool(notes[0].in_error),
        )
        for documentation_id, notes in of_documentation.items()
    ]
