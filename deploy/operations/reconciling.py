"""Databases that were restored to different hours: what can be repaired is, the rest is named.

Run while no worker, relay, pusher or API is: what it compares must stand still.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import MetaData, select

from deploy.operations.where import Where, ledger_of, tables_of
from services.billing_bridge import restored as billing
from services.printing.repository import RECORD
from services.sessions.documentation.reimporting import CannotReimportError, Copy, reimport
from shared.database.transactions import Database
from shared.events.catalogue import CONSUMERS
from shared.events.record import SessionRecord
from shared.messaging.ledger import opened
from shared.messaging.reconciling import (
    Subscription,
    applied_but_unpublished,
    receipted_but_unknown,
    reopen,
)
from shared.messaging.tables import Inbox

PUBLISHERS: Final[Mapping[str, str]] = {
    one.name: "printing" if one.name.startswith("printing.") else "sessions" for one in CONSUMERS
}
"""Which ledger owes to each consumer."""

HOLDS_DOCUMENTATIONS: Final[Mapping[str, str]] = {
    "charts": "chart_documentation",
    "billing_bridge": "documented_session",
    "printing": "documented_session",
}
"""Where each consumer remembers which documentations it has heard of."""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A documentation that consumers have and the sessions service does not."""

    session_id: UUID
    documentation_id: UUID
    held_by: tuple[str, ...]
    reason: str


@dataclass(kw_only=True)
class Reconciled:
    """What was found, what was done about it, and what is left for a person."""

    reopened: Counter[str] = field(default_factory=Counter)
    applied_again: int = 0
    doubted: int = 0
    unpublished: Counter[str] = field(default_factory=Counter)
    reimported: list[UUID] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)


async def reconcile(where: Where, *, restored: Collection[str], at: datetime) -> Reconciled:
    """Compare ledgers and inboxes both ways; `restored` names the services whose database is an older one."""
    found = Reconciled()
    async with where.databases() as databases:
        for consumer in PUBLISHERS:
            subscription = _subscription(consumer, databases)
            if consumer == billing.CONSUMER:
                await _restore_billing(subscription, found, restored=restored, at=at)
            else:
                await _reopen_what_is_unknown(subscription, found, at=at)
            strays = await applied_but_unpublished(subscription)
            if strays:
                found.unpublished[consumer] = len(strays)
        if "sessions" in restored:
            await _bring_back_what_was_signed(databases, found, at=at)
    return found


def _subscription(consumer: str, databases: Mapping[str, Database]) -> Subscription:
    publisher, subscriber = PUBLISHERS[consumer], consumer.partition(".")[0]
    ours = tables_of(subscriber).tables
    return Subscription(
        consumer=consumer,
        publisher=databases[publisher],
        ledger=ledger_of(publisher),
        subscriber=databases[subscriber],
        inbox=Inbox(applied=ours["inbox"], attempt=ours["inbox_attempt"]),
    )


async def _reopen_what_is_unknown(one: Subscription, found: Reconciled, *, at: datetime) -> None:
    async for page in receipted_but_unknown(one):
        if page:
            async with one.publisher.writing_for_all() as connection:
                await reopen(connection, one.ledger, [each.delivery.delivery_id for each in page], at=at)
            found.reopened[one.consumer] += len(page)


async def _restore_billing(
    one: Subscription, found: Reconciled, *, restored: Collection[str], at: datetime
) -> None:
    # Not by the relay: its charges would go out as new ones before anybody could doubt them.
    async for page in receipted_but_unknown(one, or_rung=billing.CONSUMER in restored):
        if page:
            deliveries = [each.delivery for each in await opened(one.publisher, page)]
            found.doubted += await billing.apply_again(one.subscriber, deliveries, now=at)
            found.applied_again += len(page)
    if billing.CONSUMER in restored:
        found.doubted += await billing.apply_again(one.subscriber, (), now=at)


async def _bring_back_what_was_signed(
    databases: Mapping[str, Database], found: Reconciled, *, at: datetime
) -> None:
    held = await _held(databases)
    copies = {one.record.documentation_id: one async for one in _copies(databases["printing"], held)}
    for documentation_id, (session_id, holders) in sorted(held.items()):
        reason = "No consumer has the whole record."
        if documentation_id in copies:
            try:
                await reimport(databases["sessions"], copies[documentation_id], now=at)
            except CannotReimportError as error:
                reason = str(error)
            else:
                found.reimported.append(session_id)
                continue
        found.lost.append(
            Lost(
                session_id=session_id,
                documentation_id=documentation_id,
                held_by=tuple(sorted(holders)),
                reason=reason,
            )
        )


async def _held(databases: Mapping[str, Database]) -> dict[UUID, tuple[UUID, list[str]]]:
    """Give the documentations that consumers have and the sessions service does not: session and holders."""
    known = {row.documentation_id async for row in _rows(databases, "sessions", "distributed_documentation")}
    held: dict[UUID, tuple[UUID, list[str]]] = {}
    for service, name in HOLDS_DOCUMENTATIONS.items():
        async for row in _rows(databases, service, name):
            if row.documentation_id not in known:
                held.setdefault(row.documentation_id, (row.session_id, []))[1].append(service)
    return held


async def _rows(databases: Mapping[str, Database], service: str, name: str) -> AsyncIterator[Any]:
    table = tables_of(service).tables[name]
    columns = [table.c[one] for one in ("documentation_id", "session_id") if one in table.c]
    async with databases[service].reading_for_all() as connection:
        async for row in await connection.stream(select(*columns)):
            yield row


async def _copies(printing: Database, wanted: Collection[UUID]) -> AsyncIterator[Copy]:
    metadata: MetaData = tables_of("printing")
    table = metadata.tables["documented_session"]
    # What was retracted since is void: nobody has to bring it back.
    whole = select(table).where(table.c.documentation_id.in_(wanted), table.c.version > 0)
    async with printing.reading_for_all() as connection:
        rows = [row for row in await connection.execute(whole) if row.record and not row.retracted]
    fields = await printing.fields_of({row.instance_id for row in rows})
    for row in rows:
        record = fields[row.instance_id].unseal(row.record, place=RECORD, row=row.documentation_id)
        yield Copy(instance_id=row.instance_id, record=SessionRecord.model_validate_json(record))
