"""`opencircle unlock`: lets a login of the built-in issuer try again.

For the only Super Admin of an instance, whom nobody else can unlock.
"""

from typing import Annotated

import typer

from deploy.operations.showing import AsJson, run, show
from deploy.operations.where import DataDir, where_is
from services.sessions.logging_in.throttling import unlock as forget_failures
from services.sessions.metadata import SERVICE

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def unlock(
    login: Annotated[str, typer.Argument(help="A login of the built-in issuer.")],
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Forget what has failed for a login, so that its owner may try again.

    Example: opencircle unlock ada
    """
    run(_unlock(data_dir, login))
    show([{"unlocked": login}], as_json=as_json, nothing="")


async def _unlock(data_dir: DataDir, login: str) -> None:
    async with (
        where_is(data_dir).databases(SERVICE) as databases,
        databases[SERVICE].writing_for_all() as connection,
    ):
        await forget_failures(connection, login=login)
