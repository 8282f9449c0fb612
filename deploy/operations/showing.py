"""What every command shares: results as a table or as JSON, and errors in one line."""

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from deploy.embedded.errors import OperatorError

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value, for programs.")]

FAILED: Final = 1

ResultT = TypeVar("ResultT")


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run to the end; what an operator can mend is said in one line, and ends with 1."""
    with explained():
        return asyncio.run(work)


@contextmanager
def explained(*also: type[Exception]) -> Iterator[None]:
    """End with 1 and one line at an `OperatorError`, and at errors of `also`."""
    in_one_line: tuple[type[Exception], ...] = (OperatorError, *also)
    try:
        yield
    except in_one_line as error:
        sys.stderr.write(f"opencircle: {error}\n")
        raise typer.Exit(FAILED) from None


def print_json(value: object) -> None:
    """Print one JSON value in one line."""
    sys.stdout.write(json.dumps(value, default=str) + "\n")


def wide_console() -> Console:
    """Give a console whose tables keep their columns in a pipe too; what looks like markup is none."""
    return Console(markup=False, width=None if sys.stdout.isatty() else 160)


def show(rows: list[dict[str, Any]], *, as_json: bool, nothing: str) -> None:
    """Print rows with equal keys as a table, or `nothing` when there are none; as JSON a list."""
    if as_json:
        print_json(rows)
        return
    # Reasons and names are shown as they are: what looks like markup in them is none.
    console = Console(markup=False, highlight=False)
    if not rows:
        console.print(nothing)
        return
    table = Table(*(name.replace("_", " ").capitalize() for name in rows[0]))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console.print(table)
