"""`make chaos`: seeded random faults over whole deployments while sessions are signed, and what they left.

The exit status is 0 only if every effect is there once, and nothing is open or parked.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos import billing
from tests.chaos.clock import steppable
from tests.chaos.running import embedded, on_rabbit, on_valkey
from tests.support import rabbit

DEPLOYMENTS = {"embedded": embedded, "production": on_valkey, "rabbitmq": on_rabbit}


async def main(seed: int, sessions: int, faults: int, *, chosen: list[str], clock: Path) -> int:
    """Break each of the chosen deployments in turn."""
    whole = True
    for name in chosen:
        with new_folder() as folder:
            ended = await DEPLOYMENTS[name](folder, seed=seed, sessions=sessions, faults=faults, clock=clock)
        show(ended.rows(), title=f"Faults and what they left: {ended.name}")
        whole = whole and ended.is_whole
    return 0 if whole else 1


@contextmanager
def new_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="opencircle-chaos-") as folder:
        # PostgreSQL runs as another user, who has to enter it.
        Path(folder).chmod(0o755)
        yield Path(folder)


async def bill(seed: int, charges: int) -> int:
    """Show a table for a receiver that deduplicates, one that does not, and the latter over kept lines."""
    faults = 0
    for deduplicates, echoes_key in ((True, False), (False, False), (False, True)):
        rows, found = await billing.run(seed, charges, deduplicates=deduplicates, echoes_key=echoes_key)
        show(rows, title="Faults and what they left")
        faults += found
    return min(faults, 1)


def show(rows: list[tuple[str, int | float]], *, title: str) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    table.add_column("number", justify="right")
    for what, number in rows:
        table.add_row(what, str(number))
    Console(width=None if sys.stdout.isatty() else 100).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--only", choices=DEPLOYMENTS, help="one deployment instead of all")
    parser.add_argument("--billing", action="store_true", help="charges to a moody billing system instead")
    parser.add_argument("--charges", type=int, default=10_000, help="with --billing")
    given = parser.parse_args()
    installed = [one for one in DEPLOYMENTS if one != "rabbitmq" or rabbit.is_installed()]
    deployments = [given.only] if given.only else installed
    with new_folder() as of_the_clock, steppable(of_the_clock) as stepped:
        run = (
            bill(given.seed, given.charges)
            if given.billing
            else main(given.seed, given.sessions, given.faults, chosen=deployments, clock=stepped)
        )
        sys.exit(asyncio.run(run))
