"""The relay: rings for what is owed, again and again, until a receipt says that it was applied."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

import orjson
import structlog
from sqlalchemy.exc import DBAPIError

from shared.clock import Clock, now_utc
from shared.database.field_keys import DataKeyUnopenableError
from shared.database.transactions import Database
from shared.events.catalogue import CONSUMERS
from shared.failpoints import reached
from shared.messaging.alive import show_no_life
from shared.messaging.bells import Wake
from shared.messaging.broker import Broker, BrokerUnavailableError, Outgoing
from shared.messaging.failures import reason_of
from shared.messaging.ledger import CLAIM_AT_MOST, Claimed, claim_due, hand_back, mend_schedule, opened
from shared.messaging.messages import DELIVER_TASK, Parcel, receipts_queue
from shared.messaging.sealing import KeyRing
from shared.messaging.tables import Ledger
from shared.observability.metrics import RINGS
from shared.observability.tracing import is_reported, span

log = structlog.get_logger()

SWEEP_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.5

RING_AGAIN_AFTER_SECONDS: Final = (5.0, 15.0, 60.0, 300.0)
"""How long a ring waits for its receipt: by the number of rings before, the last for all further ones."""


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Hands the open deliveries of one service's ledger to the broker. Several may run at once."""

    service: str
    database: Database
    ledger: Ledger
    broker: Broker
    keys: KeyRing
    clock: Clock = now_utc
    ring_again_after_seconds: Sequence[float] = RING_AGAIN_AFTER_SECONDS
    show_life: Callable[[], None] = show_no_life

    async def run(self, wake: Wake, stop: asyncio.Event) -> None:
        """Ring until told to stop: at once when woken, else at every sweep."""
        async with wake:
            latest: datetime | None = None
            while not stop.is_set():
                self.show_life()
                try:
                    latest = await self.keep_to_the_clock(latest)
                    rung = await self.ring_due()
                except BrokerUnavailableError:
                    log.warning("The broker takes nothing; deliveries stay owed.", code="broker.unavailable")
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                # asyncpg says that nobody listens by a plain OSError.
                except (DBAPIError, OSError, DataKeyUnopenableError) as error:
                    log.warning(
                        "The ledger can't be read; trying again.",
                        code="ledger.unavailable",
                        reason=reason_of(error),
                    )
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                if rung < CLAIM_AT_MOST:
                    await wake.wait(SWEEP_SECONDS)

    async def keep_to_the_clock(self, latest: datetime | None) -> datetime:
        """Mend the schedule at the start, and when the clock went back; give what it shows now."""
        now = self.clock()
        if latest is None or now < latest:
            async with self.database.writing_for_all() as connection:
                await mend_schedule(
                    connection, self.ledger, now=now, ring_again_after_seconds=self.ring_again_after_seconds
                )
        return now

    async def ring_due(self) -> int:
        """Ring once for everything that is due; give the number of deliveries.

        Raises `BrokerUnavailableError`, after making the deliveries due again.
        """
        async with self.database.writing_for_all() as connection:
            claimed = await claim_due(
                connection,
                self.ledger,
                now=self.clock(),
                ring_again_after_seconds=self.ring_again_after_seconds,
            )
        if not claimed:
            return 0
        reached("relay.claimed")
        try:
            # Blocks the loop, which has nothing else to do: simpler and quicker than a thread.
            self.broker.send(self._outgoing(await opened(self.database, claimed)))
        except BrokerUnavailableError:
            async with self.database.writing_for_all() as connection:
                ids = [one.delivery.delivery_id for one in claimed]
                await hand_back(connection, self.ledger, ids, now=self.clock())
            reached("relay.handed_back")
            raise
        reached("relay.sent")
        return len(claimed)

    def _outgoing(self, claimed: Iterable[Claimed]) -> Iterator[Outgoing]:
        for consumer, packed in pack(claimed):
            parcel = Parcel(
                receipts_to=receipts_queue(self.service), deliveries=tuple(one.delivery for one in packed)
            )
            sealed = self.keys.seal(parcel.model_dump(mode="json"), purpose=DELIVER_TASK)
            RINGS.labels(consumer).inc(len(packed))
            _trace(consumer, packed)
            yield Outgoing(queue=consumer, task=DELIVER_TASK, sealed=sealed)


def _trace(consumer: str, packed: Sequence[Claimed]) -> None:
    # The trace stands in the body, which is read for nobody who does not look.
    if is_reported():
        for one in packed:
            with span(f"ring {consumer}", after=orjson.loads(one.delivery.body).get("traceparent")):
                pass


def pack(claimed: Iterable[Claimed]) -> Iterator[tuple[str, Sequence[Claimed]]]:
    """Split deliveries into parcels, one consumer each, never larger than that consumer takes.

    Each further ring halves the parcel, so that an event which kills its consumer soon travels
    alone and no longer holds up the good ones beside it.
    """
    most = {consumer.name: consumer.most_per_task for consumer in CONSUMERS}
    ordered = sorted(claimed, key=_destination)
    for (consumer, ring), group in groupby(ordered, key=_destination):
        size = max(1, most[consumer] >> (ring - 1))
        together = list(group)
        for start in range(0, len(together), size):
            yield consumer, together[start : start + size]


def _destination(one: Claimed) -> tuple[str, int]:
    return one.consumer, one.delivery.ring
