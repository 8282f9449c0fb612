"""Lets a login of the built-in issuer try again: `python -m services.sessions.unlock_login --login NAME`.

For the only Super Admin of an instance, whom nobody else can unlock.
"""

import asyncio
from typing import Annotated

import typer

from services.sessions.logging_in.throttling import unlock
from services.sessions.settings import SessionsSettings
from shared.database.engine import create_engine
from shared.database.field_keys import FieldKeys
from shared.database.transactions import Database
from shared.settings import FieldSettings, read_settings

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@command.command()
def main(login: Annotated[str, typer.Option(help="A login of the built-in issuer.")]) -> None:
    """Forget what has failed for a login."""
    own = read_settings(SessionsSettings)
    keys = FieldKeys(master_keys=read_settings(FieldSettings).master_keys)
    database = Database(engine=create_engine(own.database_url.get_secret_value()), field_keys=keys)
    asyncio.run(_unlock(database, login))


async def _unlock(database: Database, login: str) -> None:
    try:
        async with database.writing_for_all() as connection:
            await unlock(connection, login=login)
    finally:
        await database.engine.dispose()


if __name__ == "__main__":
    command()
