"""Backups of an embedded deployment, and repairs after a restore.

`python -m deploy.operations.backup --help` tells what it does.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from deploy.embedded.errors import OperatorError
from deploy.embedded.folder import SERVICES, DataFolder
from deploy.operations.reconciling import Reconciled
from deploy.operations.reconciling import reconcile as reconcile_databases
from deploy.operations.restoring import restore as restore_backup
from deploy.operations.snapshots import KEYS, back_up, opened
from deploy.operations.where import DEFAULT_FOLDER, DataDir, where_is
from shared.clock import now_utc

SOMETHING_IS_LEFT: Final = 3
"""The exit status where a person has to go on."""

Result = TypeVar("Result")

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Embedded = Annotated[
    Path, typer.Option("--data-dir", envvar="OPENCIRCLE_DATA_DIR", help="Where everything is kept.")
]
Services = Annotated[
    list[str] | None, typer.Option("--service", help="Only this service's database; may be given again.")
]


@cli.callback()
def main() -> None:
    """Copy an embedded deployment while it serves, put it back, and repair what a restore leaves apart."""
    os.umask(0o077)


@cli.command()
def backup(
    to: Path,
    data_dir: Embedded = DEFAULT_FOLDER,
    *,
    with_keys: Annotated[bool, typer.Option(help="Copy the keys too: guard that copy like them.")] = False,
) -> None:
    """Copy everything to the new folder TO, as it is at one moment."""
    made = _explained(lambda: back_up(DataFolder(root=data_dir), to, at=now_utc(), with_keys=with_keys))
    typer.echo(f"{made.folder}: {len(made.manifest['files'])} files as of {made.made_at:%Y-%m-%d %H:%M:%S}Z")
    if not with_keys:
        typer.echo(f"Keep these apart from it, nothing sealed opens without them: {', '.join(KEYS)}")


@cli.command()
def verify(source: Path) -> None:
    """Hold every file of a backup to its hash."""
    checked = _explained(lambda: opened(source))
    typer.echo(f"{len(checked.manifest['files'])} files are as they were written")


@cli.command()
def restore(source: Path, data_dir: Embedded = DEFAULT_FOLDER, *, service: Services = None) -> None:
    """Put a backup in place of a deployment that is stopped; ends with 3 where something is left to do."""
    services = _known(service) or SERVICES

    async def work() -> Reconciled:
        done = await restore_backup(
            opened(source), DataFolder(root=data_dir), services=services, at=now_utc()
        )
        typer.echo(f"Restored: {', '.join(services)}. As it was before: {done.before}")
        return done.reconciled

    _tell(_run(work()))


@cli.command()
def reconcile(
    data_dir: DataDir = None,
    *,
    restored: Annotated[list[str], typer.Option(help="A service whose database is an older one.")],
) -> None:
    """Compare databases that were restored to different hours, repair what can be, name the rest.

    For production: stop all processes first, and run it where all four databases are reached.
    """
    services = _known(restored) or ()
    _tell(_run(reconcile_databases(where_is(data_dir), restored=services, at=now_utc())))


def _known(services: list[str] | None) -> tuple[str, ...]:
    for one in services or ():
        if one not in SERVICES:
            message = f"{one} is none of {', '.join(SERVICES)}"
            raise typer.BadParameter(message)
    return tuple(services or ())


def _tell(found: Reconciled) -> None:
    table = Table(title="Reconciled", title_justify="left")
    table.add_column("what")
    table.add_column("number", justify="right")
    rows = [
        *((f"deliveries to {name} opened again", number) for name, number in found.reopened.items()),
        ("events applied to charges again", found.applied_again),
        (
            "charges that may have been pushed: looked up, sent under their key, or unknown",
            found.doubted,
        ),
        ("signed sessions brought back from a copy", len(found.reimported)),
        *((f"events that {name} has and no ledger", number) for name, number in found.unpublished.items()),
        ("signed sessions that are lost here", len(found.lost)),
    ]
    for what, number in rows:
        table.add_row(what, str(number))
    console = Console(markup=False, width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for one in found.lost:
        holders = ", ".join(one.held_by)
        console.print(f"session {one.session_id}: {holders} have it. {one.reason}", highlight=False)
    if found.lost:
        raise typer.Exit(SOMETHING_IS_LEFT)


def _run(work: Coroutine[Any, Any, Reconciled]) -> Reconciled:
    return _explained(lambda: asyncio.run(work))


def _explained(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except OperatorError as error:
        typer.echo(f"opencircle: {error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    cli()
