"""The accounting of disclosures: everything of one patient that went to a billing system (45 CFR 164.528)."""

from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import and_

from services.billing_bridge.claims import RESULT
from services.billing_bridge.models import charge, push_attempt, push_result
from shared.database.fields import Fields, row_key
from shared.database.transactions import Transaction
from shared.web.bodies import json_bytes
from shared.web.cursors import Page, past

KEYS: Final = (push_attempt.c.started_at, push_attempt.c.charge_id, push_attempt.c.number)
PURPOSE: Final = "payment"


async def disclosure_page(db: Transaction, patient_id: UUID, *, cursor: str | None, limit: int) -> bytes:
    """List every attempt to send a patient's charges, oldest first, known to have arrived or not.

    An attempt is a row before its first byte: none is missing, and a few may never have left.
    """
    columns = (
        push_attempt.c.started_at, push_attempt.c.charge_id, push_attempt.c.number, push_attempt.c.kind,
        push_attempt.c.url, charge.c.system, charge.c.session_id, charge.c.service_date, charge.c.code,
        push_result.c.ended_at, push_result.c.verdict, push_result.c.reason,
    )  # fmt: skip
    ended = and_(
        push_result.c.charge_id == push_attempt.c.charge_id, push_result.c.number == push_attempt.c.number
    )
    statement = (
        db.rows_of(push_attempt, *columns)
        .join(charge, charge.c.charge_id == push_attempt.c.charge_id)
        .join(push_result, ended, isouter=True)
        .where(charge.c.instance_id == db.instance_id, charge.c.patient_id == patient_id)
        .order_by(*KEYS)
        .limit(limit + 1)
    )
    if cursor:
        statement = statement.where(past(cursor, KEYS))
    rows = [_told(row, db.fields) for row in await db.records(statement)]
    return json_bytes(Page.of(rows, limit=limit, keys=("started_at", "charge_id", "number")).body())


def _told(row: dict[str, Any], its: Fields) -> dict[str, Any]:
    address = row["url"]
    facts = {name: value for name, value in row.items() if name != "url"}
    # An address may bear more than a reader needs; a folder has no host.
    reason = its.unseal_any(row["reason"], place=RESULT, row=row_key(row["charge_id"], row["number"]))
    return facts | {"host": urlsplit(address).hostname or address, "purpose": PURPOSE, "reason": reason}
