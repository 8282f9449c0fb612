"""`opencircle deliveries`: what no consumer could apply, at the command line.

For both ledgers, that of sessions and that of printing, and for all instances, straight in their databases:
it works while no API does. Each decision is in the timeline of its delivery and in the service's audit trail.
"""

import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
import typer
from rich.table import Table
from sqlalchemy import Table as Rows
from sqlalchemy import select

from deploy.embedded.errors import OperatorError
from deploy.operations.showing import AsJson, run, wide_console
from deploy.operations.where import DataDir, Where, ledger_of, tables_of, where_is
from shared.clock import now_utc
from shared.database.audit import record_accesses
from shared.database.transactions import Database, Transaction
from shared.messaging.parked import Deed, Group, Which, delivery_shown, parked_groups, retry, skip
from shared.messaging.tables import Ledger

LEDGERS: Final = ("sessions", "printing")
"""The services that publish."""

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

OneDelivery = Annotated[UUID | None, typer.Option("--delivery", help="One delivery.")]
OneGroup = Annotated[str | None, typer.Option("--group", help="One group of the list.")]
Everything = Annotated[bool, typer.Option("--all", help="All that are parked.")]


class NoSuchDeliveryError(OperatorError):
    """No ledger here has this delivery."""


class NothingParkedError(OperatorError):
    """Nothing of this is parked: there is nothing to decide."""


@dataclass(frozen=True, kw_only=True)
class Book:
    """The ledger of one service, opened for its operator."""

    service: str
    database: Database
    ledger: Ledger
    trail: Rows

    async def instances(self) -> list[UUID]:
        """Give the instances that have something published."""
        async with self.database.reading_for_all() as connection:
            found = select(self.ledger.event.c.instance_id).distinct()
            return list((await connection.execute(found)).scalars())


@cli.callback()
def main() -> None:
    """Look after deliveries that no consumer could apply.

    Example: opencircle deliveries list, then opencircle deliveries retry --group ID.
    """


@cli.command(name="list")
def list_parked(data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """Show what is parked, by consumer and reason."""

    async def work(books: list[Book]) -> None:
        found = [(book.service, group) for book in books for group in await _groups(book)]
        if as_json:
            _print_json([{"ledger": service, **asdict(group)} for service, group in found])
        else:
            _show_groups(found)

    _run(data_dir, work)


@cli.command()
def show(delivery: UUID, data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """Show where one delivery stands, and its timeline."""

    async def work(books: list[Book]) -> None:
        shown = await _shown(books, delivery)
        if as_json:
            _print_json(shown)
        else:
            _show_delivery(shown)

    _run(data_dir, work)


@cli.command(name="retry")
def retry_parked(
    data_dir: DataDir = None,
    *,
    delivery: OneDelivery = None,
    group: OneGroup = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """Open parked deliveries again: the relay rings for them within a second."""
    which = _which(delivery, group, everything=everything)
    _decide(
        data_dir,
        "retried",
        lambda db, ledger, deed: retry(db, ledger, which, deed),
        reason=None,
        as_json=as_json,
    )


@cli.command(name="skip")
def skip_parked(
    data_dir: DataDir = None,
    *,
    reason: Annotated[str, typer.Option(help="Kept in the timeline; not a place for health data.")],
    delivery: OneDelivery = None,
    group: OneGroup = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """Leave parked deliveries out for good: their consumer never gets them."""
    which = _which(delivery, group, everything=everything)
    _decide(
        data_dir,
        "skipped",
        lambda db, ledger, deed: skip(db, ledger, which, deed),
        reason=reason,
        as_json=as_json,
    )


def _which(delivery: UUID | None, group: str | None, *, everything: bool) -> Which:
    if sum((delivery is not None, group is not None, everything)) != 1:
        message = "Say which: one of --delivery, --group and --all."
        raise typer.BadParameter(message)
    return Which(delivery_id=delivery, group=group)


def _decide(
    data_dir: Any,
    done: str,
    decide: Callable[[Transaction, Ledger, Deed], Awaitable[list[UUID]]],
    *,
    reason: str | None,
    as_json: bool,
) -> None:
    deed = Deed(by=f"operator {getpass.getuser()}", reason=reason and reason[:200], at=now_utc())

    async def work(books: list[Book]) -> None:
        number = 0
        for book in books:
            for instance_id in await book.instances():
                number += await _decide_in(book, instance_id)
        if not number:
            raise NothingParkedError
        typer.echo(orjson.dumps({done: number}) if as_json else f"{number} {done}")

    async def _decide_in(book: Book, instance_id: UUID) -> int:
        number = 0
        # A thousand at a time, so that none of these transactions is long.
        while ids := await _once(book, instance_id):
            number += len(ids)
        return number

    async def _once(book: Book, instance_id: UUID) -> list[UUID]:
        async with book.database.writing(instance_id) as db:
            ids = await decide(db, book.ledger, deed)
            await record_accesses(
                db, book.trail, subjects=ids, at=deed.at, user_id=None, action=f"delivery.{done}"
            )
        return ids

    _run(data_dir, work)


async def _groups(book: Book) -> list[Group]:
    found: list[Group] = []
    for instance_id in await book.instances():
        async with book.database.reading(instance_id) as db:
            found += await parked_groups(db, book.ledger)
    return found


async def _shown(books: list[Book], delivery_id: UUID) -> dict[str, Any]:
    for book in books:
        for instance_id in await book.instances():
            async with book.database.reading(instance_id) as db:
                shown = await delivery_shown(db, book.ledger, delivery_id)
            if shown:
                return {"ledger": book.service, **shown}
    raise NoSuchDeliveryError(delivery_id)


def _show_groups(found: list[tuple[str, Group]]) -> None:
    table = Table(title=f"{sum(group.deliveries for _, group in found)} parked", title_justify="left")
    for column in ("group", "ledger", "consumer", "event", "reason", "oldest"):
        table.add_column(column)
    table.add_column("deliveries", justify="right")
    for service, group in found:
        kind = group.event_type.removeprefix("opencircle.")
        oldest = f"{group.oldest_at:%Y-%m-%d %H:%M}"
        table.add_row(group.id, service, group.consumer, kind, group.reason, oldest, str(group.deliveries))
    wide_console().print(table)


def _show_delivery(shown: dict[str, Any]) -> None:
    console = wide_console()
    for name, value in shown.items():
        if name != "timeline":
            console.print(f"{name:<14}{value if value is not None else '-'}", highlight=False)
    table = Table(title="Timeline", title_justify="left")
    for column in ("at", "what", "by", "reason"):
        table.add_column(column)
    for step in shown["timeline"]:
        table.add_row(f"{step['at']:%Y-%m-%d %H:%M:%S}", step["what"], step["by"] or "", step["reason"] or "")
    console.print(table)


def _print_json(value: Any) -> None:
    typer.echo(orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z))


def _run(data_dir: Any, work: Callable[[list[Book]], Awaitable[None]]) -> None:
    async def with_books() -> None:
        async with _books(where_is(data_dir)) as books:
            await work(books)

    run(with_books())


@asynccontextmanager
async def _books(where: Where) -> AsyncIterator[list[Book]]:
    services = [one for one in LEDGERS if one in where.services]
    async with where.databases(*services) as databases:
        yield [_book(service, databases[service]) for service in services]


def _book(service: str, database: Database) -> Book:
    trail = tables_of(service).tables["audit_entry"]
    return Book(service=service, database=database, ledger=ledger_of(service), trail=trail)
