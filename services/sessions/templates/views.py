"""Reading templates."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import String, cast

from services.sessions.directory.views import begins
from services.sessions.templates.models import OCCURRENCE_CHANGE, TEMPLATE, TEMPLATE_LOCATION
from shared.database.transactions import Transaction
from shared.web.cursors import Page, past
from shared.web.problems import NotFoundProblem

_HIDDEN: Final = frozenset({"instance_id", "location_id", "deleted_at"})
_SHOWN: Final = tuple(column for column in TEMPLATE.c if column.name not in _HIDDEN)
_ORDER: Final = (TEMPLATE.c.title, TEMPLATE.c.id)


@dataclass(frozen=True, kw_only=True)
class TemplatesWanted:
    """Which templates a list is of; None: all of them."""

    title: str | None = None
    """Its beginning, in any case."""
    location_id: UUID | None = None
    leader_id: UUID | None = None
    enabled: bool | None = None


async def templates(db: Transaction, wanted: TemplatesWanted, *, cursor: str | None, limit: int) -> Page:
    """List templates by title."""
    statement = db.rows_of(TEMPLATE, *_SHOWN).where(TEMPLATE.c.deleted_at.is_(None))
    if wanted.title is not None:
        statement = statement.where(begins(wanted.title, TEMPLATE.c.title))
    if wanted.location_id is not None:
        there = db.rows_of(TEMPLATE_LOCATION, TEMPLATE_LOCATION.c.template_id)
        there = there.where(TEMPLATE_LOCATION.c.location_id == wanted.location_id)
        statement = statement.where(TEMPLATE.c.id.in_(there))
    if wanted.leader_id is not None:
        # Both databases write a list of ids as text in one way.
        statement = statement.where(cast(TEMPLATE.c.leader_ids, String).contains(f'"{wanted.leader_id}"'))
    if wanted.enabled is not None:
        statement = statement.where(TEMPLATE.c.enabled.is_(wanted.enabled))
    if cursor is not None:
        statement = statement.where(past(cursor, _ORDER))
    rows = await db.records(statement.order_by(*_ORDER).limit(limit + 1))
    page = Page.of(rows, limit=limit, keys=[column.name for column in _ORDER])
    places = await _places(db, [one["id"] for one in page.items])
    items = [{**one, "location_ids": places[one["id"]]} for one in page.items]
    return Page(items=items, next=page.next)


async def _places(db: Transaction, ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    place = TEMPLATE_LOCATION
    statement = db.rows_of(place, place.c.template_id, place.c.location_id)
    places: dict[UUID, list[UUID]] = {}
    for row in await db.all(statement.where(place.c.template_id.in_(ids)).order_by(place.c.position)):
        places.setdefault(row.template_id, []).append(row.location_id)
    return places


async def template(db: Transaction, template_id: UUID) -> dict[str, Any]:
    """Give one template with its changed occurrences; raises `NotFoundProblem`."""
    living = (TEMPLATE.c.id == template_id, TEMPLATE.c.deleted_at.is_(None))
    found = await db.records(db.rows_of(TEMPLATE, *_SHOWN).where(*living))
    if not found:
        raise NotFoundProblem("There is no such group session template.")
    change = OCCURRENCE_CHANGE
    statement = db.rows_of(change, change.c.location_id, change.c.on, change.c.moved_to, change.c.starts_at)
    of_it = statement.where(change.c.template_id == template_id)
    changes = await db.records(of_it.order_by(change.c.on, change.c.location_id))
    return found[0] | {
        "location_ids": (await _places(db, [template_id]))[template_id],
        "changes": [one | {"cancelled": one["moved_to"] is None} for one in changes],
    }
