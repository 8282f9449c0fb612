"""Databases as tests open them: every process of a test run has the same master keys."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.field_keys import FieldKeys
from shared.database.fields import Fields
from shared.database.sealed_columns import Sealed
from shared.database.transactions import Bell, Database, SilentBell
from shared.messaging.sealing import KEY_BYTES, KeyRing

FIELD_KEYS: Final = f"k1:{base64.b64encode(bytes(range(KEY_BYTES))).decode()}"
"""OPENCIRCLE_FIELD_KEYS of all tests: the same in each process."""


def database_on(engine: AsyncEngine, *, bell: Bell | None = None) -> Database:
    """Give a database as a process of its own would open it: with a memory of its own."""
    keys = FieldKeys(master_keys=KeyRing.parse(FIELD_KEYS))
    return Database(engine=engine, field_keys=keys, bell=bell or SilentBell())


async def opened_rows(database: Database, statement: Select[Any], sealed: Sequence[Sealed]) -> list[Row[Any]]:
    """Give the rows of a table as they were before they were sealed; `sealed` are columns of it."""
    async with database.reading_for_all() as connection:
        result = await connection.execute(statement)
        names, rows = tuple(result.keys()), result.all()
    fields = await database.fields_of({row.instance_id for row in rows} if sealed else ())
    opened = [opened_row(row, fields, sealed) for row in rows]
    return list(IteratorResult(SimpleResultMetaData(names), iter(opened)))


def opened_row(row: Row[Any], fields: Mapping[UUID, Fields], sealed: Sequence[Sealed]) -> tuple[Any, ...]:
    """Give the values of a whole row as they were before they were sealed."""
    open_now = {
        one.column: fields[row.instance_id].unseal_any(
            getattr(row, one.column), place=one.place, row=one.key_in(row)
        )
        for one in sealed
    }
    return tuple(open_now.get(name, value) for name, value in zip(row._fields, row, strict=True))
