"""Data keys wrapped anew or replaced, fields sealed anew. Each can be broken off and run again."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    Table,
    bindparam,
    cast,
    func,
    literal,
    select,
    tuple_,
    update,
)

from shared.database.field_keys import DATA_KEY
from shared.database.fields import FIRST_VERSION, USED_AFTER, Fields, FieldUnsealableError, new_data_key
from shared.database.sealed_columns import Sealed
from shared.database.transactions import Database

BATCH: Final = 500


@dataclass(frozen=True, kw_only=True)
class Resealed:
    """What became of some fields of one column."""

    sealed: int
    unopenable: Sequence[str]
    """Places and rows that were left as they are: they are not what was stored there."""


async def rewrap(database: Database) -> int:
    """Wrap every data key by the first master key that is not yet; give how many were.

    Raises `DataKeyUnopenableError`. Fields stay as they are.
    """
    rewrapped = 0
    while True:
        async with database.writing_for_all() as connection:
            count = await connection.run_sync(rewrap_some, database)
        if not count:
            return rewrapped
        rewrapped += count


def rewrap_some(connection: Connection, database: Database) -> int:
    """Do so with the next of them; give how many were left to do, 0 at the end."""
    keys = database.field_keys
    first = f"{keys.master_keys.first}."
    older = select(DATA_KEY).where(~DATA_KEY.c.wrapped.startswith(first, autoescape=True)).limit(BATCH)
    rows = connection.execute(older).all()
    if rows:
        one = (DATA_KEY.c.instance_id == bindparam("whose")) & (DATA_KEY.c.version == bindparam("which"))
        connection.execute(
            update(DATA_KEY).where(one).values(wrapped=bindparam("anew")),
            [
                {
                    "whose": row.instance_id,
                    "which": row.version,
                    "anew": keys.opened(row).wrapped_by(keys.master_keys, row.instance_id),
                }
                for row in rows
            ],
        )
    return len(rows)


async def rotate(database: Database) -> int:
    """Make a new data key for each instance; give how many were.

    It seals from `USED_AFTER` on. An instance whose newest key rests still gets none.
    """
    async with database.writing_for_all() as connection:
        return await connection.run_sync(_make_next, database)


def _make_next(connection: Connection, database: Database) -> int:
    now = database.field_keys.clock()
    newest = select(DATA_KEY.c.instance_id, func.max(DATA_KEY.c.version).label("version")).group_by(
        DATA_KEY.c.instance_id
    )
    rested = newest.having(func.max(DATA_KEY.c.used_from) <= now)
    next_keys = [
        (row.instance_id, new_data_key(row.version + 1, used_from=now + USED_AFTER))
        for row in connection.execute(rested.order_by(DATA_KEY.c.instance_id)).all()
    ]
    if next_keys:
        database.field_keys.store(connection, next_keys)
    return len(next_keys)


async def reseal(database: Database, table: Table, sealed: Sealed) -> AsyncIterator[Resealed]:
    """Seal fields of one column anew that an older data key has sealed, some at a time, each a transaction.

    A row that changes meanwhile is left to who changes it: that has sealed it by the newest key.
    """
    order = [table.c[name] for name in sealed.row]
    older = _older(table, table.c[sealed.column], database.field_keys.clock()).order_by(*order).limit(BATCH)
    after: Sequence[Any] | None = None
    while True:
        wanted = older if after is None else older.where(tuple_(*order) > tuple_(*after))
        async with database.reading_for_all() as connection:
            rows = (await connection.execute(wanted)).all()
        if not rows:
            return
        yield await _reseal(database, table, sealed, rows)
        after = [literal(getattr(rows[-1], one.name), one.type) for one in order]


def _older(table: Table, column: Column[Any], now: datetime) -> Select[Any]:
    newest = (
        select(DATA_KEY.c.instance_id, func.max(DATA_KEY.c.version).label("version"))
        .where(DATA_KEY.c.used_from <= now)
        .group_by(DATA_KEY.c.instance_id)
        .subquery()
    )
    by_newest = _sealed_by(column, newest.c.version)
    return (
        select(table.c.instance_id, *table.primary_key.columns, column)
        .join(newest, newest.c.instance_id == table.c.instance_id)
        .where(column.is_not(None), ~by_newest)
    )


def _sealed_by(column: Column[Any], version: ColumnElement[int]) -> ColumnElement[bool]:
    # The first letter says whether it is compressed.
    return column.like(literal("_") + cast(version, String) + literal(".%"))


async def _reseal(database: Database, table: Table, sealed: Sealed, rows: Sequence[Row[Any]]) -> Resealed:
    fields = await database.fields_of({row.instance_id for row in rows})
    anew, unopenable = [], []
    for row in rows:
        try:
            anew.append(_sealed_anew(row, sealed, fields))
        except FieldUnsealableError as error:
            unopenable.append(str(error))
    column = table.c[sealed.column]
    mine = [table.c[name] == bindparam(f"of_{name}", type_=table.c[name].type) for name in sealed.row]
    statement = update(table).where(*mine, column == bindparam("before")).values({column: bindparam("anew")})
    if anew:
        async with database.writing_for_all() as connection:
            await connection.execute(statement, anew)
    return Resealed(sealed=len(anew), unopenable=unopenable)


def _sealed_anew(row: Row[Any], sealed: Sealed, fields: Mapping[UUID, Fields]) -> dict[str, Any]:
    its, bound, before = fields[row.instance_id], sealed.key_in(row), getattr(row, sealed.column)
    text = its.unseal(before, place=sealed.place, row=bound)
    return {f"of_{name}": getattr(row, name) for name in sealed.row} | {
        "before": before,
        "anew": its.seal(text, place=sealed.place, row=bound),
    }


async def wrapped_by(database: Database) -> Counter[str]:
    """Count the data keys by the id of the master key that wraps them."""
    async with database.reading_for_all() as connection:
        wrapped = (await connection.execute(select(DATA_KEY.c.wrapped))).scalars()
        return Counter(one.partition(".")[0] for one in wrapped)


async def sealed_by(database: Database, table: Table, sealed: Sealed) -> dict[int, int]:
    """Count the fields of a column by the version of the data key that has sealed them."""
    column = table.c[sealed.column]
    its_own = (DATA_KEY.c.instance_id == table.c.instance_id) & _sealed_by(column, DATA_KEY.c.version)
    statement = (
        select(DATA_KEY.c.version, func.count())
        .select_from(table.join(DATA_KEY, its_own))
        .where(DATA_KEY.c.version >= FIRST_VERSION)
        .group_by(DATA_KEY.c.version)
    )
    async with database.reading_for_all() as connection:
        return {row[0]: row[1] for row in await connection.execute(statement)}
