"""Charges follow their session: made when it is documented, reversed when that is void (BILL-2, BILL-6)."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.billing_bridge.codes.domain import NO_CATALOGUE
from services.billing_bridge.codes.repository import catalogues_of
from services.billing_bridge.documented import first_heard, keep_documented
from services.billing_bridge.domain import charges_for
from services.billing_bridge.models import charge, charge_status, connection, retraction
from services.billing_bridge.outcomes import Receiver, Standing, Status, standing_once_retracted
from services.billing_bridge.repository import REASON, Made, add_new_charges, stand
from shared.database.bulk import insert_new
from shared.database.dialects import take_turns
from shared.database.fields import Fields
from shared.database.transactions import WideTransaction
from shared.events.envelope import Envelope
from shared.events.record import SessionRecord, SessionRetracted


async def make_charges(
    db: WideTransaction, envelopes: Sequence[Envelope[SessionRecord]], *, now: datetime
) -> None:
    """Make the charges of sessions, in the transaction of the inbox (BILL-2, BILL-3, SET-6).

    Of a documentation that is void already they are made and reversed: nothing is just dropped. A
    documentation is charged once, by the catalogue of that moment: an annotation changes nothing.
    """
    documentations = {envelope.data.documentation_id for envelope in envelopes}
    await take_turns(db.connection, documentations)
    new = await first_heard(db.connection, envelopes)
    catalogues = await catalogues_of(db.connection, {envelope.instanceid for envelope in new})
    charged = [
        (envelope, charges_for(envelope.data, catalogues.get(envelope.instanceid, NO_CATALOGUE)))
        for envelope in new
    ]
    made = [
        (envelope.instanceid, envelope.time, replace(one, traceparent=envelope.traceparent))
        for envelope, charges in charged
        for one in charges
    ]
    await add_new_charges(db, await _with_what_they_replace(db.connection, made))
    await keep_documented(db.connection, charged, now=now)
    await _reverse_void(db, documentations, now=now)


async def retract_charges(
    db: WideTransaction, envelopes: Sequence[Envelope[SessionRetracted]], *, now: datetime
) -> None:
    """Reverse the charges of void documentations, those that are made later too (BILL-6)."""
    documentations = {envelope.data.documentation_id for envelope in envelopes}
    await take_turns(db.connection, documentations)
    rows = [
        {
            "documentation_id": one.data.documentation_id,
            "instance_id": one.instanceid,
            "session_id": one.data.session_id,
            "retracted_at": one.data.retracted_at,
            "retracted_by": one.data.retracted_by,
        }
        for one in envelopes
    ]
    await insert_new(db.connection, retraction, rows)
    await _reverse_void(db, documentations, now=now)


async def _with_what_they_replace(db: AsyncConnection, made: Sequence[Made]) -> list[Made]:
    """Name for each charge the latest earlier one of its line.

    A session is documented again only when its last documentation is void, so any earlier one is.
    """
    sessions = {one.session_id for _, _, one in made}
    statement = select(charge).where(charge.c.session_id.in_(sessions)).order_by(charge.c.made_at)
    known: dict[tuple[Any, ...], list[tuple[datetime, UUID, UUID]]] = defaultdict(list)
    for row in (await db.execute(statement)).mappings():
        line = (row["instance_id"], *_line(row))
        known[line].append((row["made_at"], row["documentation_id"], row["charge_id"]))
    linked: list[Made] = []
    for instance_id, made_at, one in made:
        line = (instance_id, one.session_id, one.patient_id, one.form.value, one.code)
        earlier = [
            charge_id
            for at, documentation_id, charge_id in known[line]
            if documentation_id != one.documentation_id and at < made_at
        ]
        linked.append((instance_id, made_at, replace(one, replaces=earlier[-1] if earlier else None)))
        known[line].append((made_at, one.documentation_id, one.charge_id))
    return linked


def _line(row: RowMapping) -> tuple[UUID, UUID, str, str]:
    return row["session_id"], row["patient_id"], row["form"], row["code"]


async def _reverse_void(db: WideTransaction, documentations: Collection[UUID], *, now: datetime) -> None:
    """Mark charges of void documentations, and say what becomes of them."""
    at_its_connection = and_(
        connection.c.instance_id == charge_status.c.instance_id, connection.c.system == charge_status.c.system
    )
    where_it_went = connection.c.destination_id == charge_status.c.destination_id
    able = (
        func.coalesce(and_(connection.c[name], where_it_went), False).label(name)
        for name in ("deduplicates", "looks_up")
    )
    statement = (
        select(charge_status, *able)
        .join(charge, charge.c.charge_id == charge_status.c.charge_id)
        .join(
            retraction,
            and_(
                retraction.c.documentation_id == charge.c.documentation_id,
                retraction.c.instance_id == charge.c.instance_id,
            ),
        )
        .join(connection, at_its_connection, isouter=True)
        .where(charge.c.documentation_id.in_(documentations), ~charge_status.c.retracted)
        .order_by(charge_status.c.charge_id)
        .with_for_update(of=charge_status)
    )
    rows = (await db.connection.execute(statement)).mappings().all()
    under_way = [row for row in rows if row["status"] == Status.SENT.value]
    settled = [row for row in rows if row["status"] != Status.SENT.value]
    standings = {
        row["charge_id"]: standing_once_retracted(
            _standing_of(row, db.fields[row["instance_id"]]),
            receiver=Receiver(deduplicates=bool(row["deduplicates"]), looks_up=bool(row["looks_up"])),
            now=now,
        )
        for row in settled
    }
    await stand(db, standings, settled, now=now, retracted=True)
    await _mark_under_way(db.connection, [row["charge_id"] for row in under_way])


async def _mark_under_way(db: AsyncConnection, charge_ids: Sequence[UUID]) -> None:
    """Leave a push that is under way its lease: what becomes of the charge is said when it ends."""
    await db.execute(
        charge_status.update()
        .where(charge_status.c.charge_id.in_(charge_ids))
        .values(retracted=True, feed_number=None)
    )


def _standing_of(row: RowMapping, its: Fields) -> Standing:
    return Standing(
        status=Status(row["status"]),
        reason=its.unseal_any(row["reason"], place=REASON, row=row["charge_id"]),
        uncertain=row["uncertain"],
        receipt_id=row["receipt_id"],
    )
