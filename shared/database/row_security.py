"""Rows of one instance for one transaction: PostgreSQL itself refuses the others (PERM-8).

Each transaction names its instance with BEGIN (`engine.ScopedConnection`). One that names none sees no row,
whatever its statements say. The owner of the tables is bound too: only a superuser, or a role that has
BYPASSRLS, as a backup needs it, sees past it.
"""

from typing import Final

from sqlalchemy import Connection, Inspector, inspect, text

from shared.database.engine import EVERY_INSTANCE, SETTING

UNSECURED: Final = "alembic_version"
"""Alembic's own note of where the migrations stand."""

# In a sub-select each is asked once for a statement, not once for a row.
_SETTING: Final = f"current_setting('{SETTING}', true)"
_SEES_ALL: Final = f"(SELECT {_SETTING} = '{EVERY_INSTANCE}')"
_HAS_SCOPE: Final = f"(SELECT coalesce({_SETTING}, '') <> '')"
_ITS_OWN: Final = f"(SELECT nullif(nullif({_SETTING}, ''), '{EVERY_INSTANCE}')::uuid)"


def secure_rows(connection: Connection) -> None:
    """Give each table that has none its policy; run after the migrations, so that no new table goes without.

    A row without an instance of its own has that of the row it points to. What points to none either, as
    the inbox with its event ids, is there for every transaction that has a scope.
    """
    if connection.dialect.name != "postgresql":
        return
    inspector = inspect(connection)
    secured = set(connection.execute(text("SELECT tablename FROM pg_policies")).scalars())
    for table in sorted(set(inspector.get_table_names()) - secured - {UNSECURED}):
        for statement in _policy(table, seen=_seen(inspector, table)):
            connection.execute(text(statement))


def _policy(table: str, *, seen: str) -> tuple[str, ...]:
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {table}_of_instance ON {table} USING ({seen})",
    )


def _seen(inspector: Inspector, table: str) -> str:
    if _has_instance(inspector, table):
        return f"{_SEES_ALL} OR instance_id = {_ITS_OWN}"
    for key in inspector.get_foreign_keys(table):
        parent, ours, theirs = key["referred_table"], key["constrained_columns"], key["referred_columns"]
        if len(ours) == 1 and _belongs(inspector, parent):
            # The parent's own policy says which of its rows are there.
            pointed = f"SELECT 1 FROM {parent} WHERE {parent}.{theirs[0]} = {table}.{ours[0]}"  # noqa: S608 - names of our own tables
            return f"{_SEES_ALL} OR EXISTS ({pointed})"
    return _HAS_SCOPE


def _belongs(inspector: Inspector, table: str) -> bool:
    keys = inspector.get_foreign_keys(table)
    return _has_instance(inspector, table) or any(_belongs(inspector, key["referred_table"]) for key in keys)


def _has_instance(inspector: Inspector, table: str) -> bool:
    return any(column["name"] == "instance_id" for column in inspector.get_columns(table))
