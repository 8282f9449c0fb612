"""The reconciliation of one day, from the rows of billing and the answer of the charts (BILL-10)."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select

from services.billing_bridge.filed_notes import FiledNotes, FiledNotesUnavailableError
from services.billing_bridge.models import charge, charge_status, connection, documented_session, retraction
from services.billing_bridge.outcomes import Status
from services.billing_bridge.places import PLACE, at_its_connection, place_of
from services.billing_bridge.reconciling import Documented, FiledHere, Line, MadeCharge, reconcile
from services.billing_bridge.use_cases import Deed, as_biller
from shared.database.transactions import Database, Transaction
from shared.events.filing import FiledDocumentation
from shared.events.staff import Scope


async def reconcile_day(database: Database, deed: Deed, filed_notes: FiledNotes, *, on: date) -> list[Line]:
    """Reconcile every session of a day, a day as it is where the session was held."""
    async with as_biller(database, deed, subject=deed.identity.instance_id, scope=Scope.CHARGES_READ) as db:
        charges = await _charges(db, on)
        documented = await _documented(db, on, charges)
    known = {one.documentation_id for one in documented}
    try:
        filed = await filed_notes.filed(deed.identity.instance_id, known, on=on)
    except FiledNotesUnavailableError:
        return reconcile(documented, charges, None)
    elsewhere = await _of_other_days(database, deed, [one.documentation_id for one in filed], known)
    here = {one.documentation_id: _filed(one) for one in filed if one.documentation_id not in elsewhere}
    return reconcile(documented, charges, here)


async def _charges(db: Transaction, on: date) -> dict[UUID, list[MadeCharge]]:
    statement = (
        db.rows_of(charge, charge.c.charge_id, charge.c.patient_id, charge.c.documentation_id, *PLACE)
        .join(charge_status, charge_status.c.charge_id == charge.c.charge_id)
        .join(connection, at_its_connection, isouter=True)
        .where(charge.c.service_date == on)
        .order_by(charge.c.charge_id)
    )
    found: dict[UUID, list[MadeCharge]] = {}
    for row in (await db.execute(statement)).mappings():
        made = MadeCharge(
            charge_id=row["charge_id"],
            patient_id=row["patient_id"],
            status=Status(row["status"]),
            reason=place_of(row, db.fields).told,
        )
        found.setdefault(row["documentation_id"], []).append(made)
    return found


async def _documented(
    db: Transaction, on: date, charges: Mapping[UUID, Sequence[MadeCharge]]
) -> list[Documented]:
    void = retraction.c.documentation_id.is_not(None).label("void")
    same = and_(
        retraction.c.documentation_id == documented_session.c.documentation_id,
        retraction.c.instance_id == documented_session.c.instance_id,
    )
    statement = (
        db.rows_of(documented_session, documented_session, void)
        .join(retraction, same, isouter=True)
        .where(documented_session.c.held_on == on)
        .order_by(documented_session.c.documentation_id)
    )
    heard = [_heard(row) for row in (await db.execute(statement)).mappings()]
    missing = charges.keys() - {one.documentation_id for one in heard}
    return heard + await _heard_before(db, missing, charges)


def _heard(row: Any) -> Documented:
    return Documented(
        documentation_id=row["documentation_id"],
        session_id=row["session_id"],
        present=frozenset(UUID(one) for one in row["present"]),
        billed_as=row["billed_as"],
        charges=row["charges"],
        void=bool(row["void"]),
    )


async def _heard_before(
    db: Transaction, documentation_ids: Any, charges: Mapping[UUID, Sequence[MadeCharge]]
) -> list[Documented]:
    """Take sessions that were charged before it was kept what was heard of from their charges."""
    same = and_(
        retraction.c.documentation_id == charge.c.documentation_id,
        retraction.c.instance_id == charge.c.instance_id,
    )
    void = retraction.c.documentation_id.is_not(None).label("void")
    statement = (
        db.rows_of(charge, charge.c.documentation_id, charge.c.session_id, void)
        .distinct()
        .join(retraction, same, isouter=True)
        .where(charge.c.documentation_id.in_(documentation_ids))
    )
    return [
        Documented(
            documentation_id=row.documentation_id,
            session_id=row.session_id,
            present=frozenset(one.patient_id for one in charges[row.documentation_id]),
            billed_as="ancillary",
            charges=len(charges[row.documentation_id]),
            void=bool(row.void),
        )
        for row in await db.all(statement)
    ]


async def _of_other_days(
    database: Database, deed: Deed, documentation_ids: Sequence[UUID], known: set[UUID]
) -> set[UUID]:
    """Give those that were held on this day in UTC and on another one where they were held."""
    others = [one for one in documentation_ids if one not in known]
    async with database.reading(deed.identity.instance_id) as db:
        rows = await db.all(
            select(documented_session.c.documentation_id)
            .where(
                documented_session.c.instance_id == db.instance_id,
                documented_session.c.documentation_id.in_(others),
            )
            .union(
                select(charge.c.documentation_id).where(
                    charge.c.instance_id == db.instance_id, charge.c.documentation_id.in_(others)
                )
            )
        )
    return {row[0] for row in rows}


def _filed(one: FiledDocumentation) -> FiledHere:
    return FiledHere(
        session_id=one.session_id,
        present=frozenset(one.present),
        entered_in_error=one.entered_in_error,
    )
