"""Accounts of other systems: they read what their scopes say, and nothing else.

This service has no scope at all, so that here they are nobody. The others hear of them as they hear of staff.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, update

from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import staff_ids_by_subject
from services.sessions.directory.use_cases import permit, permit_staffing
from services.sessions.metadata import LEDGER, SERVICE, TRAIL
from services.sessions.service_accounts.models import SERVICE_ACCOUNT
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.events.catalogue import STAFF_ACCESS_CHANGED
from shared.events.staff import ExternalSubject, Scope, StaffAccess, StaffAccessChanged
from shared.identifiers import new_id
from shared.messaging.outbox import publish
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, NotFoundProblem

SHOWN: Final = tuple(
    SERVICE_ACCOUNT.c[name] for name in ("id", "name", "scopes", "external_subject", "created_at", "ended_at")
)


async def list_accounts(database: Database, identity: Identity) -> list[dict[str, Any]]:
    """Give all service accounts of the instance, newest first; Super Admins only."""
    async with database.reading(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        return await db.records(db.rows_of(SERVICE_ACCOUNT, *SHOWN).order_by(SERVICE_ACCOUNT.c.id.desc()))


async def add_account(
    database: Database, identity: Identity, wanted: Mapping[str, Any], *, issuer: str, clock: Clock
) -> dict[str, Any]:
    """Add one; Super Admins only. Raises `ConflictProblem` where the issuer's name is somebody else's."""
    subject, now = wanted["external_subject"], clock()
    row = {
        "id": new_id(),
        "name": wanted["name"],
        "scopes": sorted(wanted["scopes"]),
        "public_key": wanted["public_key"],
        "external_issuer": issuer if subject else None,
        "external_subject": subject,
        "version": 1,
        "created_at": now,
        "ended_at": None,
    }
    async with database.writing(identity.instance_id) as db:
        # One after the other: two at once must not both find the issuer's name free.
        await permit_staffing(db, identity)
        if subject:
            await _require_free(db, issuer, subject)
        await db.execute(insert(SERVICE_ACCOUNT).values(instance_id=db.instance_id, **row))
        await _tell(db, row, at=now)
        await _record(db, identity, "service_account.added", row["id"], at=now)
    # A column is named by a subclass of str, which orjson takes for no key.
    return {name: row[name] for name in (str(column.name) for column in SHOWN)}


async def end_account(database: Database, identity: Identity, account_id: UUID, *, clock: Clock) -> None:
    """End one for good; Super Admins only. Raises `NotFoundProblem`; one that has ended stays so."""
    now = clock()
    async with database.writing(identity.instance_id) as db:
        await permit_staffing(db, identity)
        found = await db.records(db.rows_of(SERVICE_ACCOUNT).where(SERVICE_ACCOUNT.c.id == account_id))
        if not found:
            raise NotFoundProblem("There is no such service account.")
        if found[0]["ended_at"] is None:
            ended = {"ended_at": now, "version": found[0]["version"] + 1}
            mine = (SERVICE_ACCOUNT.c.id == account_id) & (SERVICE_ACCOUNT.c.instance_id == db.instance_id)
            await db.execute(update(SERVICE_ACCOUNT).where(mine).values(**ended))
            await _tell(db, found[0] | ended, at=now)
            await _record(db, identity, "service_account.ended", account_id, at=now)


async def _require_free(db: Transaction, issuer: str, subject: str) -> None:
    table = SERVICE_ACCOUNT
    accounts = db.rows_of(table, table.c.id).where(
        table.c.external_issuer == issuer, table.c.external_subject == subject, table.c.ended_at.is_(None)
    )
    if await staff_ids_by_subject(db, issuer, [subject]) or await db.all(accounts):
        raise ConflictProblem("The issuer's subject belongs to another account, or to a member of staff.")


async def _tell(db: Transaction, row: Mapping[str, Any], *, at: Any) -> None:
    subject = row["external_subject"]
    access = StaffAccess(
        user_id=row["id"],
        version=row["version"],
        active=row["ended_at"] is None,
        roles=frozenset(),
        features=frozenset(),
        scopes=frozenset(Scope(one) for one in row["scopes"]),
        external=ExternalSubject(issuer=row["external_issuer"], subject=subject) if subject else None,
    )
    await publish(
        db,
        LEDGER,
        source=SERVICE,
        event_type=STAFF_ACCESS_CHANGED,
        subject=db.instance_id,
        facts=StaffAccessChanged(members=(access,)),
        at=at,
    )


async def _record(db: Transaction, identity: Identity, action: str, account_id: Any, *, at: Any) -> None:
    await record_access(db, TRAIL, at=at, user_id=identity.user_id, action=action, subject=account_id)
