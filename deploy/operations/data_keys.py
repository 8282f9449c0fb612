"""`opencircle data-keys`: the keys that seal fields in the databases.

Works beside the running processes, and can be broken off and run again at any time.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from sqlalchemy import Table

from deploy.operations.showing import AsJson, run, show
from deploy.operations.where import DataDir, Where, tables_of, where_is
from shared.database import rotating
from shared.database.field_keys import DataKeyUnopenableError
from shared.database.sealed_columns import Sealed
from shared.database.transactions import Database

UNOPENABLE: Final = 1
"""How it ends when some field or key does not open."""

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is said of one thing, for people and for programs; a later line of the same thing replaces it."""

    of: str
    says: str
    told: dict[str, Any]
    unopenable: bool = False


@cli.callback()
def main() -> None:
    """Look after the keys that seal fields: it works beside the running processes, and can be broken off.

    Example, after a new master key was put in front: opencircle data-keys rewrap.
    """


@cli.command()
def rewrap(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Wrap all data keys by the first master key of OPENCIRCLE_FIELD_KEYS; no field is touched."""
    _in_each(
        data_dir,
        lambda _, database: _counted(rotating.rewrap(database), "data keys wrapped anew"),
        as_json=as_json,
    )


@cli.command()
def rotate(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make a new data key for each instance; it seals from five minutes later on."""
    _in_each(
        data_dir, lambda _, database: _counted(rotating.rotate(database), "new data keys"), as_json=as_json
    )


@cli.command()
def reseal(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Seal fields anew that older data keys have sealed; rows that nothing may change keep theirs."""
    _in_each(data_dir, _reseal, as_json=as_json)


@cli.command()
def status(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show which master keys wrap data keys, and how many fields each version of data key has sealed."""
    _in_each(data_dir, _status, as_json=as_json)


def _in_each(
    data_dir: DataDir, work: Callable[[str, Database], AsyncIterator[Line]], *, as_json: bool
) -> None:
    try:
        lines = run(_run(data_dir, work, silent=as_json))
    except DataKeyUnopenableError as error:
        instance_id, version = error.args
        typer.echo(f"opencircle: {error.__doc__} Instance {instance_id}, version {version}.", err=True)
        raise typer.Exit(UNOPENABLE) from None
    if as_json:
        show(
            [{"service": service, "of": line.of, **line.told} for (service, _), line in lines.items()],
            as_json=True,
            nothing="",
        )
    if any(line.unopenable for line in lines.values()):
        raise typer.Exit(UNOPENABLE)


async def _run(
    data_dir: DataDir, work: Callable[[str, Database], AsyncIterator[Line]], *, silent: bool
) -> dict[tuple[str, str], Line]:
    where: Where = where_is(data_dir)
    said: dict[tuple[str, str], Line] = {}
    async with where.databases() as databases:
        for service, database in databases.items():
            async for line in work(service, database):
                said[service, line.of] = line
                if not silent:
                    typer.echo(f"{service}: {line.says}")
    return said


async def _counted(work: Awaitable[int], what: str) -> AsyncIterator[Line]:
    number = await work
    yield Line(of="data_key", says=f"{number} {what}", told={"done": number})


async def _reseal(service: str, database: Database) -> AsyncIterator[Line]:
    for sealed, table in _sealed_in(service):
        if sealed.insert_only:
            continue
        done, unopenable = 0, list[str]()
        async for some in rotating.reseal(database, table, sealed):
            done += some.sealed
            unopenable += some.unopenable
            yield Line(of=sealed.place, says=f"{sealed.place}: {done} sealed anew", told={"done": done})
        for one in unopenable:
            yield Line(of=one, says=f"does not open: {one}", told={"opens": False}, unopenable=True)


async def _status(service: str, database: Database) -> AsyncIterator[Line]:
    wrapped = await rotating.wrapped_by(database)
    says = f"data keys by master key: {_shown(wrapped)}"
    yield Line(of="data_key", says=says, told={"by_master_key": wrapped})
    for sealed, table in _sealed_in(service):
        counted = Counter(await rotating.sealed_by(database, table, sealed))
        note = " (insert-only: keeps its data keys)" if sealed.insert_only else ""
        says = f"{sealed.place}: fields by data key: {_shown(counted)}{note}"
        told = {"by_data_key": counted, "insert_only": sealed.insert_only}
        yield Line(of=sealed.place, says=says, told=told)


def _shown(counted: Counter[str] | Counter[int]) -> str:
    return ", ".join(f"{key}: {count}" for key, count in sorted(counted.items())) or "none"


def _sealed_in(service: str) -> Sequence[tuple[Sealed, Table]]:
    sealed: Sequence[Sealed] = import_module(f"services.{service}.sealed_columns").SEALED
    return [(one, tables_of(service).tables[one.table]) for one in sealed]
