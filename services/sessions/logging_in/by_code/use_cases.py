"""Front ends of an instance: Super Admins say which programs people may log in from."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, update

from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import permit
from services.sessions.logging_in.by_code.models import FRONT_END
from services.sessions.logging_in.models import LOG_IN
from services.sessions.logging_in.repository import end
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.problems import NotFoundProblem

SHOWN: Final = tuple(FRONT_END.c[name] for name in ("id", "name", "redirect_uris", "created_at", "ended_at"))


async def list_front_ends(database: Database, identity: Identity) -> list[dict[str, Any]]:
    """Give all front ends of the instance, newest first; Super Admins only."""
    async with database.reading(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        return await db.records(db.rows_of(FRONT_END, *SHOWN).order_by(FRONT_END.c.id.desc()))


async def add_front_end(
    database: Database, identity: Identity, wanted: Mapping[str, Any], *, clock: Clock
) -> dict[str, Any]:
    """Add one; Super Admins only."""
    row = {"id": new_id(), **wanted, "created_at": clock(), "ended_at": None}
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        await db.execute(insert(FRONT_END).values(instance_id=db.instance_id, **row))
        await record_access(
            db,
            TRAIL,
            at=row["created_at"],
            user_id=identity.user_id,
            action="front_end.added",
            subject=row["id"],
        )
    return row


async def end_front_end(database: Database, identity: Identity, front_end_id: UUID, *, clock: Clock) -> None:
    """End one for good, and all log-ins from it; Super Admins only.

    Raises `NotFoundProblem`; one that has ended stays so.
    """
    now = clock()
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        this = (FRONT_END.c.id == front_end_id) & (FRONT_END.c.instance_id == db.instance_id)
        if not await db.all(db.rows_of(FRONT_END, FRONT_END.c.id).where(this)):
            raise NotFoundProblem("There is no such front end.")
        going_on = this & FRONT_END.c.ended_at.is_(None)
        if (await db.execute(update(FRONT_END).where(going_on).values(ended_at=now))).rowcount:
            await end(db, LOG_IN.c.front_end_id == front_end_id, at=now)
            await record_access(
                db, TRAIL, at=now, user_id=identity.user_id, action="front_end.ended", subject=front_end_id
            )
