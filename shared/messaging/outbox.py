"""Publishing: an event and its deliveries are rows of the transaction that they tell of."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from shared.database.bulk import insert_new
from shared.database.transactions import Transaction
from shared.events.catalogue import subscribers
from shared.events.contract import Contract
from shared.events.envelope import envelope_of
from shared.identifiers import new_id
from shared.messaging.tables import EVENT_BODY, DeliveryState, Ledger
from shared.observability.tracing import traceparent


async def publish(
    db: Transaction,
    ledger: Ledger,
    *,
    source: str,
    event_type: str,
    subject: UUID,
    facts: Contract,
    at: datetime,
) -> UUID:
    """Add an event, and one open delivery for each subscriber; give the event's id.

    The relay is woken by the commit. Nothing is sent when the transaction is rolled back.
    """
    (event_id,) = await publish_all(
        db, ledger, source=source, event_type=event_type, facts={subject: facts}, at=at
    )
    return event_id


async def publish_all(
    db: Transaction,
    ledger: Ledger,
    *,
    source: str,
    event_type: str,
    facts: Mapping[UUID, Contract],
    at: datetime,
) -> list[UUID]:
    """Add an event of one type for each subject, set-based, as `publish` does for one."""
    envelopes = [
        envelope_of(type(one))(
            id=new_id(),
            source=f"/services/{source}",
            type=event_type,
            subject=str(subject),
            time=at,
            instanceid=db.instance_id,
            traceparent=traceparent(),
            data=one,
        )
        for subject, one in facts.items()
    ]
    events = [
        {
            "id": envelope.id,
            "instance_id": db.instance_id,
            "type": event_type,
            "subject": envelope.subject,
            "occurred_at": at,
            "body": db.fields.seal(envelope.model_dump_json(), place=EVENT_BODY, row=envelope.id),
        }
        for envelope in envelopes
    ]
    owed = [_owed(one.id, name, at) for one in envelopes for name in subscribers(event_type)]
    await insert_new(db.connection, ledger.event, events)
    await insert_new(db.connection, ledger.delivery, owed)
    if owed:
        await db.ring()
    return [one.id for one in envelopes]


def _owed(event_id: UUID, consumer: str, at: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "event_id": event_id,
        "consumer": consumer,
        "state": DeliveryState.OPEN.value,
        "rings": 0,
        "failures": 0,
        "next_ring_at": at,
    }
