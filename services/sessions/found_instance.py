"""Adds an instance with its first Super Admin: `python -m services.sessions.found_instance --name "Clinic"`.

Prints the two ids that the issuer has to put into that user's tokens.
"""

import asyncio
import sys
from collections.abc import Coroutine
from getpass import getpass
from typing import Annotated, Any

import typer

from services.sessions.configuration.use_cases import Founded, found_instance
from services.sessions.directory.passwords import is_too_common
from services.sessions.directory.schemas import MIN_PASSWORD_CHARACTERS
from services.sessions.settings import SessionsSettings
from shared.clock import now_utc
from shared.database.engine import create_engine
from shared.database.field_keys import FieldKeys
from shared.database.transactions import Database
from shared.events.staff import ExternalSubject
from shared.settings import FieldSettings, read_settings

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@command.command()
def main(
    name: Annotated[str, typer.Option(help="The customer organisation.")],
    login: Annotated[
        str | None,
        typer.Option(help="A login of the built-in issuer; its password is asked for, or piped in."),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="Who the first user is to the issuer, with OPENCIRCLE_SUBJECTS=external."),
    ] = None,
    issuer: Annotated[str | None, typer.Option(envvar="OPENCIRCLE_ISSUER")] = None,
) -> None:
    """Found an instance; print `instance` and `sub` of its first user's tokens."""
    own, keys = (
        read_settings(SessionsSettings),
        FieldKeys(master_keys=read_settings(FieldSettings).master_keys),
    )
    database = Database(engine=create_engine(own.database_url.get_secret_value()), field_keys=keys)
    password = _read_password(login) if login is not None else ""
    if subject is not None and issuer is None:
        raise typer.BadParameter("A subject is its issuer's; set OPENCIRCLE_ISSUER.")
    external = ExternalSubject(issuer=issuer, subject=subject) if issuer and subject else None
    founding = found_instance(
        database, name=name, login=login, password=password, external=external, clock=now_utc
    )
    founded = asyncio.run(_closing(database, founding))
    typer.echo(f"instance {founded.instance_id}\nsub      {founded.administrator_id}")


async def _closing(database: Database, founding: Coroutine[Any, Any, Founded]) -> Founded:
    try:
        return await founding
    finally:
        await database.engine.dispose()


def _read_password(login: str) -> str:
    # Never an argument: other users of the machine see those.
    password = getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise typer.BadParameter(f"A password has {MIN_PASSWORD_CHARACTERS} characters or more.")
    if is_too_common(password, login=login):
        raise typer.BadParameter("This password is one of the first that others would try.")
    return password


if __name__ == "__main__":
    command()
