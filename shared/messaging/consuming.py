"""Consuming: a parcel's effects and inbox rows are one transaction of the consumer's own database."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import orjson
import structlog

from shared.clock import Clock, now_utc
from shared.database.transactions import Database, WideTransaction
from shared.events.catalogue import parse
from shared.events.envelope import Envelope
from shared.failpoints import reached
from shared.messaging.failures import CannotApplyError, reason_of, verdict_on
from shared.messaging.inbox import already_applied, count_attempts, forget_attempts, mark_applied
from shared.messaging.messages import Delivery, Parcel, Receipt, Verdict
from shared.messaging.tables import Inbox
from shared.observability.tracing import span, trace_id_of

log = structlog.get_logger()

Handler = Callable[[WideTransaction, Sequence[Envelope[Any]]], Awaitable[None]]
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
        alone = await self._begun_and_never_ended(parcel.deliveries)
        together = [delivery for delivery in parcel.deliveries if delivery.event_id not in alone]
        receipts = await self._apply(together) if together else []
        for delivery in parcel.deliveries:
            if delivery.event_id in alone:
                receipts.append(await self._apply_alone(delivery, begun_before=alone[delivery.event_id]))
        return receipts

    async def _begun_and_never_ended(self, deliveries: Sequence[Delivery]) -> Mapping[UUID, int]:
        """Count that those rung again are begun now; tell which were begun before, and how often."""
        again = {delivery.event_id for delivery in deliveries if delivery.ring > 1}
        if not again:
            return {}
        async with self.database.writing_for_all() as connection:
            again -= await already_applied(connection, self.inbox, self.consumer, again)
            attempts = await count_attempts(connection, self.inbox, self.consumer, again)
        if attempts:
            reached("consumer.counted")
        return {event_id: count - 1 for event_id, count in attempts.items() if count > 1}

    async def _apply(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        try:
            await self._apply_together(deliveries)
        except Exception as error:  # noqa: BLE001 - each is applied alone next, and its own error is reported
            if len(deliveries) == 1:
                return [await self._failed(deliveries[0], error)]
            return [await self._apply_alone(delivery) for delivery in deliveries]
        return [Receipt(delivery_id=delivery.delivery_id, verdict=Verdict.APPLIED) for delivery in deliveries]

    async def _apply_alone(self, delivery: Delivery, *, begun_before: int = 0) -> Receipt:
        if begun_before >= ATTEMPTS_AT_MOST:
            return await self._failed(delivery, CannotApplyError())
        return (await self._apply([delivery]))[0]

    async def _apply_together(self, deliveries: Sequence[Delivery]) -> None:
        by_event = {delivery.event_id: delivery for delivery in deliveries}
        events = {event_id: parse(one.body, one.type) for event_id, one in by_event.items()}
        instances = {event.instanceid for event in events.values()}
        async with self.database.writing_for(instances) as db:
            new = await mark_applied(db.connection, self.inbox, self.consumer, by_event, at=self.clock())
            reached("consumer.inbox_written")
            for event_type, envelopes in by_type(events[event_id] for event_id in new):
                await self._handle(db, event_type, envelopes)
            reached("consumer.effect_written")
            if self.rings_after_apply:
                await self.database.bell.ring_in(db.connection)
        if self.rings_after_apply:
            self.database.bell.ring_after_commit()

    async def _handle(self, db: WideTransaction, event_type: str, envelopes: Sequence[Envelope[Any]]) -> None:
        with ExitStack() as spans:
            # Of several, what is published on the way continues the last one's trace.
            for one in envelopes:
                spans.enter_context(span(f"consume {self.consumer}", after=one.traceparent))
            await self.handlers[event_type](db, envelopes)
        log.info(
            "Deliveries were applied.",
            code="deliveries.applied",
            consumer=self.consumer,
            event_type=event_type,
            count=len(envelopes),
            trace_ids=[trace_id_of(one.traceparent) for one in envelopes],
        )

    async def _failed(self, delivery: Delivery, error: Exception) -> Receipt:
        receipt = Receipt(
            delivery_id=delivery.delivery_id, verdict=verdict_on(error), reason=reason_of(error)
        )
        log.error(
            "A delivery could not be applied.",
            code="delivery.failed",
            delivery_id=str(delivery.delivery_id),
            event_type=delivery.type,
            trace_id=_trace_id_of(delivery),
            verdict=receipt.verdict.value,
            reason=receipt.reason,
        )
        if delivery.ring > 1 and receipt.verdict is Verdict.TRANSIENT:
            # It did end, only badly: what is counted is what never ends.
            async with self.database.writing_for_all() as connection:
                await forget_attempts(connection, self.inbox, self.consumer, delivery.event_id)
        return receipt


def _trace_id_of(delivery: Delivery) -> str | None:
    # Read past the contract, which may be what has failed.
    try:
        return trace_id_of(orjson.loads(delivery.body).get("traceparent"))
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return None


def by_type(envelopes: Iterable[Envelope[Any]]) -> Iterator[tuple[str, list[Envelope[Any]]]]:
    """Give the envelopes of one type together."""
    for event_type, group in groupby(sorted(envelopes, key=attrgetter("type", "id")), key=attrgetter("type")):
        yield event_type, list(group)
