"""What is counted: presences and absences of a patient, notes of a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.charts.models import chart_note
from services.charts.repository import TITLE
from services.charts.standing import VOID, notes
from shared.database.fields import Fields
from shared.database.transactions import Transaction
from shared.events.record import Attendance
from shared.web.bodies import json_bytes


async def attendance(db: Transaction, patient_id: UUID) -> bytes:
    """Count a patient's presences and absences in each group, without what was entered in error (SET-4)."""
    note = chart_note.c
    statement = (
        notes(db, note.id, note.template_id, note.group_title, note.attendance)
        .where(note.patient_id == patient_id, ~VOID)
        .order_by(note.held_at.desc(), note.id.desc())
    )
    return json_bytes({"patient_id": patient_id, "groups": _by_group(await db.all(statement), db.fields)})


def _by_group(rows: Sequence[Row[Any]], fields: Fields) -> list[dict[str, Any]]:
    """Count by group, newest first; one that has had several titles is shown under the latest."""
    totals: dict[UUID | str | None, dict[str, Any]] = {}
    for row in rows:
        known = row.template_id in totals
        title = None if known else fields.unseal(row.group_title, place=TITLE, row=row.id)
        counts = {one.value: 0 for one in Attendance}
        first = {"template_id": row.template_id, "group_title": title, **counts}
        totals.setdefault(row.template_id or title, first)[row.attendance] += 1
    return list(totals.values())


@dataclass(frozen=True, kw_only=True)
class Filing:
    """What is told of a session's filing, and of whom."""

    body: bytes
    patient_ids: Sequence[UUID]


async def filing(db: Transaction, session_id: UUID) -> Filing:
    """Tell which patients' charts a session has reached, by documentation."""
    statement = (
        db.rows_of(chart_note, chart_note.c.documentation_id, chart_note.c.patient_id)
        .where(chart_note.c.session_id == session_id)
        .order_by(chart_note.c.documentation_id, chart_note.c.patient_id)
    )
    rows = await db.all(statement)
    patient_ids = list(dict.fromkeys(row.patient_id for row in rows))
    body = json_bytes(
        {
            "session_id": session_id,
            "count": len(rows),
            "documentation_ids": list(dict.fromkeys(row.documentation_id for row in rows)),
            "patient_ids": patient_ids,
        }
    )
    return Filing(body=body, patient_ids=patient_ids)
