"""Plans every instance again and again: the horizon rolls, clocks change, people come and go (TPL-3)."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from services.sessions.configuration.models import INSTANCE
from services.sessions.templates.use_cases import Plan
from shared.clock import Clock, now_utc
from shared.database.transactions import Database, Transaction
from shared.messaging.alive import TOUCHED_EVERY_SECONDS, show_no_life
from shared.messaging.failures import reason_of

log = structlog.get_logger()

PAUSE_SECONDS: Final = 5.0


class Step(Protocol):
    """What is done for an instance after planning it, in a transaction of its own."""

    async def __call__(self, db: Transaction, *, now: datetime) -> None:
        """Do it; doing it again changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Plans all instances in turn. Several may run at once: they wait for each other."""

    database: Database
    plan: Plan
    every_seconds: float
    then: Sequence[Step] = ()
    clock: Clock = now_utc
    show_life: Callable[[], None] = show_no_life

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until told to stop."""
        while not stop.is_set():
            try:
                await self.sweep(stop)
            # asyncpg says that nobody listens by a plain OSError.
            except (DBAPIError, OSError) as error:
                log.warning(
                    "The database can't be used; planning again soon.",
                    code="planning.unavailable",
                    reason=reason_of(error),
                )
                await self._rest(PAUSE_SECONDS, stop)
            else:
                await self._rest(self.every_seconds, stop)

    async def sweep(self, stop: asyncio.Event) -> None:
        """Plan each instance that uses Group Sessions, in a transaction of its own (SET-2)."""
        for instance_id in await self._instances():
            if stop.is_set():
                return
            self.show_life()
            async with self.database.writing(instance_id) as db:
                await self.plan(db, now=self.clock())
            for step in self.then:
                async with self.database.writing(instance_id) as db:
                    await step(db, now=self.clock())

    async def _instances(self) -> list[UUID]:
        using = select(INSTANCE.c.instance_id).where(INSTANCE.c.use_group_sessions)
        async with self.database.reading_for_all() as connection:
            return list((await connection.execute(using.order_by(INSTANCE.c.instance_id))).scalars())

    async def _rest(self, seconds: float, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not stop.is_set() and (left := until - loop.time()) > 0:
            self.show_life()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(left, TOUCHED_EVERY_SECONDS))
