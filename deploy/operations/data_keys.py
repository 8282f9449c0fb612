"""The keys that seal fields in the databases: `python -m deploy.operations.data_keys status`.

Works beside the running processes, and can be broken off and run again at any time.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib import import_module
from typing import Final

import typer
from sqlalchemy import Table

from deploy.embedded.errors import OperatorError
from deploy.operations.where import DataDir, Where, tables_of, where_is
from shared.database import rotating
from shared.database.field_keys import DataKeyUnopenableError
from shared.database.sealed_columns import Sealed
from shared.database.transactions import Database

UNOPENABLE: Final = 1
"""How it ends when some field or key does not open."""

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def rewrap(*, data_dir: DataDir = None) -> None:
    """Wrap all data keys by the first master key of OPENCIRCLE_FIELD_KEYS; no field is touched."""
    _in_each(data_dir, lambda _, database: _counted(rotating.rewrap(database), "data keys wrapped anew"))


@cli.command()
def rotate(*, data_dir: DataDir = None) -> None:
    """Make a new data key for each instance; it seals from five minutes later on."""
    _in_each(data_dir, lambda _, database: _counted(rotating.rotate(database), "new data keys"))


@cli.command()
def reseal(*, data_dir: DataDir = None) -> None:
    """Seal fields anew that older data keys have sealed; rows that nothing may change keep theirs."""
    _in_each(data_dir, _reseal)


@cli.command()
def status(*, data_dir: DataDir = None) -> None:
    """Show which master keys wrap data keys, and how many fields each version of data key has sealed."""
    _in_each(data_dir, _status)


def _in_each(data_dir: DataDir, work: Callable[[str, Database], AsyncIterator[str]]) -> None:
    try:
        asyncio.run(_run(where_is(data_dir), work))
    except OperatorError as error:
        raise typer.BadParameter(str(error) or str(type(error).__doc__)) from None
    except DataKeyUnopenableError as error:
        instance_id, version = error.args
        typer.echo(f"opencircle: {error.__doc__} Instance {instance_id}, version {version}.", err=True)
        raise typer.Exit(UNOPENABLE) from None


async def _run(where: Where, work: Callable[[str, Database], AsyncIterator[str]]) -> None:
    async with where.databases() as databases:
        for service, database in databases.items():
            async for line in work(service, database):
                typer.echo(f"{service}: {line}")


async def _counted(work: Awaitable[int], what: str) -> AsyncIterator[str]:
    yield f"{await work} {what}"


async def _reseal(service: str, database: Database) -> AsyncIterator[str]:
    unopenable: list[str] = []
    for sealed, table in _sealed_in(service):
        if sealed.insert_only:
            continue
        done = 0
        async for some in rotating.reseal(database, table, sealed):
            done += some.sealed
            unopenable += some.unopenable
            yield f"{sealed.place}: {done} sealed anew"
    for one in unopenable:
        yield f"does not open: {one}"
    if unopenable:
        raise typer.Exit(UNOPENABLE)


async def _status(service: str, database: Database) -> AsyncIterator[str]:
    yield f"data keys by master key: {_shown(await rotating.wrapped_by(database))}"
    for sealed, table in _sealed_in(service):
        counted = Counter(await rotating.sealed_by(database, table, sealed))
        note = " (insert-only: keeps its data keys)" if sealed.insert_only else ""
        yield f"{sealed.place}: fields by data key: {_shown(counted)}{note}"


def _shown(counted: Counter[str] | Counter[int]) -> str:
    return ", ".join(f"{key}: {count}" for key, count in sorted(counted.items())) or "none"


def _sealed_in(service: str) -> Sequence[tuple[Sealed, Table]]:
    sealed: Sequence[Sealed] = import_module(f"services.{service}.sealed_columns").SEALED
    return [(one, tables_of(service).tables[one.table]) for one in sealed]


if __name__ == "__main__":
    cli()
