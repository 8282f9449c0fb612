"""The audit trail: who did or saw what, allowed or refused (PERM-8). Rows are insert-only."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, String, Table, Uuid, insert

from shared.database.bulk import insert_new
from shared.database.columns import UtcDateTime
from shared.database.transactions import Transaction
from shared.identifiers import new_id

NO_INSTANCE: Final = UUID(int=0)
"""Whose trail tells of what nobody's instance is known for: a log-in that is not there, a forged message."""

_LINKS: Final = "audit_link"


class Outcome(StrEnum):
    """How an access ended."""

    ALLOWED = "allowed"
    REFUSED = "refused"


def audit_table(metadata: MetaData, *more: Column[Any]) -> Table:
    """Add the audit trail and its chain to a service's tables, with what this service alone writes down."""
    Table(
        _LINKS,
        metadata,
        Column("instance_id", Uuid, primary_key=True),
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        # No foreign key: an entry that is gone is what the chain is there to tell.
        Column("entry_id", Uuid, nullable=False, unique=True),
        Column("hash", LargeBinary, nullable=False),
    )
    return Table(
        "audit_entry",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("instance_id", Uuid, nullable=False),
        Column("at", UtcDateTime, nullable=False),
        Column("user_id", Uuid),
        Column("action", String(80), nullable=False),
        Column("subject", String(80), nullable=False),
        Column("patient_id", Uuid),
        Column("outcome", String(10), nullable=False),
        *more,
        Index("ix_audit_entry_instance_id_at", "instance_id", "at"),
    )


def links_of(trail: Table) -> Table:
    """Give the chain of a trail; `shared.audit` lays it a moment after the entries."""
    return trail.metadata.tables[_LINKS]


async def record_access(
    db: Transaction,
    trail: Table,
    *,
    at: datetime,
    user_id: UUID | None,
    action: str,
    subject: object,
    patient_id: UUID | None = None,
    outcome: Outcome = Outcome.ALLOWED,
) -> None:
    """Write one entry, in the transaction of what it tells of. `subject` is an id, never a name."""
    await db.execute(
        insert(trail).values(
            id=new_id(),
            instance_id=db.instance_id,
            at=at,
            user_id=user_id,
            action=action,
            subject=str(subject),
            patient_id=patient_id,
            outcome=outcome.value,
        )
    )


async def record_accesses(
    db: Transaction,
    trail: Table,
    *,
    subjects: Iterable[object],
    at: datetime,
    user_id: UUID | None,
    action: str,
) -> None:
    """Write one entry for each subject that the same was done to, by one statement."""
    rows = [
        {
            "id": new_id(),
            "instance_id": db.instance_id,
            "at": at,
            "user_id": user_id,
            "action": action,
            "subject": str(subject),
            "outcome": Outcome.ALLOWED.value,
        }
        for subject in subjects
    ]
    await insert_new(db.connection, trail, rows)


async def record_access_to(
    db: Transaction,
    trail: Table,
    *,
    patient_ids: Iterable[UUID],
    at: datetime,
    user_id: UUID | None,
    action: str,
    subject: object,
) -> None:
    """Write one entry for each patient whose data was touched, by one statement; without any, one entry."""
    ids: list[UUID | None] = [*patient_ids]
    rows = [
        {
            "id": new_id(),
            "instance_id": db.instance_id,
            "at": at,
            "user_id": user_id,
            "action": action,
            "subject": str(subject),
            "patient_id": patient_id,
            "outcome": Outcome.ALLOWED.value,
        }
        for patient_id in ids or [None]
    ]
    await insert_new(db.connection, trail, rows)
