"""What is due, and which of it goes out as one message."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.billing_bridge.connector import Unit
from services.billing_bridge.gates import Gate, Key, within_room
from services.billing_bridge.models import charge, charge_status, connection
from services.billing_bridge.outcomes import Status
from services.billing_bridge.places import an_earlier_message, at_its_connection
from services.billing_bridge.unknowns import message_in_doubt

MATES_AT_MOST: Final = 5000
OF_CONNECTION: Final = (
    "url", "sealed_secret", "sealed_certificate", "settings", "deduplicates", "looks_up",
)  # fmt: skip
ONE_PATIENT_SESSION: Final = ("session_id", "documentation_id", "patient_id", "form")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one look at the charges goes by."""

    now: datetime
    gates: Mapping[Key, Gate]
    units: Mapping[str, Unit]
    """What goes out as one message, by system; a charge by itself where it says nothing."""
    ordered: Collection[str]
    """Systems where a patient's messages go one after the other, in the order in which they were made."""


async def lock_due(db: AsyncConnection, turn: Turn, *, at_most: int) -> Sequence[RowMapping]:
    """Lock what is due for at most so many messages, whole messages alone, within the gates' room."""
    units = turn.units
    together = [system for system, unit in units.items() if unit is not Unit.CHARGE]
    firsts = _due(turn).order_by(charge_status.c.next_attempt_at).limit(at_most)
    if together:
        # One pusher owns a message: the one that holds its first charge. So no two share one between them.
        leads = or_(charge_status.c.system.not_in(together), ~_an_earlier_mate(turn).exists())
        firsts = firsts.where(leads)
    # Another pusher may hold the oldest rows right now: those are its to push.
    locking = firsts.with_for_update(skip_locked=True, of=charge_status)
    rows = within_room((await db.execute(locking)).mappings(), turn.gates)
    owned = [row for row in rows if row["system"] in together]
    return [*rows, *(await _lock_mates(db, owned, turn) if owned else [])]


def _due(turn: Turn) -> Select[Any]:
    due = (
        select(
            charge,
            charge_status.c.attempts,
            charge_status.c.changes,
            charge_status.c.reversing,
            charge_status.c.uncertain,
            charge_status.c.tries,
            charge_status.c.retracted,
            charge_status.c.notice,
            connection.c.notice.label("new_notice"),
            message_in_doubt(charge_status).label("in_doubt"),
            *(connection.c[name] for name in OF_CONNECTION),
        )
        .join(charge_status, charge_status.c.charge_id == charge.c.charge_id)
        .join(connection, at_its_connection)
        .where(*_is_due(charge_status, turn))
    )
    if not turn.ordered:
        return due
    return due.where(or_(charge_status.c.system.not_in(turn.ordered), ~an_earlier_message().exists()))


def _is_due(status: Any, turn: Turn) -> tuple[ColumnElement[bool], ...]:
    where_it_went = connection.c.destination_id == status.c.destination_id
    return (
        status.c.next_attempt_at <= turn.now,
        connection.c.active,
        _at_its_time(status, turn),
        # Only the receiver that may already have it can tell it from a new one, or be asked for it.
        or_(
            status.c.status == Status.PENDING.value,
            and_(or_(connection.c.deduplicates, connection.c.looks_up), where_it_went),
        ),
        # Only where the charge went can it be reversed.
        or_(~status.c.reversing, where_it_went),
        # Of a void session nothing is pushed but reversals; what may have arrived can still be asked for.
        or_(~status.c.retracted, status.c.reversing, connection.c.looks_up),
    )


def _at_its_time(status: Any, turn: Turn) -> ColumnElement[bool]:
    at_once = [key for key, gate in turn.gates.items() if gate.first_tries_until == turn.now]
    whenever = [tuple_(status.c.instance_id, status.c.system).in_(at_once)] if at_once else []
    daily = (
        and_(
            status.c.instance_id == key[0],
            status.c.system == key[1],
            or_(status.c.tries > 0, status.c.next_attempt_at <= gate.first_tries_until),
        )
        for key, gate in turn.gates.items()
        if key not in at_once
    )
    return or_(*whenever, *daily)


def _an_earlier_mate(turn: Turn) -> Select[Any]:
    mate, of_mate = charge_status.alias("mate"), charge.alias("of_mate")
    whole = [system for system, unit in turn.units.items() if unit is Unit.ALL_DUE]
    return (
        select(mate.c.charge_id)
        .join(of_mate, of_mate.c.charge_id == mate.c.charge_id)
        .where(
            *_is_due(mate, turn),
            mate.c.charge_id < charge_status.c.charge_id,
            mate.c.instance_id == charge_status.c.instance_id,
            mate.c.system == charge_status.c.system,
            mate.c.reversing == charge_status.c.reversing,
            mate.c.uncertain == charge_status.c.uncertain,
            message_in_doubt(mate).is_not_distinct_from(message_in_doubt(charge_status)),
            or_(
                mate.c.system.in_(whole),
                and_(*(of_mate.c[name] == charge.c[name] for name in ONE_PATIENT_SESSION)),
            ),
        )
        .correlate(charge_status, charge, connection)
    )


async def _lock_mates(db: AsyncConnection, firsts: Sequence[RowMapping], turn: Turn) -> Sequence[RowMapping]:
    """Take the other charges of the same messages; one that a person holds right now goes by itself later."""
    units = turn.units
    of_files = {(row["instance_id"], row["system"]) for row in firsts if units[row["system"]] is Unit.ALL_DUE}
    of_sessions = {
        tuple(row[name] for name in ONE_PATIENT_SESSION)
        for row in firsts
        if units[row["system"]] is Unit.PATIENT_SESSION
    }
    statement = (
        _due(turn)
        .where(
            charge.c.charge_id.not_in([row["charge_id"] for row in firsts]),
            or_(
                tuple_(charge.c.instance_id, charge.c.system).in_(of_files),
                tuple_(*(charge.c[name] for name in ONE_PATIENT_SESSION)).in_(of_sessions),
            ),
        )
        .order_by(charge.c.charge_id)
        .limit(MATES_AT_MOST)
        .with_for_update(skip_locked=True, of=charge_status)
    )
    keys = {unit_of(row, units) for row in firsts}
    rows = (await db.execute(statement)).mappings().all()
    return [row for row in rows if unit_of(row, units) in keys]


def unit_of(row: RowMapping, units: Mapping[str, Unit]) -> tuple[Any, ...]:
    """Give what is equal for all rows that go out as one message.

    What may have arrived goes with nothing but what it went with: as a file of its own it never existed.
    """
    kind = (row["instance_id"], row["system"], row["reversing"], row["uncertain"], row["in_doubt"])
    match units.get(row["system"], Unit.CHARGE):
        case Unit.ALL_DUE:
            return kind
        case Unit.PATIENT_SESSION:
            return (*kind, *(row[name] for name in ONE_PATIENT_SESSION))
        case Unit.CHARGE:
            return (*kind, row["charge_id"])
