"""What can be done with members of staff, beside what they may do (`use_cases`)."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from services.sessions.directory.models import STAFF_MEMBER
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_access, staff_ids_by_npi
from services.sessions.directory.use_cases import access_of, change_access, permit, permit_staffing
from services.sessions.directory.versioned import add, change, lock, one
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem

TAKEN: Final = "Another member of staff has this NPI."
TOLD: Final = ("active", "external_issuer", "external_subject")
"""What other services have to know of a member of staff."""
KNOWN: Final = "The issuer's subject belongs to another member of staff."


async def read_member(database: Database, identity: Identity, user_id: UUID) -> dict[str, Any]:
    """Give a member of staff, with what they may do; raises `NotFoundProblem`."""
    async with database.reading(identity.instance_id) as db:
        await access_of(db, identity)
        member = await one(db, STAFF_MEMBER, user_id)
        return member | await _access(db, user_id)


async def add_member(
    database: Database, identity: Identity, values: Mapping[str, Any], *, issuer: str, clock: Clock
) -> dict[str, Any]:
    """Add a member of staff who may do nothing yet.

    Raises `ConflictProblem` for an NPI, or a subject of the issuer, that is another's.
    """
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        await _require_free_npi(db, values.get("npi"), user_id=None)
        member = await add(db, STAFF_MEMBER, {"id": new_id(), **_with_issuer(values, issuer)}, taken=KNOWN)
        await _record(db, identity, "staff.added", member["id"], clock)
    return member | {"roles": None, "features": None}


async def change_member(
    database: Database,
    identity: Identity,
    user_id: UUID,
    changes: Mapping[str, Any],
    *,
    issuer: str,
    if_match: str | None,
    clock: Clock,
) -> dict[str, Any]:
    """Change a member of staff; who is not active any more loses all access, everywhere, at once.

    Raises `NotFoundProblem`, `StaleProblem`, or `ConflictProblem` for an NPI, or a subject of the issuer,
    that is another's.
    """
    changes = _with_issuer(changes, issuer)
    async with database.writing(identity.instance_id) as db:
        await permit_staffing(db, identity)
        before = await lock(db, STAFF_MEMBER, user_id)
        await _require_free_npi(db, changes.get("npi"), user_id=user_id)
        member = await change(db, STAFF_MEMBER, before, changes, if_match=if_match, taken=KNOWN)
        if any(member[name] != before[name] for name in TOLD):
            await _follow_standing(db, user_id, active=member["active"], clock=clock)
        await _record(db, identity, "staff.changed", user_id, clock)
        return member | await _access(db, user_id)


async def _follow_standing(db: Transaction, user_id: UUID, *, active: bool, clock: Clock) -> None:
    known = (await load_access(db, [user_id])).get(user_id)
    if known is not None:
        access = known.model_copy(update={"version": known.version + 1, "active": active})
        await change_access(db, [access], at=clock())


def _with_issuer(values: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """A subject is its issuer's: another issuer's of the same text is another's."""
    if "external_subject" not in values:
        return dict(values)
    return {**values, "external_issuer": issuer if values["external_subject"] else None}


async def _require_free_npi(db: Transaction, npi: str | None, *, user_id: UUID | None) -> None:
    owners = await staff_ids_by_npi(db, [npi]) if npi else {}
    if set(owners.values()) - {user_id}:
        raise ConflictProblem(TAKEN, errors=[{"pointer": "#/npi", "detail": "is another's"}])


async def _access(db: Transaction, user_id: UUID) -> dict[str, Any]:
    access = (await load_access(db, [user_id])).get(user_id)
    if access is None:
        return {"roles": None, "features": None}
    return {"roles": sorted(access.roles), "features": sorted(access.features)}


async def _record(db: Transaction, identity: Identity, action: str, user_id: UUID, clock: Clock) -> None:
    await record_access(db, TRAIL, at=clock(), user_id=identity.user_id, action=action, subject=user_id)
