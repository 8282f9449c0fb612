"""What may go wrong, by name: each fault breaks something and, where nobody else would, mends it again."""

import asyncio
import os
import random
import resource
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import redis
from amqp.exceptions import AMQPError

from shared.failpoints import CRASH_POINTS
from tests.chaos.clock import step
from tests.chaos.disk import fill
from tests.support.proxy import Proxy
from tests.support.rabbit import RabbitServer
from tests.support.servers import PostgresServer, ValkeyServer
from tests.support.stage import Stage

PARTS: Final = (
    "api",
    "sessions.relay",
    "sessions.worker",
    "charts.worker",
    "billing_bridge.worker",
    "billing_bridge.pusher",
    "printing.worker",
    "printing.relay",
    "printing.render_worker",
)
WRITERS: Final = tuple(one for one in PARTS if one != "printing.render_worker")
"""Whose disk can be full: a render's children write their own files."""
QUEUES: Final = {
    "charts": "charts.worker",
    "billing_bridge": "billing_bridge.worker",
    "printing": "printing.worker",
}
STOPPED_SECONDS: Final = (0.5, 7.0)
"""Up to longer than two rings wait for their receipt."""
SILENT_SECONDS: Final = 3.0
FULL_SECONDS: Final = 1.0
CLOCK_STEP_SECONDS: Final = (-90.0, 90.0)
"""Less than makes a process useless: data keys and log-ins are a matter of minutes."""
POINTS: Final = tuple(one for one in CRASH_POINTS if not one.startswith(("migration.", "replay.", "push.")))
"""Not those of pushes: whether their charge arrived is known when a lease of minutes is over."""

Fault = Callable[[], Awaitable[None]]


class Queues(Protocol):
    """The broker's queues, past everything that guards them."""

    def wipe(self) -> None:
        """Lose them all."""

    def double(self, queue: str, chance: random.Random) -> None:
        """Have what waits in one there twice, in any order."""


@dataclass(frozen=True, kw_only=True)
class ValkeyQueues:
    """Those of Valkey or Redis: a list each."""

    url: str

    def wipe(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def double(self, queue: str, chance: random.Random) -> None:
        with redis.Redis.from_url(self.url) as client:
            waiting = client.lrange(queue, 0, -1)
            doubled = chance.sample([*waiting, *waiting], 2 * len(waiting))
            if doubled:
                client.delete(queue)
                client.rpush(queue, *doubled)


@dataclass(frozen=True, kw_only=True)
class Breaking:
    """One run's hands on everything that can be broken."""

    stage: Stage
    chance: random.Random
    billing: Proxy
    queues: Queues
    broker: Proxy | None = None
    database: Proxy | None = None
    broker_server: ValkeyServer | RabbitServer | None = None
    postgres: PostgresServer | None = None
    database_disk: Path | None = None
    clock: Path | None = None
    _of_servers: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    """Of two faults at once only one stops and starts servers."""

    def faults(self) -> Mapping[str, Fault]:
        """Give the faults that this deployment can have, in a fixed order."""
        table: dict[str, Fault] = {
            "SIGKILL of a process": self._kill,
            "SIGSTOP past its time-outs, then SIGCONT": self._stop,
            "death at a failpoint": self._die_at_a_point,
            "broker killed": self._kill_the_broker,
            "broker wiped": self._wipe_the_broker,
            "deliveries doubled and reordered": self._double,
            **_of_network("billing system", self.billing),
        }
        if self.broker:
            table |= _of_network("broker", self.broker)
        if self.database:
            table |= _of_network("database", self.database)
        if self.clock:
            table |= {"clock stepped, and stepped back": self._step_the_clock}
        if self.database_disk:
            table |= {"disk full for the database": self._fill_the_disk_of_the_database}
        if self.postgres:
            table |= {"database crashed and restarted": self._crash_the_database}
        else:
            # PostgreSQL runs as another user, whose limits are not ours to set.
            table |= {"disk full for a process": self._fill_the_disk}
        return table

    async def _kill(self) -> None:
        self.stage.signal(self.chance.choice(PARTS), signal.SIGKILL)

    async def _stop(self) -> None:
        part, seconds = self.chance.choice(PARTS), self.chance.uniform(*STOPPED_SECONDS)
        pid = self.stage.pid(part)
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    async def _die_at_a_point(self) -> None:
        self.stage.arm(self.chance.choice(POINTS))

    async def _kill_the_broker(self) -> None:
        if self.broker_server:
            await self._restart(self.broker_server)
        else:
            self.stage.signal("broker", signal.SIGKILL)

    async def _wipe_the_broker(self) -> None:
        async with self._of_servers:
            await asyncio.to_thread(self.queues.wipe)

    async def _double(self) -> None:
        """Have what waits in a queue there twice, in any order."""
        queue, part = self.chance.choice(sorted(QUEUES.items()))
        pid = self.stage.pid(part)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(FULL_SECONDS)
            await asyncio.to_thread(self.queues.double, queue, self.chance)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _fill_the_disk(self) -> None:
        """Have one process's writes fail (EFBIG), as if there were no room: files may not grow past 1 KB."""
        pid = self.stage.pid(self.chance.choice(WRITERS))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        await asyncio.sleep(FULL_SECONDS)
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)

    async def _crash_the_database(self) -> None:
        assert self.postgres
        await self._restart(self.postgres)

    async def _restart(self, server: PostgresServer | ValkeyServer | RabbitServer) -> None:
        async with self._of_servers:
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(self.chance.uniform(0, 2))
            await asyncio.to_thread(server.start)

    async def _fill_the_disk_of_the_database(self) -> None:
        """Without room for its log PostgreSQL ends, and so it may without room to recover in."""
        assert self.postgres
        assert self.database_disk
        async with self._of_servers:
            await asyncio.to_thread(fill, self.database_disk, seconds=FULL_SECONDS)
            await asyncio.to_thread(self.postgres.revive)

    async def _step_the_clock(self) -> None:
        assert self.clock
        step(self.clock, self.chance.uniform(*CLOCK_STEP_SECONDS))
        await asyncio.sleep(self.chance.uniform(*STOPPED_SECONDS))
        step(self.clock, 0)


def _of_network(to: str, proxy: Proxy) -> dict[str, Fault]:
    async def reset() -> None:
        proxy.reset()

    return {
        f"network to {to}: slow": lambda: proxy.be_slow(SILENT_SECONDS, by=0.2),
        f"network to {to}: reset": reset,
        f"network to {to}: half open": lambda: proxy.be_half_open(SILENT_SECONDS),
    }


async def survive(fault: Fault) -> bool:
    """Do it; False where what was to be broken was down already."""
    down = (ProcessLookupError, FileNotFoundError, ConnectionError, redis.ConnectionError, AMQPError)
    with suppress(*down, TimeoutError, ValueError, IndexError):
        await fault()
        return True
    return False
