"""`opencircle charges`: the command line of billing.

It asks the API, so that permissions and the audit trail are those of the person whose token it is.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console

from services.billing_bridge.operating import Operator, RefusedError, operator

DEFAULT_URL: Final = "http://127.0.0.1:8800"
DIFFERENCES: Final = 3
"""The exit status of a reconciliation that has some, for whoever runs it every night."""

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Why = Annotated[str, typer.Option(help="Kept in the history; not a place for health data.")]
OneCharge = Annotated[UUID | None, typer.Option(help="One charge.")]
OneGroup = Annotated[str | None, typer.Option(help="One group of the worklist.")]
Everything = Annotated[bool, typer.Option("--all", help="All of the worklist.")]
OneDay = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]
SaveTo = Annotated[Path | None, typer.Option(help="Save as CSV instead.")]


@cli.callback()
def main(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="OPENCIRCLE_URL", help="The API.")] = DEFAULT_URL,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with an access token; else OPENCIRCLE_TOKEN has it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value, for programs.")] = False,  # noqa: FBT002
) -> None:
    """Look after charges: needs the token of a Super Admin or a user with Manage Billing."""
    token = token_file.read_text().strip() if token_file else os.environ.get("OPENCIRCLE_TOKEN", "")
    context.obj = (url, token, as_json)


@cli.command()
def worklist(context: typer.Context) -> None:
    """Show what waits for a person, by reason."""
    _run(context, lambda person: person.show_worklist())


@cli.command()
def release(
    context: typer.Context,
    *,
    reason: Why,
    charge: OneCharge = None,
    group: OneGroup = None,
    everything: Everything = False,
) -> None:
    """Have held, rejected or unknown charges pushed (again), always under their one key."""
    _decide(context, "release", reason, charge, group, everything=everything)


@cli.command()
def cancel(
    context: typer.Context,
    *,
    reason: Why,
    charge: OneCharge = None,
    group: OneGroup = None,
    everything: Everything = False,
) -> None:
    """Take charges off for good: you vouch that the other side does not bill them."""
    _decide(context, "cancel", reason, charge, group, everything=everything)


@cli.command()
def hold(context: typer.Context, charge: UUID, *, reason: Why) -> None:
    """Keep one charge from being pushed."""
    _run(context, lambda person: person.decide_one("hold", charge, reason=reason))


@cli.command()
def confirm(context: typer.Context, charge: UUID, *, reason: Why) -> None:
    """Say that an unknown charge was found at the other side."""
    _run(context, lambda person: person.decide_one("confirm", charge, reason=reason))


@cli.command()
def connections(context: typer.Context) -> None:
    """Show where charges go."""
    _run(context, lambda person: person.show_connections())


@cli.command()
def pause(context: typer.Context, system: str, *, reason: Why) -> None:
    """Push nothing more over a connection until it is resumed."""
    _run(context, lambda person: person.pause(system, reason=reason))


@cli.command()
def resume(context: typer.Context, system: str) -> None:
    """Push again what has waited for a connection."""
    _run(context, lambda person: person.pause(system, reason=None))


@cli.command()
def report(
    context: typer.Context,
    *,
    since: OneDay = None,
    until: OneDay = None,
    patient: Annotated[UUID | None, typer.Option()] = None,
    status: Annotated[str | None, typer.Option()] = None,
    save: SaveTo = None,
) -> None:
    """Show totals by code and status, or save every charge as CSV; days are of service."""
    chosen = {
        "since": since and since.date().isoformat(),
        "until": until and until.date().isoformat(),
        "patient_id": patient and str(patient),
        "status": status,
    }
    filters = {name: value for name, value in chosen.items() if value}
    if save:
        _run(context, lambda person: person.save("/report.csv", filters, to=save))
    else:
        _run(context, lambda person: person.show_report(filters))


@cli.command()
def reconcile(
    context: typer.Context, *, since: OneDay = None, until: OneDay = None, save: SaveTo = None
) -> None:
    """Compare patients, notes, charges and acknowledgements; ends with 3 where there are differences."""
    first = (since or datetime.now(UTC)).date()
    last = until.date() if until else first
    if save:
        filters = {"on": first.isoformat()}
        _run(context, lambda person: person.save("/reconciliation.csv", filters, to=save))
    elif _run(context, lambda person: person.reconcile(since=first, until=last)):
        raise typer.Exit(DIFFERENCES)


@cli.command()
def import_codes(context: typer.Context, file: Path) -> None:
    """Import the catalogue of codes from CSV: all of it, or nothing."""
    content = file.read_bytes()
    _run(context, lambda person: person.import_codes(content))


def _decide(
    context: typer.Context,
    deed: str,
    reason: str,
    charge: UUID | None,
    group: str | None,
    *,
    everything: bool,
) -> None:
    if sum((charge is not None, group is not None, everything)) != 1:
        message = "Say which: one of --charge, --group and --all."
        raise typer.BadParameter(message)
    if charge:
        _run(context, lambda person: person.decide_one(deed, charge, reason=reason))
    else:
        _run(context, lambda person: person.decide_together(deed, group=group, reason=reason))


def _run(context: typer.Context, work: Callable[[Operator], Awaitable[Any]]) -> Any:
    url, token, as_json = context.obj
    # Reasons are shown as they are: what looks like markup in them is none.
    console = Console(markup=False)

    async def run() -> Any:
        async with operator(url, token, console, as_json=as_json) as person:
            return await work(person)

    try:
        return asyncio.run(run())
    except RefusedError as error:
        Console(stderr=True).print(str(error), style="red", highlight=False, markup=False)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    cli()
