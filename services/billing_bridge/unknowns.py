"""What went out in a message whose outcome is unknown: look-ups ask for it, and for nothing else (BILL-5)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, RowMapping, case, select

from services.billing_bridge.domain import Charge
from services.billing_bridge.models import charge, charge_status, push_attempt
from services.billing_bridge.repository import charge_of
from shared.database.fields import FieldUnsealableError
from shared.database.transactions import WideTransaction

log = structlog.get_logger()

QUESTION: Final = "look_up"
"""The kind of an attempt that sent nothing."""


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A message as it went out, whatever became of its charges since."""

    charges: tuple[Charge, ...]
    """None at all: one of them can't be read."""
    notice: str | None


def message_in_doubt(status: Any) -> ColumnElement[UUID | None]:
    """Name the message that left an uncertain charge unknown; null where it is certain, or never sent."""
    last = (
        select(push_attempt.c.message_id)
        .where(push_attempt.c.charge_id == status.c.charge_id, push_attempt.c.kind != QUESTION)
        .order_by(push_attempt.c.number.desc())
        .limit(1)
        .correlate(status)
        .scalar_subquery()
    )
    return case((status.c.uncertain, last))


async def whole_messages(db: WideTransaction, message_ids: Collection[UUID]) -> dict[UUID, Whole]:
    """Give messages of the instances whose fields `db` opens; a charge that went by itself is none."""
    if not message_ids:
        return {}
    members = (
        select(push_attempt.c.message_id, push_attempt.c.charge_id)
        .where(
            push_attempt.c.message_id.in_(message_ids),
            # As the index has it.
            push_attempt.c.message_id != push_attempt.c.charge_id,
            push_attempt.c.kind != QUESTION,
            push_attempt.c.instance_id.in_(db.fields.keys()),
        )
        .distinct()
        .subquery()
    )
    statement = (
        select(members.c.message_id, charge, charge_status.c.notice)
        .join(charge, charge.c.charge_id == members.c.charge_id)
        .join(charge_status, charge_status.c.charge_id == charge.c.charge_id)
        .order_by(charge.c.charge_id)
    )
    rows: dict[UUID, list[RowMapping]] = {}
    for row in (await db.connection.execute(statement)).mappings():
        rows.setdefault(row["message_id"], []).append(row)
    return {message_id: _whole(its, db) for message_id, its in rows.items()}


def _whole(rows: Sequence[RowMapping], db: WideTransaction) -> Whole:
    return Whole(charges=_opened(rows, db), notice=rows[0]["notice"])


def _opened(rows: Sequence[RowMapping], db: WideTransaction) -> tuple[Charge, ...]:
    try:
        return tuple(charge_of(row, db.fields[row["instance_id"]]) for row in rows)
    except FieldUnsealableError as error:
        log.exception("A charge can't be read.", code="charge.unreadable", what=str(error))
        return ()
