"""What is counted: presences and absences of a patient, notes of a session."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func

from services.charts.models import chart_note
from services.charts.standing import VOID, notes
from shared.database.transactions import Transaction
from shared.events.record import Attendance
from shared.web.bodies import json_bytes


async def attendance(db: Transaction, patient_id: UUID) -> bytes:
    """Count a patient's presences and absences in each group, without what was entered in error (SET-4)."""
    groups = chart_note.c.template_id, chart_note.c.group_title
    counted = [
        func.sum(case((chart_note.c.attendance == one.value, 1), else_=0)).label(one.value)
        for one in Attendance
    ]
    last = func.max(chart_note.c.held_at).label("last")
    statement = (
        notes(db, *groups, *counted, last)
        .where(chart_note.c.patient_id == patient_id, ~VOID)
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
