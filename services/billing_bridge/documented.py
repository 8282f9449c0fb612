"""Which documentations were heard of: each is charged once, and all of them are accounted for (BILL-10)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from services.billing_bridge.domain import Charge, service_date
from services.billing_bridge.models import charge, documented_session
from shared.database.bulk import insert_new
from shared.events.envelope import Envelope
from shared.events.record import Attendance, SessionRecord


async def first_heard(
    db: AsyncConnection, envelopes: Sequence[Envelope[SessionRecord]]
) -> list[Envelope[SessionRecord]]:
    """Give the earliest envelope of each documentation that was not heard of before, in order of time."""
    in_order = sorted(envelopes, key=lambda one: one.time)
    earliest: dict[UUID, Envelope[SessionRecord]] = {}
    for envelope in in_order:
        earliest.setdefault(envelope.data.documentation_id, envelope)
    known = union(
        select(documented_session.c.documentation_id).where(
            documented_session.c.documentation_id.in_(earliest)
        ),
        # Charged before it was kept which sessions were heard of.
        select(charge.c.documentation_id).where(charge.c.documentation_id.in_(earliest)),
    )
    heard = set((await db.execute(known)).scalars())
    return [envelope for documentation_id, envelope in earliest.items() if documentation_id not in heard]


async def keep_documented(
    db: AsyncConnection,
    charged: Sequence[tuple[Envelope[SessionRecord], Sequence[Charge]]],
    *,
    now: datetime,
) -> None:
    """Keep what was heard of, with how many charges were made of it."""
    await insert_new(db, documented_session, [_row(envelope, len(made), now) for envelope, made in charged])


def _row(envelope: Envelope[SessionRecord], charges: int, now: datetime) -> dict[str, Any]:
    record = envelope.data
    present = [one.patient_id for one in record.participants if one.attendance is Attendance.PRESENT]
    return {
        "documentation_id": record.documentation_id,
        "instance_id": envelope.instanceid,
        "session_id": record.session_id,
        "held_on": service_date(record),
        "present": [str(patient_id) for patient_id in present],
        "billed_as": _billed_as(record, charges, present=len(present)),
        "charges": charges,
        "heard_at": now,
    }


def _billed_as(record: SessionRecord, charges: int, *, present: int) -> str:
    if record.billing is None:
        return "not_billed"
    # An ancillary session makes a charge of each present patient, if only a held one. What makes none
    # is reported alone, by its template or by what the catalogue says of its codes.
    none_was_due = not present and record.billing.mode == "ancillary"
    return "ancillary" if charges or none_was_due else "per_diem"
