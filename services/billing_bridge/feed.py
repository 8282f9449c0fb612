"""The feed of changed charges: for the other side's own check, without a gap.

A number taken inside of a transaction can become visible after a higher one, and who has read the higher
one misses it. So a change takes its charge's number away, and what is committed is numbered here, by one
transaction of an instance at a time. Who reads on from the last number meets every charge after its last
change; one that changes again meanwhile is met once, as it stands then.
"""

from typing import Any, Final

from sqlalchemy import bindparam, update

from services.billing_bridge.models import charge_feed, charge_status
from shared.database.dialects import upsert
from shared.database.transactions import Transaction

NUMBERED_AT_MOST: Final = 1000


async def number_changes(db: Transaction) -> None:
    """Number what has changed and is committed, a page at most of those that nobody holds right now."""
    first = upsert(db.connection, charge_feed, {"instance_id": db.instance_id, "last": 0})
    await db.execute(first.on_conflict_do_nothing())
    counter = db.rows_of(charge_feed, charge_feed.c.last).with_for_update()
    last = (await db.execute(counter)).scalar_one()
    changed = (
        db.rows_of(charge_status, charge_status.c.charge_id)
        .where(charge_status.c.feed_number.is_(None))
        .order_by(charge_status.c.changed_at, charge_status.c.charge_id)
        .limit(NUMBERED_AT_MOST)
        # A locked one is changing: it is numbered after that.
        .with_for_update(skip_locked=True)
    )
    charge_ids = (await db.execute(changed)).scalars().all()
    if charge_ids:
        await db.execute(_NUMBER, _numbered(charge_ids, last))
        await db.execute(
            update(charge_feed)
            .where(charge_feed.c.instance_id == db.instance_id)
            .values(last=last + len(charge_ids))
        )


_NUMBER: Final = (
    update(charge_status)
    .where(charge_status.c.charge_id == bindparam("of_charge"))
    .values(feed_number=bindparam("number"))
)


def _numbered(charge_ids: Any, last: int) -> list[dict[str, Any]]:
    numbered = enumerate(charge_ids, start=last + 1)
    return [{"of_charge": charge_id, "number": number} for number, charge_id in numbered]
