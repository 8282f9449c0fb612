"""Pushing charges to their billing systems: at most once known, never twice (BILL-4, BILL-5).

Each push is written down and committed before its first byte is sent, and closed afterwards. What
lies between is never a transaction: a slow receiver holds no lock.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx2
import structlog
from sqlalchemy.exc import DBAPIError

from services.billing_bridge.claims import Claimed, Pushed, claim_due, close, recover_abandoned
from services.billing_bridge.connector import (
    Connector,
    ConnectorKind,
    Destination,
    NothingSentError,
    OutcomeUnknownError,
)
from services.billing_bridge.outcomes import Outcome, Verdict
from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.messaging.alive import show_no_life
from shared.messaging.bells import Wake
from shared.messaging.failures import reason_of
from shared.messaging.sealing import KeyRing, UnsealableError

log = structlog.get_logger()

SWEEP_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.5
CONNECT_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 10.0
READ_SECONDS: Final = 20.0
IDLE_SECONDS_AT_MOST: Final = 3.0
"""Below the 5 s after which common servers hang up: to a request that meets it the outcome is unknown."""

SECRET_PURPOSE: Final = "connection-secret"  # noqa: S105 - a purpose, not a secret


def new_client(*, connections: int) -> httpx2.AsyncClient:
    """Build the one HTTP client of a process. It follows no redirect and asks no proxy of the environment."""
    return httpx2.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, write=WRITE_SECONDS),
        limits=httpx2.Limits(
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=IDLE_SECONDS_AT_MOST,
        ),
    )


def open_connectors(
    kinds: Mapping[str, ConnectorKind], client: httpx2.AsyncClient, *, clock: Clock, embedded: bool
) -> dict[str, Connector]:
    """Build every connector of the table on one client."""
    return {name: kind.open(client, clock, embedded) for name, kind in kinds.items()}


@dataclass(kw_only=True)
class Pusher:
    """Pushes what is due. Several may run at once, on as many machines."""

    database: Database
    connectors: Mapping[str, Connector]
    keys: KeyRing
    concurrent_pushes: int = 10
    clock: Clock = now_utc
    chance: Callable[[], float] = random.random
    show_life: Callable[[], None] = show_no_life
    _under_way: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _ended: list[Pushed] = field(default_factory=list, init=False)

    async def run(self, wake: Wake, stop: asyncio.Event) -> None:
        """Push until told to stop; what is under way then is brought to its end."""
        async with wake:
            bell = asyncio.ensure_future(wake.wait(SWEEP_SECONDS))
            while not stop.is_set():
                self.show_life()
                if bell.done():
                    await self._guarded(self.recover())
                    bell = asyncio.ensure_future(wake.wait(SWEEP_SECONDS))
                await self._guarded(self.turn())
                # Pushes that ended during the turn are closed by the next one, at once.
                if not self._ended:
                    await asyncio.wait({bell, *self._under_way}, return_when=asyncio.FIRST_COMPLETED)
            bell.cancel()
            await asyncio.wait([bell])
        await self._guarded(self.finish())

    async def turn(self) -> int:
        """Close what has ended and begin what is due, in one transaction; give how many were begun."""
        ended = tuple(self._ended)
        room = self.concurrent_pushes - len(self._under_way)
        async with self.database.writing_for_all() as db:
            if ended:
                await close(db, ended, now=self.clock(), chance=self.chance())
            claimed = await claim_due(db, now=self.clock(), at_most=room) if room else []
        del self._ended[: len(ended)]
        for one in claimed:
            task = asyncio.create_task(self._push(one))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(claimed)

    async def recover(self) -> None:
        """Mark pushes that nobody brought to an end as unknown."""
        async with self.database.writing_for_all() as db:
            count = await recover_abandoned(db, now=self.clock(), chance=self.chance())
        if count:
            log.warning(
                "Pushes were abandoned; their outcome is unknown.", code="push.abandoned", count=count
            )

    async def push_all_due(self) -> None:
        """Push until nothing is due any more."""
        while await self.turn():
            await self.finish()

    async def finish(self) -> None:
        """Wait for what is under way and close it."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        if self._ended:
            ended = tuple(self._ended)
            async with self.database.writing_for_all() as db:
                await close(db, ended, now=self.clock(), chance=self.chance())
            del self._ended[: len(ended)]

    async def _push(self, claimed: Claimed) -> None:
        outcome = await self._outcome(claimed)
        self._ended.append(Pushed(claimed=claimed, outcome=outcome, ended_at=self.clock()))
        _tell(claimed, outcome)

    async def _outcome(self, claimed: Claimed) -> Outcome:
        try:
            return await self._send(claimed)
        except NothingSentError as error:
            return Outcome(verdict=Verdict.NOT_TAKEN, reason=str(error))
        except OutcomeUnknownError as error:
            return Outcome(verdict=Verdict.UNKNOWN, reason=str(error))
        except Exception as error:
            # It may have come after sending, so this is never "not sent".
            log.exception("A push failed by a fault of ours.", code="push.fault")
            return Outcome(verdict=Verdict.UNKNOWN, reason=f"A fault of ours: {reason_of(error)}.")

    async def _send(self, claimed: Claimed) -> Outcome:
        connector = self.connectors.get(claimed.charge.system)
        if connector is None:
            raise NothingSentError("There is no connector of this name.")
        if self.clock() >= claimed.start_before:
            raise NothingSentError("It was claimed too long ago to begin.")
        try:
            secret = self.keys.unseal(claimed.sealed_secret, purpose=SECRET_PURPOSE)
        except UnsealableError:
            raise NothingSentError("The connection's secret can't be opened with these keys.") from None
        send = connector.reverse if claimed.reversing else connector.push
        return await send(claimed.charge, Destination(url=claimed.url, secret=secret))

    async def _guarded(self, work: Awaitable[object]) -> None:
        try:
            await work
        except (DBAPIError, OSError) as error:
            # Results that could not be written are kept and written at the next turn.
            log.warning(
                "The charges can't be reached; trying again.",
                code="charges.unavailable",
                reason=reason_of(error),
            )
            await asyncio.sleep(PAUSE_SECONDS)


def _tell(claimed: Claimed, outcome: Outcome) -> None:
    if outcome.verdict is not Verdict.ACCEPTED:
        log.warning(
            "A charge was not accepted.",
            code="push.not_accepted",
            charge_id=str(claimed.charge.charge_id),
            instance_id=str(claimed.instance_id),
            attempt=claimed.number,
            outcome=outcome.verdict.value,
            status=outcome.http_status,
        )
