"""Statements that begin, write and commit in one round trip, for what is done very often (PostgreSQL)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, TableClause, bindparam, func, insert, literal_column, select, true
from sqlalchemy.dialects.postgresql import asyncpg

from shared.database.engine import SETTING
from shared.database.transactions import Database


class SingleTrip:
    """One insert of what a select gives, put into words once.

    PostgreSQL makes a transaction of a statement that comes alone. This one itself names the instance whose
    rows it sees, and the setting ends with it. Its parameters go to the driver as they are, so none may be
    of a type that SQLAlchemy translates.
    """

    def __init__(self, table: TableClause, rows: Select[Any]) -> None:
        compiled = _scoped(table, rows).compile(dialect=asyncpg.dialect())  # type: ignore[no-untyped-call]
        self._text = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._fixed = dict(compiled.params)

    async def rows_written(self, database: Database, instance_id: UUID, values: Mapping[str, Any]) -> int:
        """Run it, durable when this returns; give how many rows it has inserted."""
        given = {**self._fixed, **values, "scope": str(instance_id)}
        async with database.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            done: str = await driver.execute(self._text, *(given[name] for name in self._names))
        return int(done.rpartition(" ")[2])


def _scoped(table: TableClause, rows: Select[Any]) -> Any:
    """Have the instance named before any row is looked for, whatever the plan.

    The rows are asked for with OFFSET 0, which PostgreSQL takes into no other query, and refer to the scope
    beside them: so they come after it, in a loop over its one row. What the policies ask of the setting is
    asked when it is first needed, inside that loop, and of an inserted row when there is one.
    """
    until_its_end = true()
    named = func.set_config(SETTING, bindparam("scope", type_=String()), until_its_end)
    scope = select(named.label("instance")).subquery("scope")
    each = rows.where(scope.c.instance.is_not(None)).offset(literal_column("0")).lateral("each_row")
    return insert(table).from_select(each.c.keys(), select(each).select_from(scope.join(each, true())))
