"""What every Celery worker does with a sealed message: open it, run it on one event loop, answer."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

import structlog
from celery import Celery
from pydantic import ValidationError
from sqlalchemy import Table

from shared.clock import Clock, now_utc
from shared.database.audit import NO_INSTANCE, Outcome, record_access
from shared.database.transactions import Database
from shared.failpoints import reached
from shared.messaging.broker import Broker, Outgoing
from shared.messaging.ledger import record_receipts
from shared.messaging.messages import DELIVER_TASK, RECEIPTS_TASK, Message, Parcel, Receipt, Receipts
from shared.messaging.sealing import KeyRing, UnsealableError
from shared.messaging.tables import Ledger
from shared.observability.metrics import MESSAGES_REFUSED

log = structlog.get_logger()

MessageT = TypeVar("MessageT", bound=Message)

Run = Callable[[Coroutine[Any, Any, Any]], Any]

Refused = Callable[[str], Awaitable[None]]
"""Writes down that a message was refused, which had come for the purpose given."""


class Receiving(Protocol):
    """A consumer: `Consuming`, or one whose work does not fit into a transaction."""

    async def receive(self, parcel: Parcel) -> list[Receipt]:
        """Apply every delivery once; give a receipt for each, never raise."""


def serve_deliveries(
    application: Celery, run: Run, *, consuming: Receiving, keys: KeyRing, broker: Broker, refused: Refused
) -> None:
    """Register the task that applies parcels and sends their receipts."""

    async def deliver(sealed: str) -> None:
        parcel = await _open(keys, sealed, Parcel, DELIVER_TASK, refused)
        if parcel is not None:
            reached("worker.received")
            receipts = Receipts(receipts=tuple(await consuming.receive(parcel)))
            reached("worker.applied")
            answer = keys.seal(receipts.model_dump(mode="json"), purpose=RECEIPTS_TASK)
            # Sent after the commit. Lost? Then the delivery is rung again and the inbox answers.
            broker.send([Outgoing(queue=parcel.receipts_to, task=RECEIPTS_TASK, sealed=answer)])
            reached("worker.answered")

    # Celery would share it with every application of this process, other services' too.
    @application.task(name=DELIVER_TASK, shared=False)
    def deliver_task(sealed: str) -> None:
        run(deliver(sealed))


def serve_receipts(
    application: Celery,
    run: Run,
    *,
    database: Database,
    ledger: Ledger,
    keys: KeyRing,
    refused: Refused,
    clock: Clock = now_utc,
) -> None:
    """Register the task that writes receipts into the ledger."""

    async def take(sealed: str) -> None:
        content = await _open(keys, sealed, Receipts, RECEIPTS_TASK, refused)
        if content is not None:
            reached("receipts.received")
            async with database.writing_for_all() as connection:
                await record_receipts(connection, ledger, content.receipts, now=clock())
                reached("receipts.written")
            reached("receipts.recorded")

    @application.task(name=RECEIPTS_TASK, shared=False)
    def take_task(sealed: str) -> None:
        run(take(sealed))


def in_trail(database: Database, trail: Table, *, clock: Clock = now_utc) -> Refused:
    """Write refused messages into the audit trail; nobody knows who sent them, or whose they are (PERM-8)."""

    async def refused(purpose: str) -> None:
        async with database.writing(NO_INSTANCE) as db:
            await record_access(
                db,
                trail,
                at=clock(),
                user_id=None,
                action="message.taken",
                subject=purpose,
                outcome=Outcome.REFUSED,
            )

    return refused


async def _open(
    keys: KeyRing, sealed: str, model: type[MessageT], purpose: str, refused: Refused
) -> MessageT | None:
    # A refused message is dropped: what we sent ourselves is still owed, and is rung again.
    try:
        return model.model_validate(keys.unseal(sealed, purpose=purpose))
    except (UnsealableError, ValidationError, TypeError, AttributeError):
        MESSAGES_REFUSED.inc()
        log.warning("A message that we did not seal was refused.", code="message.refused", purpose=purpose)
        await refused(purpose)
        return None
