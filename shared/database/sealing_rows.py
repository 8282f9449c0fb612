"""For migrations: columns that are sealed from now on, and the rows that were written before."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from alembic import op
from sqlalchemy import (
    Connection,
    Row,
    TableClause,
    Text,
    Uuid,
    bindparam,
    column,
    literal,
    select,
    table,
    text,
    tuple_,
    update,
)
from sqlalchemy.types import TypeEngine

from shared.database.field_keys import FieldKeys
from shared.database.fields import Fields, row_key

BATCH: Final = 500
BY_ID: Final[Mapping[str, TypeEngine[Any]]] = {"id": Uuid()}
NONE_BLIND: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, kw_only=True)
class _Changes:
    columns: Sequence[str]
    key: Sequence[str]
    blind: Mapping[str, str]

    @property
    def written(self) -> Sequence[str]:
        return (*self.columns, *self.blind.values())

    def of(self, row: Row[Any], table_name: str, fields: Fields) -> dict[str, Any]:
        """Give the parameters of the statement that changes one row."""
        bound, plain = row_key(*(getattr(row, one) for one in self.key)), row._mapping  # noqa: SLF001 - so it is called
        places = {one: f"{table_name}.{one}" for one in self.columns}
        return (
            {f"of_{one}": plain[one] for one in self.key}
            | {f"new_{one}": fields.seal_any(plain[one], place=its, row=bound) for one, its in places.items()}
            | {
                f"new_{beside}": None if plain[one] is None else fields.blind(plain[one], place=places[one])
                for one, beside in self.blind.items()
            }
        )


def seal_columns(
    name: str,
    columns: Mapping[str, TypeEngine[Any]],
    *,
    row: Mapping[str, TypeEngine[Any]] = BY_ID,
    blind: Mapping[str, str] = NONE_BLIND,
) -> None:
    """Make columns of a table sealed text, in the transaction of the migration.

    `columns` have their types until now, JSON or text; `row` is the table's key, whose values joined by `/`
    are the row that fields are bound to. `blind` names the column, there already, that each column is found
    by from now on. Master keys are asked for only where there are rows. What makes a
    table insert-only is off meanwhile: nobody but this transaction sees it so.
    """
    if op.get_context().as_sql:
        _widen(name, columns)
        return
    connection = op.get_bind()
    with without_triggers(connection, name):
        _widen(name, columns)
        kept = table(
            name,
            *(column(one, its) for one, its in ({"instance_id": Uuid()} | dict(row)).items()),
            *(column(one, Text) for one in (*columns, *blind.values())),
        )
        _seal(connection, kept, _Changes(columns=tuple(columns), key=tuple(row), blind=blind))


def _widen(name: str, columns: Mapping[str, TypeEngine[Any]]) -> None:
    with op.batch_alter_table(name) as batch:
        for one, its in columns.items():
            # Only where there is something to change: SQLite makes the whole table anew.
            if not isinstance(its, Text):
                batch.alter_column(one, existing_type=its, type_=Text(), postgresql_using=f"{one}::text")


@contextmanager
def without_triggers(connection: Connection, name: str) -> Iterator[None]:
    """Take the triggers of a table off for as long as it lasts."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
        yield
        connection.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))
        return
    triggers = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name"),
        {"name": name},
    ).all()
    for one in triggers:
        connection.execute(text(f"DROP TRIGGER {one.name}"))
    yield
    for one in triggers:
        connection.exec_driver_sql(one.sql)


def _seal(connection: Connection, kept: TableClause, changes: _Changes) -> None:
    instances = connection.execute(select(kept.c.instance_id).distinct()).scalars().all()
    if not instances:
        return
    fields = _fields_of(connection, instances)
    changed = update(kept).where(
        *(kept.c[one] == bindparam(f"of_{one}", type_=kept.c[one].type) for one in changes.key)
    )
    statement = changed.values({one: bindparam(f"new_{one}", type_=Text()) for one in changes.written})
    for batch in _batches(connection, kept, changes.key):
        connection.execute(statement, [changes.of(one, kept.name, fields[one.instance_id]) for one in batch])


def _fields_of(connection: Connection, instances: Sequence[UUID]) -> dict[UUID, Fields]:
    keys = FieldKeys(master_keys=op.get_context().opts["master_keys"]())
    missing = set(instances) - keys.read(connection, instances).keys()
    if missing:
        keys.make(connection, missing)
    return keys.read(connection, instances)


def _batches(connection: Connection, kept: TableClause, key: Sequence[str]) -> Iterator[Sequence[Row[Any]]]:
    """Give all rows in the order of their key, a few at a time."""
    order = [kept.c[one] for one in key]
    first = select(kept).order_by(*order).limit(BATCH)
    batch = connection.execute(first).all()
    while batch:
        yield batch
        last = [literal(getattr(batch[-1], one.name), one.type) for one in order]
        batch = connection.execute(first.where(tuple_(*order) > tuple_(*last))).all()
