"""What the role of a service may do in its own database on PostgreSQL, when another role owns the tables.

An owner can switch triggers off. A service that does not own its tables can't: whoever runs it, what is
insert-only stays so (DIST-2).
"""

import re
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

_ROLE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")

# Tables are insert-only by the trigger that says so; all others are the service's to work with.
_TABLES: Final = """
SELECT quote_ident(relation.relname) AS name, EXISTS (
    SELECT 1 FROM pg_trigger AS refusal
    WHERE refusal.tgrelid = relation.oid AND refusal.tgname = relation.relname || '_is_insert_only'
) AS is_insert_only, relation.relname = 'data_key' AS is_data_key
FROM pg_class AS relation
WHERE relation.relnamespace = 'public'::regnamespace AND relation.relkind IN ('r', 'p')
ORDER BY 1
"""


class BadRoleError(Exception):
    """A role is named by small letters, digits and underscores here."""


async def grant(engine: AsyncEngine, role: str) -> None:
    """Let `role` do what the service does, and no more; raises `BadRoleError`.

    Run by the owner, after each migration: new tables are nobody's but the owner's.
    """
    if not _ROLE.fullmatch(role):
        raise BadRoleError(role)
    async with engine.begin() as connection:
        tables = (await connection.execute(text(_TABLES))).all()
        await connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {role}"))
        for table in tables:
            await connection.execute(text(f"REVOKE ALL ON {table.name} FROM {role}"))
            await connection.execute(text(f"GRANT {_verbs(table)} ON {table.name} TO {role}"))


def _verbs(table: Row[Any]) -> str:
    if table.is_data_key:
        return "SELECT, INSERT, UPDATE (wrapped)"
    return "SELECT, INSERT" if table.is_insert_only else "SELECT, INSERT, UPDATE, DELETE"
