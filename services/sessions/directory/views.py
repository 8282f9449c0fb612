"""Lists of people and places, a page at a time."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from services.sessions.directory.models import LOCATION, PATIENT, STAFF_ACCESS, STAFF_MEMBER
from shared.database.transactions import Transaction
from shared.web.cursors import Page, past

_STAFF_ORDER: Final = (STAFF_MEMBER.c.last_name, STAFF_MEMBER.c.first_name, STAFF_MEMBER.c.id)
_PATIENT_ORDER: Final = (PATIENT.c.last_name, PATIENT.c.first_name, PATIENT.c.id)
_LOCATION_ORDER: Final = (LOCATION.c.name, LOCATION.c.id)


async def locations(db: Transaction, *, cursor: str | None, limit: int) -> Page:
    """List locations by name."""
    columns = (LOCATION.c.id, LOCATION.c.name, LOCATION.c.time_zone)
    return await _page(db, db.rows_of(LOCATION, *columns), _LOCATION_ORDER, cursor=cursor, limit=limit)


async def staff(db: Transaction, *, cursor: str | None, limit: int) -> Page:
    """List staff by name, with what they may do."""
    columns = (*_without_instance(STAFF_MEMBER), STAFF_ACCESS.c.roles, STAFF_ACCESS.c.features)
    joined = STAFF_MEMBER.outerjoin(STAFF_ACCESS, STAFF_ACCESS.c.user_id == STAFF_MEMBER.c.id)
    statement: Select[Any] = (
        select(*columns).select_from(joined).where(STAFF_MEMBER.c.instance_id == db.instance_id)
    )
    return await _page(db, statement, _STAFF_ORDER, cursor=cursor, limit=limit)


async def patients(db: Transaction, *, cursor: str | None, limit: int) -> Page:
    """List patients by name."""
    return await _page(
        db, db.rows_of(PATIENT, *_without_instance(PATIENT)), _PATIENT_ORDER, cursor=cursor, limit=limit
    )


def _without_instance(table: Any) -> Sequence[Any]:
    return [column for column in table.c if column.name != "instance_id"]


async def _page(
    db: Transaction, statement: Select[Any], order: Sequence[Any], *, cursor: str | None, limit: int
) -> Page:
    if cursor is not None:
        statement = statement.where(past(cursor, order))
    rows = await db.records(statement.order_by(*order).limit(limit + 1))
    return Page.of(rows, limit=limit, keys=[column.name for column in order])
