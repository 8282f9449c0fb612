"""`opencircle import`: a FHIR R4 bulk export into a deployment, whether it runs or not."""

import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.progress import Progress

from deploy.embedded.errors import OperatorError
from deploy.operations.showing import AsJson, print_json, run, show
from deploy.operations.where import DataDir, where_is
from services.sessions.directory.fhir import LINE_BYTES_AT_MOST
from services.sessions.directory.importing import import_lines
from services.sessions.directory.repository import account_by_login
from shared.clock import now_utc
from shared.database.transactions import Database
from shared.web.identity import Identity
from shared.web.problems import Problem

KINDS: Final = ("Organization", "Location", "Practitioner", "PractitionerRole", "Patient")
"""In an order in which references resolve."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class NobodyError(OperatorError):
    """No active member of staff has this login: an import is somebody's deed, and audited as such."""


class NothingThereError(OperatorError):
    """In this folder is no file of a bulk export (Patient.ndjson, Practitioner.000.ndjson, ...)."""


class RefusedError(OperatorError):
    """The import was refused."""


@cli.command("import")
def import_export(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Holds the NDJSON files.")],
    *,
    login: Annotated[str, typer.Option(help="Whose deed it is: a login of the built-in issuer.")] = "admin",
    time_zone: Annotated[
        str, typer.Option(help="Of locations that state none, an IANA name.")
    ] = "America/New_York",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Import a FHIR R4 bulk export: what is good is kept, each bad line is named, twice is once.

    Ends with 1 when a line was not imported. Example: opencircle import export/ --time-zone America/Chicago
    """
    reports = run(_import(folder, login=login, time_zone=time_zone, data_dir=data_dir))
    if as_json:
        print_json(reports)
    else:
        show([{**one, "problems": len(one["problems"])} for one in reports], as_json=False, nothing="")
        for one in reports:
            for problem in one["problems"]:
                typer.echo(f"{one['file']}:{problem['line']}: {problem['reason']}", err=True)
    if any(one["problems"] for one in reports):
        raise typer.Exit(1)


async def _import(folder: Path, *, login: str, time_zone: str, data_dir: Path | None) -> list[dict[str, Any]]:
    files, where = _files(folder), where_is(data_dir)
    reports = []
    async with where.databases("sessions") as databases:
        identity = await _identity_of(databases["sessions"], login)
        with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
            for file in progress.track(files, description="import"):
                try:
                    report = await import_lines(
                        databases["sessions"],
                        identity,
                        _lines(file),
                        default_time_zone=time_zone,
                        clock=now_utc,
                    )
                except Problem as problem:
                    raise RefusedError(problem.title) from None
                reports.append({"file": file.name, **asdict(report)})
    return reports


def _files(folder: Path) -> list[Path]:
    files = [file for kind in KINDS for file in sorted(folder.glob(f"{kind}.*ndjson"))]
    if not files:
        raise NothingThereError(folder)
    return files


async def _identity_of(database: Database, login: str) -> Identity:
    async with database.reading_for_all() as connection:
        account = (await connection.execute(account_by_login(login))).one_or_none()
    if account is None or not account.active:
        raise NobodyError(login)
    now = now_utc()
    return Identity(
        user_id=UUID(str(account.user_id)),
        instance_id=UUID(str(account.instance_id)),
        authenticated_at=now,
        expires_at=now + timedelta(hours=1),
    )


async def _lines(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        # Of a line that is too long, one byte more than is taken is read: enough to be reported as such.
        while line := content.readline(LINE_BYTES_AT_MOST + 1):
            yield line.rstrip(b"\r\n")
            while line and not line.endswith(b"\n"):
                line = content.readline(LINE_BYTES_AT_MOST)
