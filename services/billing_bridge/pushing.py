"""Pushing charges to their billing systems: at most once known, never twice (BILL-4, BILL-5).

Each push is written down and committed before its first byte is sent, and closed afterwards. What
lies between is never a transaction: a slow receiver holds no lock.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from services.billing_bridge.claims import (
    Claimed,
    Kind,
    Pushed,
    claim_due,
    close,
    instances_with_abandoned,
    recover_abandoned,
)
from services.billing_bridge.connector import (
    Connector,
    Destination,
    LooksUp,
    NothingSentError,
    NoTurnError,
    OutcomeUnknownError,
    Unit,
)
from services.billing_bridge.gates import instances_that_may_send
from services.billing_bridge.outcomes import Outcome, Verdict
from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.failpoints import reached
from shared.messaging.alive import show_no_life
from shared.messaging.bells import Wake
from shared.messaging.failures import reason_of
from shared.messaging.sealing import KeyRing, UnsealableError
from shared.observability.metrics import PUSHES
from shared.observability.tracing import span

log = structlog.get_logger()

SWEEP_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.5
SECRET_PURPOSE: Final = "connection-secret"  # noqa: S105 - a purpose, not a secret
CERTIFICATE_PURPOSE: Final = "connection-certificate"


@dataclass(kw_only=True)
class Pusher:
    """Pushes what is due. Several may run at once, on as many machines."""

    database: Database
    connectors: Mapping[str, Connector]
    keys: KeyRing
    units: Mapping[str, Unit]
    """What goes out as one message, by system."""
    ordered: Collection[str] = ()
    """Systems where a patient's messages go one after the other."""
    concurrent_pushes: int = 10
    clock: Clock = now_utc
    chance: Callable[[], float] = random.random
    show_life: Callable[[], None] = show_no_life
    _lines: asyncio.Semaphore = field(init=False)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _ended: list[Pushed] = field(default_factory=list, init=False)
    _secrets: dict[tuple[str, str], str] = field(default_factory=dict, init=False, repr=False)
    """The secrets of the connections of this turn: opened once, and not once for each push."""

    def __post_init__(self) -> None:
        """Let so many pushes be sent at a time."""
        self._lines = asyncio.Semaphore(self.concurrent_pushes)

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
        """Begin what is due and close what has ended; give how many charges were begun.

        In two transactions, so that the pushes of the first are on their way during the second.
        """
        ended = tuple(self._ended)
        # As many again are claimed as are sent: no line stands idle while rows are written.
        room = 2 * self.concurrent_pushes - len(self._under_way)
        try:
            return await self._begin_due(at_most=room) if room > 0 else 0
        finally:
            await self._close(ended)

    async def _begin_due(self, *, at_most: int) -> int:
        now = self.clock()
        async with self.database.reading_for_all() as connection:
            instances = await instances_that_may_send(connection, now=now)
        if not instances:
            return 0
        async with self.database.writing_for(instances) as db:
            claimed = await claim_due(db, now=now, at_most=at_most, units=self.units, ordered=self.ordered)
        if claimed:
            reached("push.claimed")
            self._secrets.clear()
        for message in _messages(claimed):
            task = asyncio.create_task(self._push(message))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(claimed)

    async def _close(self, ended: Sequence[Pushed]) -> None:
        if ended:
            instances = {one.claimed.instance_id for one in ended}
            async with self.database.writing_for(instances) as db:
                await close(db, ended, now=self.clock(), chance=self.chance())
            reached("push.closed")
            del self._ended[: len(ended)]

    async def recover(self) -> None:
        """Mark pushes that nobody brought to an end as unknown."""
        now = self.clock()
        async with self.database.reading_for_all() as connection:
            instances = await instances_with_abandoned(connection, now=now)
        if not instances:
            return
        async with self.database.writing_for(instances) as db:
            count = await recover_abandoned(db, now=now, chance=self.chance())
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
        await self._close(tuple(self._ended))

    async def _push(self, message: Sequence[Claimed]) -> None:
        first = message[0].charge
        # Of several charges in one message, the first one's trace is continued.
        with span("push", after=first.traceparent):
            began = time.perf_counter()
            async with self._lines:
                outcome = await self._outcome(message)
            reached("push.answered")
            PUSHES.labels(first.system, outcome.verdict.value).observe(time.perf_counter() - began)
            at = self.clock()
            self._ended += [Pushed(claimed=one, outcome=outcome, ended_at=at) for one in message]
            for one in message:
                _tell(one, outcome)

    async def _outcome(self, message: Sequence[Claimed]) -> Outcome:
        try:
            return await self._send(message)
        except NothingSentError as error:
            # A question that was not asked says nothing of the push before it.
            asked = message[0].kind is Kind.LOOK_UP
            return Outcome(
                verdict=Verdict.UNKNOWN if asked else Verdict.NOT_TAKEN,
                reason=str(error),
                without_a_turn=isinstance(error, NoTurnError),
            )
        except OutcomeUnknownError as error:
            return Outcome(verdict=Verdict.UNKNOWN, reason=str(error))
        except Exception as error:
            # It may have come after sending, so this is never "not sent".
            log.exception("A push failed by a fault of ours.", code="push.fault")
            return Outcome(verdict=Verdict.UNKNOWN, reason=f"A fault of ours: {reason_of(error)}.")

    async def _send(self, message: Sequence[Claimed]) -> Outcome:
        first, charges = message[0], [one.charge for one in message]
        connector = self.connectors.get(first.charge.system)
        if connector is None:
            raise NothingSentError("There is no connector of this name.")
        if self.clock() >= first.start_before:
            raise NoTurnError("It was claimed too long ago to begin.")
        destination = self._destination(message)
        if first.kind is Kind.LOOK_UP:
            if not isinstance(connector, LooksUp):
                raise NothingSentError("This connector can't look anything up.")
            if not first.asked_about:
                raise NothingSentError("Nothing was asked: a charge of the same message can't be read.")
            return await connector.look_up(first.asked_about, destination, reversing=first.reversing)
        send = connector.reverse if first.kind is Kind.REVERSAL else connector.push
        return await send(charges, destination)

    def _destination(self, message: Sequence[Claimed]) -> Destination:
        # Of several notices always the same one: equal charges are equal bytes.
        claimed = min(message, key=lambda one: one.charge.charge_id)
        try:
            return Destination(
                instance_id=claimed.instance_id,
                url=claimed.url,
                secret=self._opened(claimed.sealed_secret, SECRET_PURPOSE) or "",
                settings=claimed.settings,
                notice=claimed.notice,
                client_certificate=self._opened(claimed.sealed_certificate, CERTIFICATE_PURPOSE),
            )
        except UnsealableError:
            raise NothingSentError("The connection's secret can't be opened with these keys.") from None

    def _opened(self, sealed: str | None, purpose: str) -> str | None:
        if not sealed:
            return None
        if (sealed, purpose) not in self._secrets:
            self._secrets[sealed, purpose] = self.keys.unseal(sealed, purpose=purpose)
        return self._secrets[sealed, purpose]

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


def _messages(claimed: Sequence[Claimed]) -> list[list[Claimed]]:
    messages: dict[UUID, list[Claimed]] = {}
    for one in claimed:
        messages.setdefault(one.message_id, []).append(one)
    return list(messages.values())


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
