"""What can be done with staff, patients and locations."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.sessions.directory.domain import (
    BothReviewFeaturesError,
    StaffMember,
    check_features,
)
from services.sessions.directory.passwords import hash_password, refuse_common
from services.sessions.directory.permissions import Action, is_super_admin, require
from services.sessions.directory.repository import (
    add_account,
    load_access,
    load_external,
    load_staff,
    load_super_admins,
    next_version_of_member,
    store,
    store_access,
)
from services.sessions.metadata import LEDGER, SERVICE, TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.dialects import take_turns
from shared.database.transactions import Database, Transaction
from shared.events.catalogue import STAFF_ACCESS_CHANGED
from shared.events.staff import ExternalSubject, Feature, Role, StaffAccess, StaffAccessChanged
from shared.identifiers import new_id
from shared.messaging.outbox import publish
from shared.web.bodies import etag_of
from shared.web.identity import Identity
from shared.web.preconditions import refuse_stale
from shared.web.problems import ConflictProblem, ForbiddenProblem

LAST_SUPER_ADMIN: Final = "An instance keeps an active Super Admin; make another one first."


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What a user may do from now on, and the version of the member of staff that shows it."""

    access: StaffAccess
    member_version: int


async def access_of(db: Transaction, identity: Identity) -> StaffAccess:
    """Give what the caller may do; raises `ForbiddenProblem` for one who is no active staff here."""
    access = (await load_access(db, [identity.user_id])).get(identity.user_id)
    if access is None or not access.active:
        raise ForbiddenProblem("You are not an active member of this instance's staff.")
    return access


async def permit(db: Transaction, identity: Identity, action: Action) -> StaffAccess:
    """Give what the caller may do, this action included, or raise `ForbiddenProblem` (PERM-8)."""
    access = await access_of(db, identity)
    require(access, action)
    return access


async def add_super_admin(
    db: Transaction,
    *,
    first_name: str,
    last_name: str,
    login: str | None,
    password: str,
    external: ExternalSubject | None = None,
    at: datetime,
) -> UUID:
    """Add the first user of an instance, who can add all others."""
    member = StaffMember(
        id=new_id(),
        npi=None,
        first_name=first_name,
        last_name=last_name,
        credentials=None,
        active=True,
        external_issuer=external.issuer if external else None,
        external_subject=external.subject if external else None,
    )
    await store(db, [member])
    if login is not None:
        password_hash = await hash_password(password)
        await add_account(db, user_id=member.id, login=login, password_hash=password_hash)
    access = StaffAccess(
        user_id=member.id, version=1, active=True, roles=frozenset({Role.SUPER_ADMIN}), features=frozenset()
    )
    await change_access(db, [access], at=at)
    return member.id


async def change_access(db: Transaction, members: Collection[StaffAccess], *, at: datetime) -> None:
    """Write what users may do, and tell the other services.

    Every change comes through here: raises `ConflictProblem` for both review features on one user (PERM-6),
    and when an instance would lose its last Super Admin, for nobody could ever make another.
    """
    if not members:
        return
    for member in members:
        _require_one_review_feature(member)
    before = await load_access(db, [member.user_id for member in members])
    await store_access(db, list(members))
    if any(is_super_admin(one) for one in before.values()) and not await load_super_admins(db):
        raise ConflictProblem(LAST_SUPER_ADMIN)
    external = await load_external(db, [member.user_id for member in members])
    told = tuple(one.model_copy(update={"external": external.get(one.user_id)}) for one in members)
    await publish(
        db,
        LEDGER,
        source=SERVICE,
        event_type=STAFF_ACCESS_CHANGED,
        subject=db.instance_id,
        facts=StaffAccessChanged(members=told),
        at=at,
    )


async def permit_staffing(db: Transaction, identity: Identity) -> None:
    """Let who may manage the directory pass, one after the other, or raise `ForbiddenProblem`.

    Two Super Admins who take the role from each other at once must not both succeed.
    """
    await permit(db, identity, Action.MANAGE_DIRECTORY)
    await take_turns(db.connection, [db.instance_id])


def _require_one_review_feature(member: StaffAccess) -> None:
    try:
        check_features(member.features)
    except BothReviewFeaturesError:
        raise ConflictProblem(
            "Requires Group Session Review and Review Group Sessions are never both one user's."
        ) from None


async def grant_access(
    database: Database,
    identity: Identity,
    user_id: UUID,
    *,
    roles: Iterable[Role],
    features: Iterable[Feature],
    if_match: str | None = None,
    clock: Clock,
) -> Granted:
    """Set a user's roles and features; raises `ConflictProblem` for both review features (PERM-6).

    It is a new version of the member too, who is shown with them; raises `StaleProblem` when `if_match`
    names another than the one of now.
    """
    async with database.writing(identity.instance_id) as db:
        await permit_staffing(db, identity)
        # Two changes at once must not get one version: of two such, services keep whichever comes first.
        member = (await load_staff(db, [user_id], for_change=True))[user_id]
        version = await next_version_of_member(db, user_id)
        refuse_stale(if_match, etag_of(version - 1))
        before = (await load_access(db, [user_id])).get(user_id)
        access = StaffAccess(
            user_id=user_id,
            version=before.version + 1 if before else 1,
            active=member.active,
            roles=frozenset(roles),
            features=frozenset(features),
        )
        await change_access(db, [access], at=clock())
        await record_access(
            db, TRAIL, at=clock(), user_id=identity.user_id, action="staff.access_granted", subject=user_id
        )
    return Granted(access=access, member_version=version)


async def set_login(
    database: Database, identity: Identity, user_id: UUID, *, login: str, password: str, clock: Clock
) -> None:
    """Give a member of staff a login of the built-in issuer; raises `InvalidProblem` for a bad password."""
    refuse_common(password, login=login)
    # Before the transaction: hashing is slow on purpose, and others wait for the database's lock.
    password_hash = await hash_password(password)
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        await load_staff(db, [user_id])
        await add_account(db, user_id=user_id, login=login, password_hash=password_hash)
        await record_access(
            db, TRAIL, at=clock(), user_id=identity.user_id, action="staff.login_set", subject=user_id
        )
