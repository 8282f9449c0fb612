"""Alembic for every service: the schema a service needs, brought to its head.

`python -m shared.database.migrations upgrade charts` brings the database to its head that the setting names,
`python -m shared.database.migrations upgrade charts URL` another one,
`python -m shared.database.migrations grant charts ROLE` lets a role that owns nothing work as the service,
`python -m shared.database.migrations upgrade_and_grant charts ROLE` does both, one after the other,
`python -m shared.database.migrations revision charts "Sentence"` writes a new migration.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database.engine import EVERY_INSTANCE, SCOPE, WRITES, create_engine
from shared.database.grants import grant
from shared.database.row_security import secure_rows
from shared.failpoints import reached
from shared.messaging.sealing import KeyRing
from shared.settings import FieldSettings, read_settings

SERVICES_FOLDER = Path(__file__).resolve().parents[2] / "services"


def configuration(service: str) -> Config:
    """Point Alembic at the migrations of `service`."""
    config = Config()
    config.set_main_option("script_location", str(SERVICES_FOLDER / service / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def ring_of_environment() -> KeyRing:
    """Read the master keys, or end the process with one line that says what is wrong with them."""
    return read_settings(FieldSettings).master_keys


async def upgrade(
    engine: AsyncEngine, service: str, *, master_keys: Callable[[], KeyRing] = ring_of_environment
) -> None:
    """Bring the database of `service` to its head, in one transaction.

    The master keys are asked for by migrations that seal columns, once there are rows to seal.
    """
    async with engine.connect() as connection:
        await connection.execution_options(**{WRITES: True, SCOPE: EVERY_INSTANCE})
        if engine.dialect.name == "sqlite":
            await _check_foreign_keys(connection, "OFF")
        async with connection.begin():
            await connection.run_sync(upgrade_on, service, master_keys)
        reached("migration.committed")
        if engine.dialect.name == "sqlite":
            await _check_foreign_keys(connection, "ON")


async def _check_foreign_keys(connection: AsyncConnection, mode: str) -> None:
    # SQLite changes a constraint by making the table anew, which rows that point to it would forbid.
    # Past SQLAlchemy: inside a transaction the pragma is ignored.
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None  # noqa: S101 - it has just been opened
    await raw.driver_connection.execute(f"PRAGMA foreign_keys = {mode}")


def upgrade_on(
    connection: Connection, service: str, master_keys: Callable[[], KeyRing] = ring_of_environment
) -> None:
    """Bring the database behind `connection` to the head of `service`."""
    config = configuration(service)
    config.attributes["connection"] = connection
    config.attributes["master_keys"] = master_keys
    command.upgrade(config, "head")
    secure_rows(connection)


def run_environment(metadata: MetaData) -> None:
    """Be the body of every `env.py`: migrate the given connection, or print PostgreSQL's SQL offline."""
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    else:
        context.configure(
            connection=context.config.attributes["connection"],
            target_metadata=metadata,
            render_as_batch=True,
            on_version_apply=lambda **_: reached("migration.step"),
            master_keys=context.config.attributes.get("master_keys", ring_of_environment),
        )
    with context.begin_transaction():
        context.run_migrations()


def write_revision(service: str, sentence: str) -> None:
    """Compare the tables in code with the head of the migrations and write what is missing."""
    models = import_module(f"services.{service}.models")

    def compare(connection: Connection) -> None:
        config = configuration(service)
        config.attributes["connection"] = connection
        config.attributes["metadata"] = models.metadata
        command.upgrade(config, "head")
        number = len(list((SERVICES_FOLDER / service / "migrations" / "versions").glob("0*.py"))) + 1
        command.revision(config, sentence, autogenerate=True, rev_id=f"{number:04d}")

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            engine = create_engine(f"sqlite+aiosqlite:///{folder}/compare.sqlite3")
            async with engine.connect() as connection, connection.begin():
                await connection.run_sync(compare)
            await engine.dispose()

    asyncio.run(run())


def url_of(service: str) -> str:
    """Read where the database of `service` is, from that one of its settings alone."""

    class DatabaseSettings(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=f"OPENCIRCLE_{service.partition('_')[0].upper()}_")

        database_url: SecretStr

    return read_settings(DatabaseSettings).database_url.get_secret_value()


async def _upgrade_url(service: str, url: str) -> None:
    engine = create_engine(url)
    await upgrade(engine, service)
    await engine.dispose()


async def upgrade_and_grant(service: str, url: str, *, role: str) -> None:
    """Bring a database to its head as its owner, then let `role`, who owns nothing, serve from it."""
    await _upgrade_url(service, url)
    engine = create_engine(url)
    await grant(engine, role)
    await engine.dispose()


async def _grant(service: str, role: str) -> None:
    engine = create_engine(url_of(service))
    await grant(engine, role)
    await engine.dispose()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["upgrade", service]:
            asyncio.run(_upgrade_url(service, url_of(service)))
        case ["upgrade", service, url]:
            asyncio.run(_upgrade_url(service, url))
        case ["grant", service, role]:
            asyncio.run(_grant(service, role))
        case ["upgrade_and_grant", service, role]:
            asyncio.run(upgrade_and_grant(service, url_of(service), role=role))
        case ["revision", service, sentence]:
            write_revision(service, sentence)
        case _:
            sys.exit(__doc__)
