"""Statements that begin, write and commit in one round trip, for what is done very often (PostgreSQL)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects.postgresql import asyncpg

from shared.database.transactions import Database


class SingleTrip:
    """One insert, put into words once: PostgreSQL makes a transaction of a statement that comes alone.

    Its parameters go to the driver as they are, so none may be of a type that SQLAlchemy translates.
    """

    def __init__(self, statement: Insert) -> None:
        compiled = statement.compile(dialect=asyncpg.dialect())  # type: ignore[no-untyped-call]
        self._text = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._fixed = dict(compiled.params)

    async def rows_written(self, database: Database, values: Mapping[str, Any]) -> int:
        """Run it, durable when this returns; give how many rows it has inserted."""
        given = {**self._fixed, **values}
        async with database.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            done: str = await driver.execute(self._text, *(given[name] for name in self._names))
        return int(done.rpartition(" ")[2])
