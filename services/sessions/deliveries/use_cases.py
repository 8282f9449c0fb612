"""What can be done with deliveries of this service's ledger that were parked."""

from typing import Any
from uuid import UUID

from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import permit
from services.sessions.metadata import LEDGER, TRAIL
from shared.clock import Clock
from shared.database.audit import record_access, record_accesses
from shared.database.transactions import Database, Transaction
from shared.messaging.parked import Deed, Group, Which, delivery_shown, parked_groups, retry, skip
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, NotFoundProblem


async def read_parked(database: Database, identity: Identity) -> list[Group]:
    """Give what is parked, by reason; Super Admins only."""
    async with database.reading(identity.instance_id) as db:
        await permit(db, identity, Action.LOOK_AFTER_DELIVERIES)
        return await parked_groups(db, LEDGER)


async def read_delivery(
    database: Database, identity: Identity, delivery_id: UUID, *, clock: Clock
) -> dict[str, Any]:
    """Give where a delivery stands and how it came there; raises `NotFoundProblem`."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.LOOK_AFTER_DELIVERIES)
        shown = await delivery_shown(db, LEDGER, delivery_id)
        if shown is None:
            raise NotFoundProblem("There is no such delivery.")
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="delivery.read",
            subject=delivery_id,
        )
    return shown


async def retry_parked(database: Database, identity: Identity, which: Which, *, clock: Clock) -> list[UUID]:
    """Open parked deliveries again; raises `NotFoundProblem`, or `ConflictProblem` for one not parked."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.LOOK_AFTER_DELIVERIES)
        deed = Deed(by=f"user {identity.user_id}", reason=None, at=clock())
        ids = await retry(db, LEDGER, which, deed)
        await _require_done(db, which, ids)
        await _record(db, identity, ids, "delivery.retried", deed)
    return ids


async def skip_parked(
    database: Database, identity: Identity, which: Which, *, reason: str, clock: Clock
) -> list[UUID]:
    """Leave parked deliveries out for good. Raises as `retry_parked` does."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.LOOK_AFTER_DELIVERIES)
        deed = Deed(by=f"user {identity.user_id}", reason=reason, at=clock())
        ids = await skip(db, LEDGER, which, deed)
        await _require_done(db, which, ids)
        await _record(db, identity, ids, "delivery.skipped", deed)
    return ids


async def _require_done(db: Transaction, which: Which, ids: list[UUID]) -> None:
    if ids or which.delivery_id is None:
        return
    if await delivery_shown(db, LEDGER, which.delivery_id) is None:
        raise NotFoundProblem("There is no such delivery.")
    raise ConflictProblem("This delivery is not parked: there is nothing to decide.")


async def _record(db: Transaction, identity: Identity, ids: list[UUID], action: str, deed: Deed) -> None:
    await record_accesses(db, TRAIL, subjects=ids, at=deed.at, user_id=identity.user_id, action=action)
