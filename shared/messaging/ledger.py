"""The ledger's rows: claimed by relays, closed by receipts, parked for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, case, func, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.bulk import insert_new
from shared.database.fields import Fields, FieldUnsealableError
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.messaging.messages import Delivery, Receipt, Verdict
from shared.messaging.tables import EVENT_BODY, DeliveryState, Ledger

log = structlog.get_logger()

CLAIM_AT_MOST: Final = 1000

UNFINISHED: Final = (DeliveryState.OPEN.value, DeliveryState.PARKED.value)

RETRY_AFTER_SECONDS: Final = (2, 5, 30, 120, 600, 1800, 3600, 7200)
"""When a delivery that failed for a passing reason is tried again; then it is parked."""


class Step(StrEnum):
    """What happened to a delivery."""

    FAILED = "failed"
    PARKED = "parked"
    RETRIED = "retried"
    SKIPPED = "skipped"
    REOPENED = "reopened"


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A delivery that this relay has to ring for now, its body still sealed."""

    consumer: str
    instance_id: UUID
    delivery: Delivery


async def claim_due(
    connection: AsyncConnection, ledger: Ledger, *, now: datetime, ring_again_after_seconds: Sequence[float]
) -> list[Claimed]:
    """Take what is due and note when each has to be rung again if no receipt comes."""
    delivery, event = ledger.delivery, ledger.event
    due = (
        select(delivery.c.id)
        .where(delivery.c.state == DeliveryState.OPEN.value, delivery.c.next_ring_at <= now)
        .order_by(delivery.c.next_ring_at)
        .limit(CLAIM_AT_MOST)
        # Another relay may hold the oldest rows right now: those are its to ring.
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claim = (
        update(delivery)
        .where(delivery.c.id.in_(select(due.c.id)))
        .values(
            rings=delivery.c.rings + 1,
            next_ring_at=_by_count(delivery.c.rings, now, ring_again_after_seconds),
        )
        .returning(delivery.c.id, delivery.c.event_id, delivery.c.consumer, delivery.c.rings)
    )
    claimed = (await connection.execute(claim)).all()
    if not claimed:
        return []
    bodies = select(event.c.id, event.c.instance_id, event.c.type, event.c.body).where(
        event.c.id.in_({row.event_id for row in claimed})
    )
    events = {row.id: row for row in (await connection.execute(bodies)).all()}
    return [
        Claimed(
            consumer=row.consumer,
            instance_id=events[row.event_id].instance_id,
            # Our own rows need no validation, which would cost more than all else here.
            delivery=Delivery.model_construct(
                delivery_id=row.id,
                event_id=row.event_id,
                type=events[row.event_id].type,
                ring=row.rings,
                body=events[row.event_id].body,
            ),
        )
        for row in claimed
    ]


async def opened(database: Database, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Open the bodies of deliveries, outside of any transaction.

    One that does not open is left out: it is rung for again later, and holds no other up meanwhile.
    """
    fields = await database.fields_of({one.instance_id for one in claimed})
    return list(_opened(claimed, fields))


def _opened(claimed: Sequence[Claimed], fields: Mapping[UUID, Fields]) -> Iterator[Claimed]:
    for one in claimed:
        sealed = one.delivery
        try:
            body = fields[one.instance_id].unseal(sealed.body, place=EVENT_BODY, row=sealed.event_id)
        except FieldUnsealableError:
            log.exception(
                "An event in the ledger does not open.",
                code="event.unsealable",
                event_id=str(sealed.event_id),
            )
        else:
            yield replace(one, delivery=sealed.model_copy(update={"body": body}))


async def mend_schedule(
    connection: AsyncConnection, ledger: Ledger, *, now: datetime, ring_again_after_seconds: Sequence[float]
) -> None:
    """Make due what waits longer than any schedule has it wait: a clock was ahead when it was set."""
    delivery = ledger.delivery
    longest = case(
        (delivery.c.failures == 0, now + timedelta(seconds=max(ring_again_after_seconds))),
        else_=now + timedelta(seconds=max(*ring_again_after_seconds, *RETRY_AFTER_SECONDS)),
    )
    await connection.execute(
        update(delivery)
        .where(delivery.c.state == DeliveryState.OPEN.value, delivery.c.next_ring_at > longest)
        .values(next_ring_at=now)
    )


async def hand_back(
    connection: AsyncConnection, ledger: Ledger, ids: Sequence[UUID], *, now: datetime
) -> None:
    """Make claimed deliveries due again: the broker did not take them."""
    delivery = ledger.delivery
    await connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.state == DeliveryState.OPEN.value)
        .values(rings=delivery.c.rings - 1, next_ring_at=now)
    )


async def record_receipts(
    connection: AsyncConnection, ledger: Ledger, receipts: Sequence[Receipt], *, now: datetime
) -> None:
    """Write down what consumers say. A receipt that comes twice, or late, changes nothing more."""
    applied = [receipt.delivery_id for receipt in receipts if receipt.verdict is Verdict.APPLIED]
    if applied:
        await connection.execute(
            update(ledger.delivery)
            # A parked one too: the consumer has applied it after all.
            .where(
                ledger.delivery.c.id.in_(applied), ledger.delivery.c.state != DeliveryState.RECEIPTED.value
            )
            .values(state=DeliveryState.RECEIPTED.value, receipted_at=now, reason=None)
        )
    for verdict, reason in sorted(
        {(r.verdict, r.reason or "") for r in receipts if r.verdict is not Verdict.APPLIED}
    ):
        ids = [r.delivery_id for r in receipts if r.verdict is verdict and (r.reason or "") == reason]
        await _record_failure(connection, ledger, ids, verdict=verdict, reason=reason, now=now)


async def _record_failure(
    connection: AsyncConnection,
    ledger: Ledger,
    ids: Sequence[UUID],
    *,
    verdict: Verdict,
    reason: str,
    now: datetime,
) -> None:
    delivery = ledger.delivery
    lasting = verdict is Verdict.PERMANENT
    exhausted = delivery.c.failures >= len(RETRY_AFTER_SECONDS)
    parked, is_open = DeliveryState.PARKED.value, DeliveryState.OPEN.value
    failed = (
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.state == is_open)
        .values(
            state=parked if lasting else case((exhausted, parked), else_=is_open),
            failures=delivery.c.failures + 1,
            next_ring_at=_by_count(delivery.c.failures, now, RETRY_AFTER_SECONDS),
            reason=reason[:200],
        )
        .returning(delivery.c.id, delivery.c.state)
    )
    rows = (await connection.execute(failed)).all()
    for what, state in ((Step.FAILED, is_open), (Step.PARKED, parked)):
        which = [row.id for row in rows if row.state == state]
        await note_steps(connection, ledger, which, what=what, reason=reason, at=now)


async def note_steps(
    connection: AsyncConnection,
    ledger: Ledger,
    ids: Sequence[UUID],
    *,
    what: Step,
    reason: str | None,
    at: datetime,
    done_by: str | None = None,
) -> None:
    """Write into the timelines of deliveries. A reason has no health data."""
    steps = [
        {
            "id": new_id(),
            "delivery_id": one,
            "at": at,
            "what": what.value,
            "reason": reason and reason[:200],
            "done_by": done_by,
        }
        for one in ids
    ]
    await insert_new(connection, ledger.step, steps)


async def count_deliveries(connection: AsyncConnection, ledger: Ledger) -> dict[tuple[str, str], int]:
    """Count unfinished deliveries by consumer and state; finished ones are not looked at."""
    delivery = ledger.delivery
    # One by one: each state has an index of its own, which no database takes for a list of states.
    counts = union_all(
        *(
            select(delivery.c.consumer, delivery.c.state, func.count())
            .where(delivery.c.state == state)
            .group_by(delivery.c.consumer, delivery.c.state)
            for state in UNFINISHED
        )
    )
    return {(row[0], row[1]): row[2] for row in (await connection.execute(counts)).all()}


def _by_count(
    count: ColumnElement[int], now: datetime, schedule_seconds: Sequence[float]
) -> ColumnElement[Any]:
    moments = [now + timedelta(seconds=seconds) for seconds in schedule_seconds]
    return case(*((count == number, moment) for number, moment in enumerate(moments)), else_=moments[-1])
