"""`opencircle backup`, `verify-backup`, `restore` and `reconcile`: copies, and repairs after a restore."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from deploy.embedded.folder import DEFAULT_FOLDER, SERVICES, DataFolder
from deploy.operations.reconciling import Reconciled
from deploy.operations.reconciling import reconcile as reconcile_databases
from deploy.operations.restoring import restore as restore_backup
from deploy.operations.showing import AsJson, explained, print_json, run, wide_console
from deploy.operations.snapshots import KEYS, back_up, opened
from deploy.operations.where import DataDir, where_is
from shared.clock import now_utc

SOMETHING_IS_LEFT: Final = 3
"""The exit status where a person has to go on."""

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Embedded = Annotated[
    Path, typer.Option("--data-dir", envvar="OPENCIRCLE_DATA_DIR", help="Where everything is kept.")
]
Services = Annotated[
    list[str] | None, typer.Option("--service", help="Only this service's database; may be given again.")
]


@cli.command()
def backup(
    to: Path,
    data_dir: Embedded = DEFAULT_FOLDER,
    *,
    with_keys: Annotated[bool, typer.Option(help="Copy the keys too: guard that copy like them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy an embedded deployment to the new folder TO, as it is at one moment, while it serves.

    Example: opencircle backup /srv/backups/monday --data-dir /srv/opencircle
    """
    with explained():
        made = back_up(DataFolder(root=data_dir), to, at=now_utc(), with_keys=with_keys)
    if as_json:
        print_json({"folder": made.folder, "made_at": made.made_at, "files": len(made.manifest["files"])})
        return
    typer.echo(f"{made.folder}: {len(made.manifest['files'])} files as of {made.made_at:%Y-%m-%d %H:%M:%S}Z")
    if not with_keys:
        typer.echo(f"Keep these apart from it, nothing sealed opens without them: {', '.join(KEYS)}")


@cli.command()
def verify(source: Path, *, as_json: AsJson = False) -> None:
    """Hold every file of a backup to its hash.

    Example: opencircle verify-backup /srv/backups/monday
    """
    with explained():
        checked = opened(source)
    number = len(checked.manifest["files"])
    if as_json:
        print_json({"files": number, "made_at": checked.made_at})
    else:
        typer.echo(f"{number} files are as they were written")


@cli.command()
def restore(
    source: Path, data_dir: Embedded = DEFAULT_FOLDER, *, service: Services = None, as_json: AsJson = False
) -> None:
    """Put a backup in place of a deployment that is stopped; ends with 3 where something is left to do.

    Example: opencircle restore /srv/backups/monday --service charts
    """
    services = _known(service) or SERVICES

    async def work() -> Reconciled:
        done = await restore_backup(
            opened(source), DataFolder(root=data_dir), services=services, at=now_utc()
        )
        if not as_json:
            typer.echo(f"Restored: {', '.join(services)}. As it was before: {done.before}")
        return done.reconciled

    _tell(run(work()), as_json=as_json)


@cli.command()
def reconcile(
    data_dir: DataDir = None,
    *,
    restored: Annotated[list[str], typer.Option(help="A service whose database is an older one.")],
    as_json: AsJson = False,
) -> None:
    """Compare databases that were restored to different hours, repair what can be, name the rest.

    For production: stop all processes first, and run it where all four databases are reached.
    Example: opencircle reconcile --restored charts --restored printing
    """
    services = _known(restored) or ()

    async def work() -> Reconciled:
        return await reconcile_databases(where_is(data_dir), restored=services, at=now_utc())

    _tell(run(work()), as_json=as_json)


def _known(services: list[str] | None) -> tuple[str, ...]:
    for one in services or ():
        if one not in SERVICES:
            message = f"{one} is none of {', '.join(SERVICES)}"
            raise typer.BadParameter(message)
    return tuple(services or ())


def _tell(found: Reconciled, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)
    if found.lost:
        raise typer.Exit(SOMETHING_IS_LEFT)


def _print(found: Reconciled) -> None:
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
    console = wide_console()
    console.print(table)
    for one in found.lost:
        holders = ", ".join(one.held_by)
        console.print(f"session {one.session_id}: {holders} have it. {one.reason}", highlight=False)
