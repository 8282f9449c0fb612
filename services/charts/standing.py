"""Where notes stand, as their rows tell: final, amended, entered in error. One place for every list."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, exists, or_

from services.charts.domain import NoteStatus
from services.charts.models import (
    chart_documentation,
    chart_note,
    chart_note_annotation,
    chart_note_retraction,
)
from shared.database.transactions import Transaction

_NEWER: Final = chart_documentation.alias("newer_documentation")

RETRACTED: Final = chart_note_retraction.c.documentation_id.is_not(None)
# A session is documented anew only after what it had was deleted: should that news be late, the newer
# documentation tells it (DIST-5).
SUPERSEDED: Final = exists().where(
    _NEWER.c.instance_id == chart_documentation.c.instance_id,
    _NEWER.c.session_id == chart_documentation.c.session_id,
    _NEWER.c.version > chart_documentation.c.version,
)
VOID: Final = or_(RETRACTED, SUPERSEDED)
_AMENDED: Final = exists().where(
    chart_note_annotation.c.note_id == chart_note.c.id,
    chart_note_annotation.c.instance_id == chart_note.c.instance_id,
)
STATUS: Final = case(
    # What was entered in error stays so, whatever was added to it.
    (VOID, NoteStatus.ENTERED_IN_ERROR.value),
    (_AMENDED, NoteStatus.AMENDED.value),
    else_=NoteStatus.FINAL.value,
).label("status")


def notes(db: Transaction, *columns: ColumnElement[Any]) -> Select[Any]:
    """Select notes with their retraction and their documentation, where there are such, beside them."""
    retracted = and_(
        chart_note_retraction.c.documentation_id == chart_note.c.documentation_id,
        chart_note_retraction.c.instance_id == chart_note.c.instance_id,
    )
    documented = and_(
        chart_documentation.c.documentation_id == chart_note.c.documentation_id,
        chart_documentation.c.instance_id == chart_note.c.instance_id,
    )
    return (
        db.rows_of(chart_note, *columns)
        .join(chart_note_retraction, retracted, isouter=True)
        .join(chart_documentation, documented, isouter=True)
    )
