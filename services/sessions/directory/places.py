"""What can be done with locations."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from services.sessions.directory.models import LOCATION
from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import access_of, permit
from services.sessions.directory.versioned import add, change, lock, one
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.web.identity import Identity

TAKEN: Final = "There is such a location already."


async def read_location(database: Database, identity: Identity, location_id: UUID) -> dict[str, Any]:
    """Give a location; raises `NotFoundProblem`."""
    async with database.reading(identity.instance_id) as db:
        await access_of(db, identity)
        return await one(db, LOCATION, location_id)


async def add_location(
    database: Database, identity: Identity, values: Mapping[str, Any], *, clock: Clock
) -> dict[str, Any]:
    """Add a location."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        facts = {"id": new_id(), "organization_id": None, **values}
        location = await add(db, LOCATION, facts, taken=TAKEN)
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="location.added",
            subject=location["id"],
        )
    return location


async def change_location(
    database: Database,
    identity: Identity,
    location_id: UUID,
    changes: Mapping[str, Any],
    *,
    if_match: str | None,
    clock: Clock,
) -> dict[str, Any]:
    """Rename a location, or move it to another time zone; raises `NotFoundProblem` or `StaleProblem`."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        before = await lock(db, LOCATION, location_id)
        location = await change(db, LOCATION, before, changes, if_match=if_match, taken=TAKEN)
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="location.changed",
            subject=location_id,
        )
    return location
