"""Things of the directory that are read with a version and changed over the version that was read."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Table, update
from sqlalchemy.exc import IntegrityError

from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.web.bodies import etag_of
from shared.web.preconditions import require_match
from shared.web.problems import ConflictProblem, NotFoundProblem


async def one(db: Transaction, table: Table, thing_id: UUID) -> dict[str, Any]:
    """Give one thing as the API shows it; raises `NotFoundProblem`."""
    columns = [column for column in table.c if column.name != "instance_id"]
    found = await db.records(db.rows_of(table, *columns).where(table.c.id == thing_id))
    if not found:
        raise NotFoundProblem(_missing(table))
    return found[0]


async def lock(db: Transaction, table: Table, thing_id: UUID) -> dict[str, Any]:
    """Give one thing and keep others from changing it meanwhile; raises `NotFoundProblem`."""
    columns = [column for column in table.c if column.name != "instance_id"]
    chosen = db.rows_of(table, *columns).where(table.c.id == thing_id).with_for_update()
    found = await db.records(chosen)
    if not found:
        raise NotFoundProblem(_missing(table))
    return found[0]


async def add(db: Transaction, table: Table, values: Mapping[str, Any], *, taken: str) -> dict[str, Any]:
    """Add one thing; raises `ConflictProblem` with `taken` when it breaks a unique key."""
    row = {"instance_id": db.instance_id, **values}
    added = await db.execute(upsert(db.connection, table, row).on_conflict_do_nothing())
    if added.rowcount != 1:
        raise ConflictProblem(taken)
    return {**values, "version": 1}


async def change(
    db: Transaction,
    table: Table,
    before: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    if_match: str | None,
    taken: str,
) -> dict[str, Any]:
    """Change what `lock` has given.

    Raises `PreconditionNeededProblem`, `StaleProblem`, or `ConflictProblem` with `taken`.
    """
    require_match(if_match, etag_of(before["version"]))
    values = {**changes, "version": before["version"] + 1}
    mine = (table.c.id == before["id"], table.c.instance_id == db.instance_id)
    try:
        await db.execute(update(table).where(*mine).values(**values))
    except IntegrityError:
        raise ConflictProblem(taken) from None
    return {**before, **values}


def _missing(table: Table) -> str:
    kind = {"staff_member": "member of staff"}.get(table.name, table.name)
    return f"There is no such {kind}."
