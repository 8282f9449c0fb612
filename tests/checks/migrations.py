"""Migrations against code: no difference on either database, and nothing that locks a busy PostgreSQL."""

import asyncio
import contextlib
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from shared.database.engine import create_engine
from shared.database.migrations import configuration, upgrade
from tests.support.servers import PostgresServer

SERVICES = ("sessions", "charts", "billing_bridge", "printing")

RULES_LEFT_OUT = (
    "prefer-robust-stmts",  # Alembic runs each migration in one transaction
    "require-lock-timeout",  # set by the operator's connection, not by each migration
    "require-statement-timeout",  # as above
    "prefer-text-field",  # SQLite and PostgreSQL share the length limits
    "prefer-bigint-over-int",  # counts and minutes, never keys
    "prefer-bigint-over-smallint",  # days of the week
    "ban-char-field",
    "changing-column-type",  # by sealing alone, which changes each row under that lock anyway
    "adding-not-nullable-field",  # as above
    "require-concurrent-index-deletion",  # as above
    "ban-drop-constraint",  # as above: what was unique is so by its blind column
)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="opencircle-check-") as folder:
        server = PostgresServer(directory=Path(folder))
        server.start()
        try:
            problems = [one for service in SERVICES for one in problems_of(service, server, Path(folder))]
        finally:
            server.stop()
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


def problems_of(service: str, server: PostgresServer, folder: Path) -> Iterator[str]:
    metadata: MetaData = import_module(f"services.{service}.models").metadata
    urls = (f"sqlite+aiosqlite:///{folder}/{service}.sqlite3", server.create_database(f"check_{service}"))
    for url in urls:
        for difference in asyncio.run(differences(service, url, metadata)):
            yield f"{service} on {url.partition('+')[0]}: the code has {difference}"
    yield from lint(service)


async def differences(service: str, url: str, metadata: MetaData) -> list[Any]:
    """What the tables in code have that the migrated database has not, and the other way round."""
    engine = create_engine(url)
    await upgrade(engine, service)

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[Any] = compare_metadata(context, metadata)
        return found

    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
    await engine.dispose()
    return found


def lint(service: str) -> Iterator[str]:
    """Squawk's findings in the SQL that PostgreSQL would be given."""
    sql = io.StringIO()
    with contextlib.redirect_stdout(sql):
        config = configuration(service)
        config.stdout = sql
        config.output_buffer = sql
        command.upgrade(config, "head", sql=True)
    excluded = [f"--exclude={rule}" for rule in RULES_LEFT_OUT]
    squawk = [str(Path(sys.executable).with_name("squawk")), *excluded]
    done = subprocess.run(squawk, input=sql.getvalue(), capture_output=True, text=True, check=False)
    if done.returncode:
        yield f"{service}: {done.stdout}{done.stderr}"


if __name__ == "__main__":
    sys.exit(main())
