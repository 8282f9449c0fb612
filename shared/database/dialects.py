"""The small differences between PostgreSQL and SQLite in how a statement is said."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def upsert(
    connection: AsyncConnection, table: Table, values: Mapping[str, Any]
) -> postgresql.Insert | sqlite.Insert:
    """Begin an insert that can say what happens on a conflict."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).values(dict(values))
    return sqlite.insert(table).values(dict(values))
