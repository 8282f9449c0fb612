"""Reading templates."""

from typing import Any, Final
from uuid import UUID

from services.sessions.templates.models import OCCURRENCE_CHANGE, TEMPLATE
from shared.database.transactions import Transaction
from shared.web.cursors import Page, past
from shared.web.problems import NotFoundProblem

_SHOWN: Final = tuple(column for column in TEMPLATE.c if column.name not in {"instance_id", "deleted_at"})
_ORDER: Final = (TEMPLATE.c.title, TEMPLATE.c.id)


async def templates(db: Transaction, *, location_id: UUID | None, cursor: str | None, limit: int) -> Page:
    """List templates by title."""
    statement = db.rows_of(TEMPLATE, *_SHOWN).where(TEMPLATE.c.deleted_at.is_(None))
    if location_id is not None:
        statement = statement.where(TEMPLATE.c.location_id == location_id)
    if cursor is not None:
        statement = statement.where(past(cursor, _ORDER))
    rows = await db.records(statement.order_by(*_ORDER).limit(limit + 1))
    return Page.of(rows, limit=limit, keys=[column.name for column in _ORDER])


async def template(db: Transaction, template_id: UUID) -> dict[str, Any]:
    """Give one template with its changed occurrences; raises `NotFoundProblem`."""
    living = (TEMPLATE.c.id == template_id, TEMPLATE.c.deleted_at.is_(None))
    found = await db.records(db.rows_of(TEMPLATE, *_SHOWN).where(*living))
    if not found:
        raise NotFoundProblem("There is no such group session template.")
    change = OCCURRENCE_CHANGE
    statement = db.rows_of(change, change.c.on, change.c.moved_to, change.c.starts_at)
    changes = await db.records(statement.where(change.c.template_id == template_id).order_by(change.c.on))
    return found[0] | {"changes": [one | {"cancelled": one["moved_to"] is None} for one in changes]}
