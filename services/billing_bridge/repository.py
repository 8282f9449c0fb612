"""Charges, their statuses and connections as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.billing_bridge.domain import Charge, ClaimForm
from services.billing_bridge.models import charge, charge_history, charge_status, connection
from services.billing_bridge.outcomes import Standing, Status
from services.billing_bridge.sealed_columns import SEALED_FACTS
from shared.database.bulk import insert_new
from shared.database.dialects import upsert
from shared.database.fields import Fields, row_key
from shared.database.transactions import Transaction, WideTransaction

UNBROKEN: Final[Mapping[str, Any]] = {"failures": 0, "probe_at": None, "free_at": None}
"""A connection's line as new."""

REASON: Final = "charge_status.reason"
HISTORY: Final = "charge_history.reason"

Made = tuple[UUID, datetime, Charge]
"""The instance of a charge, when its event happened, and the charge."""


async def add_new_charges(db: WideTransaction, made: Sequence[Made]) -> None:
    """Add charges with their first status; a charge that is there stays as it is (BILL-2)."""
    sealed = [(db.fields[instance_id], made_at, one) for instance_id, made_at, one in made]
    await insert_new(db.connection, charge, [_charge_row(*one) for one in sealed])
    await insert_new(db.connection, charge_status, [_first_status(*one) for one in sealed])
    await insert_new(db.connection, charge_history, [_first_history(*one) for one in sealed])


def _charge_row(its: Fields, made_at: datetime, one: Charge) -> dict[str, Any]:
    facts = asdict(one) | {
        "form": one.form.value,
        "modifiers": orjson.dumps(one.modifiers).decode(),
        "patient_born": one.patient_born and one.patient_born.isoformat(),
    }
    sealed = {
        name: its.seal_any(facts[name], place=f"charge.{name}", row=one.charge_id) for name in SEALED_FACTS
    }
    return facts | sealed | {"instance_id": its.instance_id, "made_at": made_at}


def _first_status(its: Fields, made_at: datetime, one: Charge) -> dict[str, Any]:
    return {
        **sealed_reason(its, one.charge_id, one.lacking),
        "charge_id": one.charge_id,
        "instance_id": its.instance_id,
        "system": one.system,
        "made_at": made_at,
        "status": _first(one).value,
        "changes": 1,
        "attempts": 0,
        "tries": 0,
        "next_attempt_at": None if one.lacking else made_at,
        "uncertain": False,
        "changed_at": made_at,
    }


def sealed_reason(its: Fields, charge_id: UUID, reason: str | None) -> dict[str, str | None]:
    """Give the columns of why a charge stands as it does: sealed, and what equal reasons are found by."""
    return {
        "reason": its.seal_any(reason, place=REASON, row=charge_id),
        "reason_blind": None if reason is None else its.blind(reason, place=REASON),
    }


def _first_history(its: Fields, made_at: datetime, one: Charge) -> dict[str, Any]:
    return {
        "charge_id": one.charge_id,
        "number": 1,
        "instance_id": its.instance_id,
        "at": made_at,
        "status": _first(one).value,
        "reason": its.seal_any(one.lacking, place=HISTORY, row=row_key(one.charge_id, 1)),
    }


def _first(one: Charge) -> Status:
    return Status.HELD if one.lacking else Status.PENDING


def charge_of(row: RowMapping, its: Fields) -> Charge:
    """Read a charge from its row; raises `FieldUnsealableError`."""
    facts = {field.name: row[field.name] for field in fields(Charge)} | opened_facts(row, its)
    born = facts["patient_born"]
    return Charge(
        **facts
        | {
            "form": ClaimForm(row["form"]),
            "modifiers": tuple(facts["modifiers"]),
            "patient_born": born and date.fromisoformat(born),
        }
    )


def opened_facts(row: Mapping[Any, Any], its: Fields) -> dict[str, Any]:
    """Open what a row has of a charge's sealed columns; raises `FieldUnsealableError`."""
    opened: dict[str, Any] = {
        name: its.unseal_any(row[name], place=f"charge.{name}", row=row["charge_id"])
        for name in SEALED_FACTS
        if name in row
    }
    return opened | {"modifiers": orjson.loads(opened["modifiers"])} if "modifiers" in opened else opened


async def find_charge(db: Transaction, charge_id: UUID) -> Charge | None:
    """Give a charge of this instance, or None."""
    row = await db.one_or_none(db.rows_of(charge).where(charge.c.charge_id == charge_id))
    return charge_of(row._mapping, db.fields) if row else None  # noqa: SLF001 - SQLAlchemy's public name for it


async def lock_status(db: Transaction, charge_id: UUID) -> RowMapping | None:
    """Give the status of a charge of this instance, which nobody else changes until the commit, or None."""
    statement = db.rows_of(charge_status).where(charge_status.c.charge_id == charge_id).with_for_update()
    return (await db.execute(statement)).mappings().one_or_none()


async def stand(
    db: WideTransaction,
    standings: Mapping[UUID, Standing],
    before: Sequence[RowMapping],
    *,
    now: datetime,
    user_id: UUID | None = None,
    restart: bool = False,
    retracted: bool = False,
) -> None:
    """Write new standings over the locked rows `before`, and into the history; `restart` the schedule.

    `retracted`: their documentation is void from now on.
    """
    if not before:
        return
    changed = [
        _changed(standings[row["charge_id"]], row, now, restart=restart)
        | _voided(row, retracted=retracted)
        | _new_reason(db.fields[row["instance_id"]], row, standings[row["charge_id"]].reason)
        for row in before
    ]
    await db.connection.execute(_CHANGE, changed)
    history = [
        _history(db.fields[row["instance_id"]], standings[row["charge_id"]], row, now, user_id)
        for row in before
    ]
    await insert_new(db.connection, charge_history, history)


_CHANGED = (
    "status", "reason", "reason_blind", "changes", "tries", "next_attempt_at", "lease_until", "uncertain",
    "receipt_id", "changed_at", "retracted", "reversing", "feed_number",
)  # fmt: skip
_CHANGE = (
    update(charge_status)
    .where(charge_status.c.charge_id == bindparam("of_charge"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)


def _changed(after: Standing, row: RowMapping, now: datetime, *, restart: bool) -> dict[str, Any]:
    return {
        "of_charge": row["charge_id"],
        "new_status": after.status.value,
        "new_changes": row["changes"] + 1,
        # A reversal has a schedule of its own.
        "new_tries": 0
        if restart or after.reversing > row["reversing"]
        else row["tries"] - after.costs_no_try,
        "new_next_attempt_at": after.next_attempt_at,
        "new_lease_until": None,
        "new_uncertain": after.uncertain,
        "new_receipt_id": after.receipt_id,
        "new_changed_at": now,
        "new_reversing": after.reversing,
        "new_feed_number": None,
    }


def _voided(row: RowMapping, *, retracted: bool) -> dict[str, bool]:
    return {"new_retracted": retracted or row["retracted"]}


def _new_reason(its: Fields, row: RowMapping, reason: str | None) -> dict[str, str | None]:
    sealed = sealed_reason(its, row["charge_id"], reason)
    return {f"new_{name}": value for name, value in sealed.items()}


def _history(
    its: Fields, after: Standing, row: RowMapping, now: datetime, user_id: UUID | None
) -> dict[str, Any]:
    number = row["changes"] + 1
    return {
        "charge_id": row["charge_id"],
        "number": number,
        "instance_id": row["instance_id"],
        "at": now,
        "status": after.status.value,
        "reason": its.seal_any(after.reason, place=HISTORY, row=row_key(row["charge_id"], number)),
        "user_id": user_id,
    }


async def find_connection(db: Transaction, system: str) -> RowMapping | None:
    """Give this instance's connection to a system, locked until the commit, or None."""
    statement = db.rows_of(connection).where(connection.c.system == system).with_for_update()
    return (await db.execute(statement)).mappings().one_or_none()


async def put_connection(db: Transaction, values: Mapping[str, Any]) -> None:
    """Make or replace this instance's connection to a system."""
    statement = upsert(db.connection, connection, {"instance_id": db.instance_id, **values})
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=["instance_id", "system"],
            set_={name: statement.excluded[name] for name in values if name != "system"},
        )
    )


async def set_active(
    db: Transaction, system: str, *, paused_because: str | None, at: datetime, user_id: UUID
) -> None:
    """Pause a connection of this instance, or resume it with no cause."""
    await db.execute(
        update(connection)
        .where(connection.c.instance_id == db.instance_id, connection.c.system == system)
        .values(
            active=paused_because is None,
            paused_because=paused_because,
            changed_at=at,
            changed_by=user_id,
            # A person's word closes the breaker too.
            **UNBROKEN,
        )
    )


async def pause_connections(db: AsyncConnection, keys: Sequence[tuple[UUID, str]], *, reason: str) -> None:
    """Stop pushing over connections until a person makes them active again."""
    if keys:
        await db.execute(
            update(connection)
            .where(
                connection.c.instance_id == bindparam("of_instance"),
                connection.c.system == bindparam("of_system"),
            )
            .values(active=False, paused_because=reason),
            [{"of_instance": instance_id, "of_system": system} for instance_id, system in keys],
        )


async def lock_open(db: AsyncConnection, charge_ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Give the statuses among these that wait for a push's end, locked until the commit."""
    statement = (
        select(charge_status)
        .where(
            charge_status.c.charge_id.in_(charge_ids),
            charge_status.c.status.in_([Status.SENT.value, Status.UNKNOWN.value]),
        )
        # In one order everywhere, so that two that lock several never wait for each other in a ring.
        .order_by(charge_status.c.charge_id)
        .with_for_update()
    )
    return (await db.execute(statement)).mappings().all()
