"""Emergency access: opened by whoever needs it, told to those who look after records, reviewed by them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Select, insert, update

from services.sessions.directory.permissions import Action, may
from services.sessions.directory.repository import load_patients
from services.sessions.directory.use_cases import access_of, permit
from services.sessions.emergency.models import EMERGENCY_ACCESS
from services.sessions.metadata import LEDGER, SERVICE, TRAIL
from services.sessions.sealed_columns import EMERGENCIES
from shared.clock import Clock
from shared.database.audit import record_access, record_access_to
from shared.database.transactions import Database, Transaction
from shared.events.catalogue import EMERGENCY_ACCESS_ENDED, EMERGENCY_ACCESS_OPENED
from shared.events.emergency import EmergencyAccess
from shared.identifiers import new_id
from shared.messaging.outbox import publish
from shared.web.cursors import Page, past
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, ForbiddenProblem, NotFoundProblem

SHOWN = tuple(column for column in EMERGENCY_ACCESS.c if column.name != "instance_id")

log = structlog.get_logger()


async def open_access(
    database: Database, identity: Identity, *, patient_id: UUID, reason: str, lasts: timedelta, clock: Clock
) -> dict[str, Any]:
    """Let the caller, who may be any member of staff, read one patient's chart for a while.

    Raises `ForbiddenProblem` for one who is not on the staff, or `NotFoundProblem`.
    """
    now = clock()
    async with database.writing(identity.instance_id) as db:
        await access_of(db, identity)
        await load_patients(db, [patient_id])
        row = {
            "id": new_id(),
            "user_id": identity.user_id,
            "patient_id": patient_id,
            "reason": reason,
            "opened_at": now,
            "until": now + lasts,
        }
        sealed = EMERGENCIES.sealed(db.fields, row)
        await db.execute(insert(EMERGENCY_ACCESS).values(instance_id=db.instance_id, **sealed))
        await _tell(db, EMERGENCY_ACCESS_OPENED, row, at=now)
        await _record(db, identity, "emergency.opened", row, at=now)
    log.warning("Emergency access was opened.", code="emergency.opened", user_id=str(identity.user_id))
    return row | {"reviewed_by": None, "reviewed_at": None}


async def end_access(database: Database, identity: Identity, access_id: UUID, *, clock: Clock) -> None:
    """End it early: whoever opened it, or an admin. One that is over stays as it is."""
    now = clock()
    async with database.writing(identity.instance_id) as db:
        row = await _one(db, identity, access_id)
        if now < row["until"]:
            await _change(db, access_id, until=now)
            await _tell(db, EMERGENCY_ACCESS_ENDED, row | {"until": now}, at=now)
            await _record(db, identity, "emergency.ended", row, at=now)


async def review_access(database: Database, identity: Identity, access_id: UUID, *, clock: Clock) -> None:
    """Mark it reviewed; raises `ForbiddenProblem` for one's own, or `ConflictProblem` the second time."""
    now = clock()
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.REVIEW_EMERGENCIES)
        row = await _one(db, identity, access_id)
        if row["user_id"] == identity.user_id:
            raise ForbiddenProblem("Somebody else has to review your emergency access.")
        if row["reviewed_at"] is not None:
            raise ConflictProblem("It was reviewed already.")
        await _change(db, access_id, reviewed_by=identity.user_id, reviewed_at=now)
        await _record(db, identity, "emergency.reviewed", row, at=now)


async def list_accesses(
    database: Database,
    identity: Identity,
    *,
    reviewed: bool | None,
    cursor: str | None,
    limit: int,
    clock: Clock,
) -> Page:
    """Give all of them to admins, and to others their own, newest first."""
    async with database.writing(identity.instance_id) as db:
        statement = await _visible(db, identity)
        if reviewed is not None:
            at = EMERGENCY_ACCESS.c.reviewed_at
            statement = statement.where(at.is_not(None) if reviewed else at.is_(None))
        if cursor is not None:
            statement = statement.where(past(cursor, (EMERGENCY_ACCESS.c.id,), descending=True))
        found = await db.records(statement.order_by(EMERGENCY_ACCESS.c.id.desc()).limit(limit + 1))
        rows = [EMERGENCIES.opened(db.fields, row) for row in found]
        await record_access_to(
            db,
            TRAIL,
            patient_ids={row["patient_id"] for row in rows[:limit]},
            at=clock(),
            user_id=identity.user_id,
            action="emergency.listed",
            subject=identity.instance_id,
        )
    return Page.of(rows, limit=limit, keys=("id",))


async def _visible(db: Transaction, identity: Identity) -> Select[Any]:
    access = await access_of(db, identity)
    rows = db.rows_of(EMERGENCY_ACCESS, *SHOWN)
    if may(access, Action.REVIEW_EMERGENCIES):
        return rows
    return rows.where(EMERGENCY_ACCESS.c.user_id == identity.user_id)


async def _one(db: Transaction, identity: Identity, access_id: UUID) -> dict[str, Any]:
    visible = await _visible(db, identity)
    found = await db.records(visible.where(EMERGENCY_ACCESS.c.id == access_id).with_for_update())
    if not found:
        raise NotFoundProblem("There is no such emergency access.")
    return found[0]


async def _change(db: Transaction, access_id: UUID, **values: Any) -> None:
    mine = (EMERGENCY_ACCESS.c.id == access_id) & (EMERGENCY_ACCESS.c.instance_id == db.instance_id)
    await db.execute(update(EMERGENCY_ACCESS).where(mine).values(**values))


async def _tell(db: Transaction, event_type: str, row: Mapping[str, Any], *, at: datetime) -> None:
    facts = EmergencyAccess(
        access_id=row["id"], user_id=row["user_id"], patient_id=row["patient_id"], until=row["until"]
    )
    await publish(db, LEDGER, source=SERVICE, event_type=event_type, subject=row["id"], facts=facts, at=at)


async def _record(
    db: Transaction, identity: Identity, action: str, row: Mapping[str, Any], *, at: datetime
) -> None:
    await record_access(
        db,
        TRAIL,
        at=at,
        user_id=identity.user_id,
        action=action,
        subject=row["id"],
        patient_id=row["patient_id"],
    )
