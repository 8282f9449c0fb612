"""What staff may do, as services beside the directory keep it from the directory's events."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, Column, Index, Integer, MetaData, String, Table, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.events.envelope import Envelope
from shared.events.staff import Feature, Role, Scope, StaffAccess, StaffAccessChanged
from shared.web.problems import ForbiddenProblem


def staff_access_table(metadata: MetaData) -> Table:
    """Add what staff may do to a service's tables."""
    return Table(
        "staff_access",
        metadata,
        Column("user_id", Uuid, primary_key=True),
        Column("instance_id", Uuid, nullable=False),
        Column("version", Integer, nullable=False),
        Column("active", Boolean, nullable=False),
        Column("roles", JSON, nullable=False),
        Column("features", JSON, nullable=False),
        Column("scopes", JSON),  # NULL: of before there were any
        Column("external_issuer", String(200)),
        Column("external_subject", String(255)),
        Index("ix_staff_access_external_subject", "external_subject"),
    )


async def keep_staff_access(
    connection: AsyncConnection, table: Table, envelopes: Sequence[Envelope[StaffAccessChanged]]
) -> None:
    """Apply changes of staff access; of two versions the newer one stays, whichever came first."""
    newest: dict[UUID, dict[str, Any]] = {}
    for envelope in envelopes:
        for member in envelope.data.members:
            known = newest.get(member.user_id)
            if known is None or known["version"] < member.version:
                newest[member.user_id] = _row(envelope.instanceid, member)
    if not newest:
        return
    example = next(iter(newest.values()))
    statement = upsert(connection, table, example)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["user_id"],
        set_={name: new[name] for name in example if name not in {"user_id", "instance_id"}},
        where=table.c.version < new.version,
    )
    await connection.execute(statement, list(newest.values()))


def _row(instance_id: UUID, member: StaffAccess) -> dict[str, Any]:
    return {
        "user_id": member.user_id,
        "instance_id": instance_id,
        "version": member.version,
        "active": member.active,
        "roles": sorted(member.roles),
        "features": sorted(member.features),
        "scopes": sorted(member.scopes),
        "external_issuer": member.external.issuer if member.external else None,
        "external_subject": member.external.subject if member.external else None,
    }


async def staff_access(
    db: Transaction, table: Table, user_id: UUID, *, scope: Scope | None = None
) -> StaffAccess:
    """Tell what a user may do here; raises `ForbiddenProblem` for one that is not known or not active.

    A service account is refused but where a `scope` is enough that it has: with nothing said, everywhere.
    """
    row = await db.one_or_none(db.rows_of(table).where(table.c.user_id == user_id))
    if row is None or not row.active:
        raise ForbiddenProblem("You are not an active member of this instance's staff.")
    if row.scopes and scope not in row.scopes:
        raise ForbiddenProblem(f"This needs the scope {scope}." if scope else "No scope is enough for this.")
    return StaffAccess(
        user_id=row.user_id,
        version=row.version,
        active=row.active,
        roles=frozenset(Role(role) for role in row.roles),
        features=frozenset(Feature(feature) for feature in row.features),
        scopes=frozenset(Scope(one) for one in row.scopes or ()),
    )


def require_any(
    access: StaffAccess,
    *,
    roles: frozenset[Role],
    features: frozenset[Feature] = frozenset(),
    scope: Scope | None = None,
) -> None:
    """Let a user with one of the roles or features pass; the refusal names what is missing (PERM-8).

    For service accounts the `scope` is enough, where there is one.
    """
    if not (access.roles & roles or access.features & features or scope in access.scopes):
        names = ", ".join(sorted([*roles, *features]))
        raise ForbiddenProblem(f"This needs one of: {names}.")
