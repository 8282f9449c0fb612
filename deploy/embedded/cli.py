"""The command line of the embedded deployment."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

from deploy.embedded.deployment import running
from deploy.embedded.errors import OperatorError
from deploy.embedded.folder import DEFAULT_FOLDER

DEFAULT_PORT: Final = 8800

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.callback()
def main() -> None:
    """OpenCircle on one machine: no server needed."""
    # Whatever is written holds health data or keys: it is for this user alone.
    os.umask(0o077)


@cli.command()
def up(
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = DEFAULT_FOLDER,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = DEFAULT_PORT,
) -> None:
    """Serve until Ctrl-C. Example: ./opencircle up --port 8800."""
    console = Console()
    run_or_explain(_serve(console, data_dir, port))


async def _serve(console: Console, data_dir: Path, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def report(part: str, what: str) -> None:
        console.print(f"  {part:<24}{what}", highlight=False)

    console.print(f"OpenCircle starts on {data_dir}", highlight=False)
    async with running(data_dir, port=port, report=report) as deployment:
        login = deployment.first_login()
        console.print(f"\nAPI          {deployment.address}/v1", highlight=False)
        console.print(f"Metrics      {deployment.address}/metrics", highlight=False)
        console.print(f"Logs         {deployment.folder.logs}", highlight=False)
        if login is not None:
            console.print(f"First login  {login[0]} / {login[1]}", highlight=False)
        console.print("\nCtrl-C stops it.")
        await stop.wait()
        console.print("Stopping.")


def run_or_explain(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run to the end and exit; what an operator can mend is said in one line."""
    try:
        status = asyncio.run(work)
    except OperatorError as error:
        sys.stderr.write(f"opencircle: {error}\n")
        sys.exit(1)
    sys.exit(status or 0)


@cli.command()
def demo(
    data: Annotated[
        Path | None, typer.Option(help="A FHIR R4 bulk export (NDJSON) instead of the sample.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where PDFs and a chart note are put.")] = Path("demo-output"),
    json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Run one clinic day, from an import to filed notes, accepted charges and printed sheets."""
    from deploy.embedded.demo.day import run_day  # noqa: PLC0415 - `up` has no use for it and starts sooner

    run_or_explain(run_day(data=data, out=out, as_json=json))
