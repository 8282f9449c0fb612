"""`make chaos`: seeded random faults over the embedded deployment while sessions are signed, and a table.

The exit status is 0 only if every note is there once, and nothing is open or parked.
"""

import argparse
import asyncio
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

import redis.asyncio
from rich.console import Console
from rich.table import Table

from deploy.embedded.demo.clinic import Front
from deploy.embedded.deployment import Deployment
from tests.benchmarks.embedded import PATIENTS, clinic, sessions
from tests.chaos import billing

PARTS = (
    "broker",
    "sessions.relay",
    "sessions.worker",
    "charts.worker",
    "billing_bridge.worker",
    "billing_bridge.pusher",
)
SECONDS_BETWEEN_FAULTS = 0.4
STOPPED_SECONDS = 1.5
SETTLE_SECONDS = 120.0


async def main(seed: int, faults_at_least: int) -> int:
    chance = random.Random(seed)  # noqa: S311 - faults, not secrets
    done: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="opencircle-chaos-") as folder:
        async with clinic(Path(folder)) as (deployment, admin, leader):
            signed = await sessions(admin, leader)
            breaking = asyncio.create_task(break_things(deployment, chance, done))
            await sign_all(leader, signed, until=lambda: done.total() >= faults_at_least)
            breaking.cancel()
            with suppress(asyncio.CancelledError):
                await breaking
            settled = await settle(deployment, len(signed) * PATIENTS)
            found = count_notes(deployment)
            left = unfinished(deployment)
    rows = [
        ("seed", seed),
        *sorted(done.items()),
        ("notes expected", len(signed) * PATIENTS),
        ("notes found", found.total()),
        ("notes doubled", sum(count - 1 for count in found.values())),
        ("deliveries open or parked", left),
        ("seconds to settle", round(settled, 1)),
    ]
    show(rows)
    whole = found.total() == len(found) == len(signed) * PATIENTS
    return 0 if whole and left == 0 else 1


async def sign_all(leader: Front, ids: list[str], *, until: Callable[[], bool]) -> None:
    """Sign one session after the other, slowly enough that all of them meet faults."""
    for number, session_id in enumerate(ids):
        await leader.sign(f"/v1/group-sessions/{session_id}")
        await asyncio.sleep(0.1)
        if number == len(ids) - 2:
            while not until():  # noqa: ASYNC110 - the last one is signed after the last fault
                await asyncio.sleep(0.1)


async def break_things(deployment: Deployment, chance: random.Random, done: Counter[str]) -> None:
    faults: tuple[tuple[str, Callable[[int], Awaitable[None]]], ...] = (
        ("SIGKILL", _kill),
        ("SIGSTOP, then SIGCONT", _stop_and_go_on),
    )
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_FAULTS * chance.uniform(0.5, 1.5))
        part = chance.choice(PARTS)
        with suppress(ProcessLookupError, FileNotFoundError, ValueError, redis.ConnectionError):
            if part == "broker" and chance.random() < 0.5:
                await _wipe(deployment)
                done["broker wiped"] += 1
            pid = int((deployment.folder.pids / f"{part}.pid").read_text())
            name, fault = chance.choice(faults)
            await fault(pid)
            done[f"{name} of {part}"] += 1


async def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


async def _stop_and_go_on(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(STOPPED_SECONDS)
    os.kill(pid, signal.SIGCONT)


async def _wipe(deployment: Deployment) -> None:
    socket = str(deployment.supervisor.sockets / "broker.sock")
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        await client.flushall()


async def settle(deployment: Deployment, wanted: int) -> float:
    """Wait until all is there and nothing is open, or for as long as that may take."""
    started = time.monotonic()
    while time.monotonic() - started < SETTLE_SECONDS:
        if count_notes(deployment).total() >= wanted and unfinished(deployment) == 0:
            break
        await asyncio.sleep(0.1)
    return time.monotonic() - started


def count_notes(deployment: Deployment) -> Counter[tuple[str, str]]:
    """Count the notes of each patient in each session."""
    with closing(sqlite3.connect(deployment.folder.database("charts"))) as charts:
        return Counter(charts.execute("SELECT session_id, patient_id FROM chart_note"))


def unfinished(deployment: Deployment) -> int:
    with closing(sqlite3.connect(deployment.folder.database("sessions"))) as ledger:
        (number,) = ledger.execute("SELECT count(*) FROM delivery WHERE state <> 'receipted'").fetchone()
        return int(number)


async def bill(seed: int, charges: int) -> int:
    """Show a table for a receiver that deduplicates, one that does not, and the latter over kept lines."""
    faults = 0
    for deduplicates, echoes_key in ((True, False), (False, False), (False, True)):
        rows, found = await billing.run(seed, charges, deduplicates=deduplicates, echoes_key=echoes_key)
        show(rows)
        faults += found
    return min(faults, 1)


def show(rows: list[tuple[str, int | float]]) -> None:
    table = Table(title="Faults and what they left", title_justify="left")
    table.add_column("what")
    table.add_column("number", justify="right")
    for what, number in rows:
        table.add_row(what, str(number))
    Console(width=None if sys.stdout.isatty() else 100).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--faults", type=int, default=40, help="at least so many")
    parser.add_argument("--billing", action="store_true", help="charges to a moody billing system instead")
    parser.add_argument("--charges", type=int, default=10_000, help="with --billing")
    given = parser.parse_args()
    chosen = bill(given.seed, given.charges) if given.billing else main(given.seed, given.faults)
    sys.exit(asyncio.run(chosen))
