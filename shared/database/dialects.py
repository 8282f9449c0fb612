"""The small differences between PostgreSQL and SQLite in how a statement is said."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def upsert(
    connection: AsyncConnection, table: Table, values: Mapping[str, Any]
) -> postgresql.Insert | sqlite.Insert:
    """Begin an insert that can say what happens on a conflict."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).values(dict(values))
    return sqlite.insert(table).values(dict(values))


async def take_turns(connection: AsyncConnection, ids: Collection[UUID]) -> None:
    """Let one transaction at a time work on each of these ids, whether there are rows of them or not yet.

    SQLite has one writer at a time anyway.
    """
    if ids and connection.dialect.name == "postgresql":
        # In one order everywhere, so that two transactions rarely wait for each other in a ring.
        names = "SELECT unnest(CAST(:names AS text[])) AS name ORDER BY 1"
        locks = f"SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM ({names}) AS ordered"  # noqa: S608 - texts of ours
        await connection.execute(text(locks), {"names": [str(one) for one in ids]})
