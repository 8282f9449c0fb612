"""Parked deliveries: what a person sees of them, opens again, or leaves out for good. Never dropped silently.

What is shown has no health data: ids, types, counts, and reasons that name a class of error and a place in
code.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select, update

from shared.database.transactions import Transaction
from shared.failpoints import reached
from shared.messaging.ledger import Step, note_steps
from shared.messaging.tables import DeliveryState, Ledger

EXAMPLES: Final = 5
GROUP_ID_LETTERS: Final = 12
AT_ONCE: Final = 1000
"""Deliveries that one transaction opens or leaves out; what is more waits for the next one."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Parked deliveries of one kind of event that failed at one consumer for one reason."""

    id: str
    consumer: str
    event_type: str
    reason: str
    deliveries: int
    oldest_at: datetime
    """When the first of their events happened."""
    examples: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class Which:
    """One delivery, one group, or, without either, all that are parked."""

    delivery_id: UUID | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Who does it, why, and when. `by` is a user's id or an operator's login, never a name."""

    by: str
    reason: str | None
    at: datetime


async def parked_groups(db: Transaction, ledger: Ledger) -> list[Group]:
    """Give what is parked in this instance, by reason, the largest group first."""
    delivery, event = ledger.delivery, ledger.event
    key = (delivery.c.consumer, event.c.type, delivery.c.reason)
    counted = (
        _parked(db, ledger, *key, func.count().label("deliveries"), func.min(event.c.occurred_at).label("at"))
        .group_by(*key)
        .order_by(func.count().desc(), *key)
    )
    newest = func.row_number().over(partition_by=key, order_by=delivery.c.id)
    numbered = _parked(db, ledger, *key, delivery.c.id.label("id"), newest.label("number")).subquery()
    shown = await db.all(select(numbered).where(numbered.c.number <= EXAMPLES))
    examples: dict[tuple[Any, ...], list[UUID]] = {}
    for row in shown:
        examples.setdefault((row.consumer, row.type, row.reason), []).append(row.id)
    return [
        Group(
            id=group_id(row.consumer, row.type, row.reason or ""),
            consumer=row.consumer,
            event_type=row.type,
            reason=row.reason or "",
            deliveries=row.deliveries,
            oldest_at=row.at,
            examples=tuple(examples.get((row.consumer, row.type, row.reason), ())),
        )
        for row in await db.all(counted)
    ]


def group_id(consumer: str, event_type: str, reason: str) -> str:
    """Name a group by what its deliveries have in common, so that it is the same one tomorrow."""
    return hashlib.sha256(f"{consumer}|{event_type}|{reason}".encode()).hexdigest()[:GROUP_ID_LETTERS]


async def delivery_shown(db: Transaction, ledger: Ledger, delivery_id: UUID) -> dict[str, Any] | None:
    """Give where a delivery of this instance stands and its timeline; None where there is none."""
    delivery, event, step = ledger.delivery, ledger.event, ledger.step
    standing = (
        select(delivery, event.c.type, event.c.subject, event.c.occurred_at)
        .join(event, event.c.id == delivery.c.event_id)
        .where(delivery.c.id == delivery_id, event.c.instance_id == db.instance_id)
    )
    row = await db.one_or_none(standing)
    if row is None:
        return None
    steps = select(step).where(step.c.delivery_id == delivery_id).order_by(step.c.at, step.c.id)
    published = {"at": row.occurred_at, "what": "published", "reason": None, "by": None}
    timeline = [published] + [
        {"at": one.at, "what": one.what, "reason": one.reason, "by": one.done_by}
        for one in await db.all(steps)
    ]
    if row.receipted_at:
        timeline.append({"at": row.receipted_at, "what": "receipted", "reason": None, "by": None})
    return {
        "delivery_id": row.id,
        "event_id": row.event_id,
        "event_type": row.type,
        "subject": row.subject,
        "consumer": row.consumer,
        "state": row.state,
        "rings": row.rings,
        "failures": row.failures,
        "next_ring_at": row.next_ring_at if row.state == DeliveryState.OPEN.value else None,
        "reason": row.reason,
        "timeline": timeline,
    }


async def retry(db: Transaction, ledger: Ledger, which: Which, deed: Deed) -> list[UUID]:
    """Open parked deliveries again, as if they had never been rung; give them, `AT_ONCE` at most.

    Its first ring is applied without counting; a delivery that kills its consumer once more is parked at
    the next. One that was left out can be opened again too, if it is named alone.
    """
    ids = await _chosen(db, ledger, which, also=DeliveryState.SKIPPED)
    anew = {"state": DeliveryState.OPEN.value, "rings": 0, "failures": 0, "next_ring_at": deed.at}
    await _change(db, ledger, ids, values=anew, what=Step.RETRIED, deed=deed)
    if ids:
        await db.ring()
        reached("replay.written")
    return ids


async def skip(db: Transaction, ledger: Ledger, which: Which, deed: Deed) -> list[UUID]:
    """Leave parked deliveries out for good, with the reason in their timelines; give them."""
    ids = await _chosen(db, ledger, which)
    left_out = {"state": DeliveryState.SKIPPED.value}
    await _change(db, ledger, ids, values=left_out, what=Step.SKIPPED, deed=deed)
    return ids


def _parked(db: Transaction, ledger: Ledger, *columns: ColumnElement[Any]) -> Select[Any]:
    delivery, event = ledger.delivery, ledger.event
    return (
        select(*columns)
        .select_from(delivery.join(event, event.c.id == delivery.c.event_id))
        .where(delivery.c.state == DeliveryState.PARKED.value, event.c.instance_id == db.instance_id)
    )


async def _chosen(
    db: Transaction, ledger: Ledger, which: Which, *, also: DeliveryState | None = None
) -> list[UUID]:
    delivery, event = ledger.delivery, ledger.event
    states = {DeliveryState.PARKED.value}
    wanted: ColumnElement[bool] = event.c.instance_id == db.instance_id
    if which.delivery_id:
        wanted = and_(wanted, delivery.c.id == which.delivery_id)
        states |= {also.value} if also else set()
    elif which.group:
        groups = {one.id: one for one in await parked_groups(db, ledger)}
        group = groups.get(which.group)
        if group is None:
            return []
        wanted = and_(
            wanted,
            delivery.c.consumer == group.consumer,
            event.c.type == group.event_type,
            func.coalesce(delivery.c.reason, "") == group.reason,
        )
    found = (
        select(delivery.c.id)
        .join(event, event.c.id == delivery.c.event_id)
        .where(delivery.c.state.in_(states), wanted)
        .order_by(delivery.c.id)
        .limit(AT_ONCE)
        # Another operator may be deciding on the same ones: then these are what is left.
        .with_for_update(of=delivery)
    )
    return [row.id for row in await db.all(found)]


async def _change(
    db: Transaction, ledger: Ledger, ids: Sequence[UUID], *, values: dict[str, Any], what: Step, deed: Deed
) -> None:
    if not ids:
        return
    delivery = ledger.delivery
    await db.execute(update(delivery).where(delivery.c.id.in_(ids)).values(**values))
    await note_steps(db.connection, ledger, ids, what=what, reason=deed.reason, at=deed.at, done_by=deed.by)
