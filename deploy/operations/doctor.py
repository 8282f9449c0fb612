"""`opencircle doctor`: looks at everything that an operator can get wrong, and says how to mend it."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from deploy.operations.checks.broker import look_at_broker
from deploy.operations.checks.databases import look_at_databases
from deploy.operations.checks.findings import Finding, State
from deploy.operations.checks.installation import look_at_fonts, look_at_pango, look_at_versions
from deploy.operations.checks.issuer import look_at_issuer
from deploy.operations.checks.machine import look_at_backups, look_at_disk, look_at_life, look_at_modes
from deploy.operations.checks.trust import look_at_anchors
from deploy.operations.showing import FAILED, AsJson, print_json, run
from deploy.operations.where import DataDir, Where, where_is

MARKS: Final = {
    State.GOOD: ("ok", "green"),
    State.WARNING: ("warn", "yellow"),
    State.BROKEN: ("BROKEN", "bold red"),
    State.NOT_LOOKED_AT: ("-", "dim"),
}

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def doctor(
    *,
    backups: Annotated[Path | None, typer.Option(help="Where backups are: the newest must be fresh.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Look at everything that can be set up wrong, and say how it is mended. It changes nothing.

    Ends with 0 when nothing is broken, else 1; 78 when a setting can't be read at all.
    Examples: opencircle doctor, opencircle doctor --data-dir /srv/opencircle --backups /srv/backups
    """
    findings = run(examine(data_dir, backups=backups))
    if as_json:
        print_json([asdict(one) for one in findings])
    else:
        _print(findings)
    if any(one.state is State.BROKEN for one in findings):
        raise typer.Exit(FAILED)


async def examine(data_dir: Path | None, *, backups: Path | None = None) -> list[Finding]:
    """Make all checks, one after the other; raises `NoDeploymentError`."""
    where: Where = where_is(data_dir)
    return [
        *look_at_versions(),
        look_at_pango(),
        look_at_fonts(),
        look_at_disk(where),
        look_at_modes(where),
        look_at_backups(backups),
        look_at_issuer(where),
        *look_at_broker(where),
        *[finding async for finding in look_at_databases(where)],
        *look_at_anchors(where),
        *look_at_life(where),
    ]


def _print(findings: list[Finding]) -> None:
    console = Console(highlight=False, markup=False)
    for one in findings:
        mark, style = MARKS[one.state]
        console.print(f"{mark:>6}", style=style, end="  ")
        console.print(f"{one.check:<28}{one.says}", soft_wrap=True)
        if one.mend:
            console.print(f"{'':>36}-> {one.mend}", style=style, soft_wrap=True)
    counted = Counter(one.state for one in findings)
    console.print(
        f"\n{counted[State.BROKEN]} broken, {counted[State.WARNING]} warnings, {len(findings)} checks."
    )
