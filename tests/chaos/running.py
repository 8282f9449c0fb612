"""One run: sessions are signed while things break at random, and everything is counted at the end."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from services.sessions.configuration.use_cases import found_instance
from shared.clock import now_utc
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.testing.databases import FIELD_KEYS, database_on
from tests.chaos.disk import small_disk
from tests.chaos.faults import Breaking, ValkeyQueues, survive
from tests.support.proxy import Proxy
from tests.support.rabbit import RabbitServer
from tests.support.servers import PostgresServer, ValkeyServer
from tests.support.stage import PATIENTS, Found, Stage, stage_in

SIGNERS: Final = 3
SECONDS_BETWEEN_FAULTS: Final = 0.6
BREAKERS: Final = 2
"""Faults that go on at a time."""
PAUSE_SECONDS: Final = 0.02
SETTLE_SECONDS: Final = 300.0
LOGIN: Final = ("admin", "only-for-this-run")
DATABASES: Final = {
    "sessions": "SESSIONS",
    "charts": "CHARTS",
    "billing_bridge": "BILLING",
    "printing": "PRINTING",
}

ServerT = TypeVar("ServerT", bound=PostgresServer | ValkeyServer | RabbitServer)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a run came to."""

    name: str
    seed: int
    faults: Counter[str]
    sessions: int
    found: Found
    seconds_to_recover: float
    """From the last fault until everything was there and nothing was owed."""

    @property
    def is_whole(self) -> bool:
        return self.found.is_all_of(self.sessions)

    def rows(self) -> list[tuple[str, int | float]]:
        notes, found = self.sessions * PATIENTS, self.found
        return [
            ("seed", self.seed),
            *sorted(self.faults.items()),
            ("faults", self.faults.total()),
            ("sessions signed", self.sessions),
            ("effects expected", 4 * notes + self.sessions),
            ("effects found", found.notes + found.charges + found.accepted + found.booked + found.printed),
            ("  notes", found.notes),
            ("  charges made", found.charges),
            ("  charges accepted", found.accepted),
            ("  charges booked over there", found.booked),
            ("  attendance records printed", found.printed),
            ("duplicates", found.doubles),
            ("deliveries open or parked", found.owed),
            ("seconds to recover from the last fault", round(self.seconds_to_recover, 1)),
        ]


async def embedded(
    folder: Path,
    *,
    seed: int,
    sessions: int,
    faults: int,
    clock: Path | None = None,
    minutes_later: bool = False,
) -> Ended:
    """Break the embedded deployment: SQLite, and Valkey on a socket; `minutes_later` as `settled` has it."""
    chance = random.Random(seed)  # noqa: S311 - faults, not secrets
    async with AsyncExitStack() as stack:
        billing = await stack.enter_async_context(Proxy(host="127.0.0.1", port=0).serving())
        stage = await stack.enter_async_context(
            stage_in(folder, settings={}, reached_by=lambda url: _through(billing, url))
        )
        socket = stage.deployment.supervisor.sockets / "broker.sock"
        queues = ValkeyQueues(url=f"unix://{socket}")
        breaking = Breaking(stage=stage, chance=chance, queues=queues, billing=billing, clock=clock)
        return await _break(
            "embedded",
            breaking,
            seed=seed,
            sessions=sessions,
            faults=faults,
            minutes_later=minutes_later,
        )


async def on_valkey(
    folder: Path, *, seed: int, sessions: int, faults: int, clock: Path | None = None
) -> Ended:
    """Break the same processes on PostgreSQL and a Valkey server, each behind a proxy."""
    server = ValkeyServer(directory=_made(folder / "broker"))
    return await _on_postgres(folder, server, seed=seed, sessions=sessions, faults=faults, clock=clock)


async def on_rabbit(
    folder: Path, *, seed: int, sessions: int, faults: int, clock: Path | None = None
) -> Ended:
    """Break them with RabbitMQ as the broker, where it is installed."""
    server = RabbitServer(directory=_made(folder / "broker"))
    return await _on_postgres(folder, server, seed=seed, sessions=sessions, faults=faults, clock=clock)


async def _on_postgres(
    folder: Path,
    server: ValkeyServer | RabbitServer,
    *,
    seed: int,
    sessions: int,
    faults: int,
    clock: Path | None,
) -> Ended:
    chance = random.Random(seed)  # noqa: S311 - faults, not secrets
    async with AsyncExitStack() as stack:
        disk = _made(folder / "postgres")
        can_be_filled = stack.enter_context(small_disk(disk))
        postgres = stack.enter_context(_started(PostgresServer(directory=disk, keeps_commits=True)))
        stack.enter_context(_started(server))
        billing = await stack.enter_async_context(Proxy(host="127.0.0.1", port=0).serving())
        database = await stack.enter_async_context(Proxy(host="127.0.0.1", port=postgres.port).serving())
        broker = await stack.enter_async_context(Proxy(host="127.0.0.1", port=server.port).serving())
        settings = {
            "OPENCIRCLE_BROKER_URL": server.url.replace(f":{server.port}/", f":{broker.listens_on}/"),
            # The clinic was founded with these.
            "OPENCIRCLE_FIELD_KEYS": FIELD_KEYS,
        }
        for service, name in DATABASES.items():
            url = postgres.create_database(service)
            await _migrate(url, service)
            settings[f"OPENCIRCLE_{name}_DATABASE_URL"] = url.replace(
                f":{postgres.port}/", f":{database.listens_on}/"
            )
        stage = await stack.enter_async_context(
            stage_in(
                folder,
                settings=settings,
                first_login=LOGIN,
                reached_by=lambda url: _through(billing, url),
            )
        )
        # Past row security, which shows the owner nothing either.
        stage.urls = {service: postgres.url(service, user="postgres") for service in DATABASES}
        breaking = Breaking(
            stage=stage,
            chance=chance,
            queues=server if isinstance(server, RabbitServer) else ValkeyQueues(url=server.url),
            billing=billing,
            broker=broker,
            database=database,
            broker_server=server,
            postgres=postgres,
            database_disk=disk if can_be_filled else None,
            clock=clock,
        )
        name = f"PostgreSQL and {'RabbitMQ' if isinstance(server, RabbitServer) else 'Valkey'}"
        return await _break(name, breaking, seed=seed, sessions=sessions, faults=faults)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def _started(server: ServerT) -> Iterator[ServerT]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _through(proxy: Proxy, url: str) -> str:
    parts = urlsplit(url)
    proxy.port = parts.port or 80
    return url.replace(parts.netloc, f"127.0.0.1:{proxy.listens_on}")


async def _migrate(url: str, service: str) -> None:
    engine = create_engine(url)
    await upgrade(engine, service)
    if service == "sessions":
        login, password = LOGIN
        await found_instance(database_on(engine), name="Chaos", login=login, password=password, clock=now_utc)
    await engine.dispose()


async def _break(
    name: str, breaking: Breaking, *, seed: int, sessions: int, faults: int, minutes_later: bool = False
) -> Ended:
    done: Counter[str] = Counter()
    waiting = await breaking.stage.sessions(sessions)
    last = waiting.pop()
    still_allowed = _pace(sessions, done, faults)
    signing = [_sign(breaking.stage, waiting, until=still_allowed) for _ in range(SIGNERS)]
    await asyncio.gather(*signing, *(_do(breaking, done, faults) for _ in range(BREAKERS)))
    started = time.monotonic()
    await breaking.stage.sign(last)
    found = await _settled(breaking.stage, sessions, minutes_later=minutes_later)
    seconds = time.monotonic() - started
    return Ended(
        name=name, seed=seed, faults=done, sessions=sessions, found=found, seconds_to_recover=seconds
    )


async def _settled(stage: Stage, sessions: int, *, minutes_later: bool) -> Found:
    """Wait for all effects, for as long as more of them come: papers are rendered one after the other."""
    found = await stage.settled(sessions, seconds=SETTLE_SECONDS, minutes_later=minutes_later)
    before: Found | None = None
    while not found.is_all_of(sessions) and found != before:
        before = found
        # A charge that was cut off three times waits for hours; what it comes to is the same.
        found = await stage.settled(sessions, seconds=SETTLE_SECONDS, minutes_later=True)
    return found


def _pace(sessions: int, done: Counter[str], faults: int) -> Callable[[], int]:
    """Spread the signatures over all faults: tell how many sessions have to wait still."""
    return lambda: sessions * (faults - 1 - done.total()) // faults


async def _sign(stage: Stage, waiting: list[str], *, until: Callable[[], int]) -> None:
    while waiting:
        if len(waiting) > until():
            await stage.sign(waiting.pop())
        else:
            await asyncio.sleep(PAUSE_SECONDS)


async def _do(breaking: Breaking, done: Counter[str], faults: int) -> None:
    table = breaking.faults()
    while done.total() < faults:
        await asyncio.sleep(SECONDS_BETWEEN_FAULTS * breaking.chance.uniform(0.5, 1.5))
        name = breaking.chance.choice(list(table))
        done[name] += await survive(table[name])
