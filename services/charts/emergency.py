"""Emergency access, as the charts keep it from its events: one user, one patient, until a moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.charts.models import emergency_access
from shared.database.dialects import upsert
from shared.database.transactions import Transaction, WideTransaction
from shared.events.emergency import EmergencyAccess
from shared.events.envelope import Envelope


async def keep_emergency_access(db: WideTransaction, envelopes: Sequence[Envelope[EmergencyAccess]]) -> None:
    """Apply openings and ends; the earlier moment holds, whichever comes first."""
    rows: dict[UUID, dict[str, Any]] = {}
    for envelope in sorted(envelopes, key=lambda one: one.data.until, reverse=True):
        facts = envelope.data
        rows[facts.access_id] = {
            "id": facts.access_id,
            "instance_id": envelope.instanceid,
            "user_id": facts.user_id,
            "patient_id": facts.patient_id,
            "until": facts.until,
        }
    if not rows:
        return
    statement = upsert(db.connection, emergency_access, next(iter(rows.values())))
    until = statement.excluded.until
    statement = statement.on_conflict_do_update(
        index_elements=["id"], set_={"until": until}, where=until < emergency_access.c.until
    )
    await db.connection.execute(statement, list(rows.values()))


async def has_emergency_access(db: Transaction, user_id: UUID, patient_id: UUID, *, at: datetime) -> bool:
    """Whether a user may read a patient's chart now whatever their role."""
    table = emergency_access
    mine = (table.c.user_id == user_id) & (table.c.patient_id == patient_id) & (table.c.until > at)
    return bool(await db.all(db.rows_of(table, table.c.id).where(mine).limit(1)))
