"""After this service's database was restored: what may have been pushed since is never just pushed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select

from services.billing_bridge.claims import standing_of
from services.billing_bridge.consumers import HANDLERS
from services.billing_bridge.models import charge_status, connection, inbox
from services.billing_bridge.outcomes import Outcome, Receiver, Status, Verdict
from services.billing_bridge.places import at_its_connection
from services.billing_bridge.repository import stand
from shared.database.transactions import Database, WideTransaction
from shared.events.catalogue import parse
from shared.messaging.consuming import by_type
from shared.messaging.inbox import mark_applied
from shared.messaging.messages import Delivery

CONSUMER: Final = "billing_bridge"
LOST: Final = Outcome(
    verdict=Verdict.UNKNOWN,
    reason="The database was restored from a backup: this may have been pushed since it was made.",
)


async def apply_again(database: Database, deliveries: Sequence[Delivery], *, now: datetime) -> int:
    """Apply events again that were applied before the restore; give how many charges are doubted now.

    In one transaction with the doubt, so that no pusher ever sees their charges as new ones. Whatever was
    pending or under way in the backup is doubted too. What is doubted is looked up, sent again under its key,
    or shown to a person, as its connection allows (BILL-5).
    """
    events = {one.event_id: parse(one.body, one.type) for one in deliveries}
    async with database.reading_for_all() as connection:
        instances = set((await connection.execute(_WITH_UNFINISHED)).scalars())
    async with database.writing_for(instances | {event.instanceid for event in events.values()}) as db:
        new = await mark_applied(db.connection, inbox, CONSUMER, events, at=now) if events else set()
        for event_type, envelopes in by_type(events[event_id] for event_id in new):
            await HANDLERS[event_type](db, envelopes)
        return await _doubt_unfinished(db, now=now)


_IS_UNFINISHED: Final = charge_status.c.status.in_((Status.PENDING.value, Status.SENT.value))
_WITH_UNFINISHED: Final = select(charge_status.c.instance_id).distinct().where(_IS_UNFINISHED)


async def _doubt_unfinished(db: WideTransaction, *, now: datetime) -> int:
    unfinished = (
        select(charge_status, connection.c.deduplicates, connection.c.looks_up)
        .join(connection, at_its_connection, isouter=True)
        .where(_IS_UNFINISHED)
        .with_for_update(of=charge_status)
    )
    rows = (await db.connection.execute(unfinished)).mappings().all()
    standings = {
        row["charge_id"]: standing_of(
            row,
            LOST,
            receiver=Receiver(deduplicates=bool(row["deduplicates"]), looks_up=bool(row["looks_up"])),
            looked_up=False,
            now=now,
            chance=0,
        )
        for row in rows
    }
    await stand(db, standings, rows, now=now)
    return len(rows)
