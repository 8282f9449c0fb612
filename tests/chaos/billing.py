"""Many charges against a billing system that fails, hangs, answers late or twice, and restarts at random."""

import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from services.billing_bridge.models import charge_status, push_result
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.testing.databases import database_on
from shared.testing.records import a_session_record
from tests.integration.services.billing_bridge.conftest import Billing, billing_on
from tests.integration.services.billing_bridge.scripted_receiver import Received, answering

ANSWER_SECONDS: Final = 0.5
PATIENTS: Final = 10
ROUNDS: Final = 14
PUSHERS: Final = 3
AT_ONCE: Final = 50
"""Pushes of one pusher under way at a time, as `OPENCIRCLE_BILLING_CONCURRENT_PUSHES` sets it."""
HABITS: Final = {
    "answers": 75,
    "answers twice": 4,
    "books, then fails": 4,
    "books, then hangs up": 3,
    "books, then answers too late": 1,
    "fails before it books": 4,
    "hangs": 1,
    "hangs up before it books": 3,
    "is too busy": 4,
    # Each breaks every open line.
    "restarts": 0.2,
    "rejects": 1,
}
ANSWERED: Final = {
    "answers": 201,
    "answers twice": 201,
    "books, then fails": 500,
    "fails before it books": 500,
    "is too busy": 429,
    "rejects": 400,
}


@dataclass
class Moody:
    """A billing system with moods, drawn from a seed. It books each key once and remembers over restarts."""

    chance: random.Random
    booked: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    done: Counter[str] = field(default_factory=Counter)
    calm: bool = False
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        # Cancelled is what still hangs when the run is over.
        over = (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError)
        with contextlib.suppress(*over), contextlib.closing(writer):
            while not writer.is_closing():
                head = Received((await reader.readuntil(b"\r\n\r\n")).decode(), b"")
                await reader.readexactly(int(head.headers["content-length"]))
                await self._act(head.headers["webhook-id"], writer)
        self._lines.discard(writer)

    async def _act(self, key: str, writer: asyncio.StreamWriter) -> None:
        habits = ["answers"] if self.calm else list(HABITS)
        (what,) = self.chance.choices(habits, [HABITS[one] for one in habits])
        self.done[what] += 1
        if what.startswith(("answers", "books")):
            self.repeated += key in self.booked
            # A receiver that recognises a key books it once; one that does not would book it again.
            self.booked[key] += 1
        if what in ANSWERED:
            await answering(ANSWERED[what], webhook_id=key)(writer)
        match what:
            case "answers twice":
                await answering(201, webhook_id=key)(writer)
            case "books, then answers too late":
                await asyncio.sleep(2 * ANSWER_SECONDS)
                await answering(201, webhook_id=key)(writer)
            case "hangs":
                # Longer than anybody waits; the line is cut when the other side has given up.
                await asyncio.sleep(4 * ANSWER_SECONDS)
                writer.transport.abort()
            case "restarts":
                for line in tuple(self._lines):
                    line.transport.abort()
            case "books, then hangs up" | "hangs up before it books":
                writer.transport.abort()


@contextlib.asynccontextmanager
async def moody(chance: random.Random) -> AsyncIterator[tuple[Moody, str]]:
    receiver = Moody(chance)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    try:
        yield receiver, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/charges"
    finally:
        server.close()


async def run(
    seed: int, charges: int, *, deduplicates: bool, echoes_key: bool = False
) -> tuple[list[tuple[str, int | float]], int]:
    """Push until all is settled or parked; give the table, and how many charges are not as they should be."""
    with tempfile.TemporaryDirectory(prefix="opencircle-chaos-") as name:
        engine = create_engine(f"sqlite+aiosqlite:///{name}/billing.sqlite3")
        await upgrade(engine, "billing_bridge")
        chance = random.Random(seed)  # noqa: S311 - moods, not secrets
        try:
            async with (
                moody(chance) as (receiver, url),
                billing_on(database_on(engine), Path(name)) as billing,
            ):
                # A restart breaks as many lines as are open: the breaker would wait out the moods.
                await billing.connect(
                    url,
                    deduplicates=deduplicates,
                    settings={"echoes_key": echoes_key},
                    pacing={"opens_after": 1000},
                )
                began = time.monotonic()
                await _live(billing, receiver, charges)
                table, faults = await _told(billing, receiver, charges, deduplicates=deduplicates)
                seconds = round(time.monotonic() - began, 1)
                head = [("seed", seed), ("connections are kept", int(echoes_key))]
                return [*head, *table, ("seconds", seconds)], faults
        finally:
            await engine.dispose()


async def _live(billing: Billing, receiver: Moody, charges: int) -> None:
    billing.outside.answer_seconds = ANSWER_SECONDS
    billing.outside.connections = PUSHERS * AT_ONCE
    await billing.hear(*(a_session_record(present=PATIENTS, absent=0) for _ in range(charges // PATIENTS)))
    for number in range(ROUNDS):
        # The last tries meet a receiver that has recovered.
        receiver.calm = number >= ROUNDS // 2
        await asyncio.gather(*(_push(billing) for _ in range(PUSHERS)))
        await billing.pusher.recover()
        billing.watch.forward(hours=25)


async def _push(billing: Billing) -> None:
    pusher = billing.pusher
    pusher.concurrent_pushes = AT_ONCE
    await pusher.push_all_due()


async def _told(
    billing: Billing, receiver: Moody, expected: int, *, deduplicates: bool
) -> tuple[list[tuple[str, int | float]], int]:
    rows = await billing.rows(select(charge_status))
    acknowledgements = await _acknowledgements(billing)
    statuses = Counter(row.status for row in rows)
    faults = {
        "never made, or made twice": abs(expected - len(rows)),
        "accepted, and not acknowledged once": sum(
            acknowledgements[row.charge_id] != (row.status == "accepted") for row in rows
        ),
        "accepted, and not there": sum(
            row.status == "accepted" and not receiver.booked[str(row.charge_id)] for row in rows
        ),
        "sent again where that books twice": 0 if deduplicates else receiver.repeated,
        "neither accepted nor parked": sum(
            row.status in {"pending", "sent"} or bool(row.next_attempt_at) for row in rows
        ),
        "parked without a reason": sum(row.status != "accepted" and not row.reason for row in rows),
        "said not to be there, and there": sum(
            row.status in {"held", "rejected"}
            and not row.uncertain
            and bool(receiver.booked[str(row.charge_id)])
            for row in rows
        ),
    }
    table: list[tuple[str, int | float]] = [
        ("receiver deduplicates", int(deduplicates)),
        ("charges", len(rows)),
        *sorted((f"receiver {what}", number) for what, number in receiver.done.items()),
        ("keys sent again", receiver.repeated),
        *sorted((f"charges {status}", number) for status, number in statuses.items()),
        *faults.items(),
    ]
    return table, sum(faults.values())


async def _acknowledgements(billing: Billing) -> Counter[UUID]:
    """Count for each charge the attempts that the receiver was heard to accept."""
    accepted = (
        select(push_result.c.charge_id, func.count().label("number"))
        .where(push_result.c.verdict == "accepted")
        .group_by(push_result.c.charge_id)
    )
    return Counter({row.charge_id: row.number for row in await billing.rows(accepted)})
