"""Consuming: a parcel's effects and inbox rows are one transaction of the consumer's own database."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.events.catalogue import parse
from shared.events.envelope import Envelope
from shared.messaging.failures import CannotApplyError, reason_of, verdict_on
from shared.messaging.inbox import already_applied, count_attempt, mark_applied
from shared.messaging.messages import Delivery, Parcel, Receipt, Verdict
from shared.messaging.tables import Inbox

log = structlog.get_logger()

Handler = Callable[[AsyncConnection, Sequence[Envelope[Any]]], Awaitable[None]]
"""Applies events of one type in the given transaction, all of them or, by raising, none."""

ATTEMPTS_AT_MOST: Final = 5
"""An event that was begun so often and never ended is killing its worker: it is parked."""


@dataclass(frozen=True, kw_only=True)
class Consuming:
    """One consumer: its name in the catalogue, its database, and its handler for each type it hears."""

    consumer: str
    database: Database
    inbox: Inbox
    handlers: Mapping[str, Handler]
    clock: Clock = field(default=now_utc)
    rings_after_apply: bool = False
    """Wake this service's own relay at each commit: the handlers publish."""

    async def receive(self, parcel: Parcel) -> list[Receipt]:
        """Apply every delivery once; give a receipt for each.

        The whole parcel is one transaction. When that fails, each delivery gets its own, so that
        a bad event never holds up a good one.
        """
        fresh = [delivery for delivery in parcel.deliveries if delivery.ring == 1]
        receipts = await self._apply(fresh) if fresh else []
        if receipts is None:
            receipts = [await self._apply_alone(delivery) for delivery in fresh]
        again = [delivery for delivery in parcel.deliveries if delivery.ring > 1]
        return receipts + [await self._apply_alone(delivery) for delivery in again]

    async def _apply(self, deliveries: Sequence[Delivery]) -> list[Receipt] | None:
        try:
            await self._apply_together(deliveries)
        except Exception as error:  # noqa: BLE001 - each is applied alone next, and that error is reported
            if len(deliveries) > 1:
                return None
            return [self._failed(deliveries[0], error)]
        return [Receipt(delivery_id=delivery.delivery_id, verdict=Verdict.APPLIED) for delivery in deliveries]

    async def _apply_alone(self, delivery: Delivery) -> Receipt:
        try:
            await self._count_if_rung_again(delivery)
            await self._apply_together([delivery])
        except Exception as error:  # noqa: BLE001 - reported to the ledger, which retries or parks
            return self._failed(delivery, error)
        return Receipt(delivery_id=delivery.delivery_id, verdict=Verdict.APPLIED)

    async def _apply_together(self, deliveries: Sequence[Delivery]) -> None:
        async with self.database.writing_for_all() as connection:
            by_event = {delivery.event_id: delivery for delivery in deliveries}
            new = await mark_applied(connection, self.inbox, self.consumer, by_event, at=self.clock())
            for event_type, envelopes in _by_type(by_event[event_id] for event_id in new):
                await self.handlers[event_type](connection, envelopes)
            if self.rings_after_apply:
                await self.database.bell.ring_in(connection)
        if self.rings_after_apply:
            self.database.bell.ring_after_commit()

    async def _count_if_rung_again(self, delivery: Delivery) -> None:
        if delivery.ring == 1:
            return
        async with self.database.writing_for_all() as connection:
            if await already_applied(connection, self.inbox, self.consumer, [delivery.event_id]):
                return
            attempts = await count_attempt(connection, self.inbox, self.consumer, delivery.event_id)
        if attempts > ATTEMPTS_AT_MOST:
            raise CannotApplyError

    def _failed(self, delivery: Delivery, error: Exception) -> Receipt:
        receipt = Receipt(
            delivery_id=delivery.delivery_id, verdict=verdict_on(error), reason=reason_of(error)
        )
        log.error(
            "A delivery could not be applied.",
            code="delivery.failed",
            delivery_id=str(delivery.delivery_id),
            event_type=delivery.type,
            verdict=receipt.verdict.value,
            reason=receipt.reason,
        )
        return receipt


def _by_type(deliveries: Any) -> Iterator[tuple[str, list[Envelope[Any]]]]:
    for event_type, group in groupby(
        sorted(deliveries, key=attrgetter("type", "event_id")), key=attrgetter("type")
    ):
        yield event_type, [parse(delivery.body, event_type) for delivery in group]
