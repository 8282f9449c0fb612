"""Which connections may send now, and how many messages: their paces and lines as rows (BILL-4)."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, bindparam, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.billing_bridge import pacing
from services.billing_bridge.models import charge_status, connection, push_attempt
from services.billing_bridge.pacing import Line, Pace
from services.billing_bridge.places import at_its_connection

Key = tuple[UUID, str]
"""An instance and a system: one connection."""

KEYS: Final = (connection.c.instance_id, connection.c.system)
KEPT: Final = ("failures", "probe_at", "free_at")
LINE: Final = (*KEYS, connection.c.pacing, *(connection.c[name] for name in KEPT))


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A connection that may send."""

    pace: Pace
    line: Line
    room: int
    first_tries_until: datetime
    """What was due for the first time by then may go."""


async def instances_that_may_send(db: AsyncConnection, *, now: datetime) -> set[UUID]:
    """Give those that have something due at a connection that may send."""
    statement = select(connection.c.instance_id).distinct().where(*_may_send(now))
    return set((await db.execute(statement)).scalars())


def _may_send(now: datetime) -> tuple[ColumnElement[bool], ...]:
    something_due = select(charge_status.c.charge_id).where(
        at_its_connection, charge_status.c.next_attempt_at <= now
    )
    return (
        connection.c.active,
        something_due.exists(),
        or_(connection.c.probe_at.is_(None), connection.c.probe_at <= now),
        or_(connection.c.free_at.is_(None), connection.c.free_at <= now),
    )


async def lock_gates(
    db: AsyncConnection, *, of: Collection[UUID], now: datetime, at_most: int
) -> dict[Key, Gate]:
    """Lock connections of these instances that have something due and may send.

    Nobody else begins anything there meanwhile.
    """
    statement = (
        select(*LINE)
        .where(connection.c.instance_id.in_(of), *_may_send(now))
        # Another pusher is beginning pushes there right now: it sees what is due as well as this one.
        .with_for_update(skip_locked=True)
    )
    rows = (await db.execute(statement)).mappings().all()
    # Counted after the lock: what another one has begun before is seen.
    counted = [_key(row) for row in rows if pacing.needs_under_way(*_pace_and_line(row))]
    under_way = await _under_way(db, counted)
    gates = {_key(row): _gate(row, under_way[_key(row)], now, at_most) for row in rows}
    return {key: gate for key, gate in gates.items() if gate.room}


def _gate(row: RowMapping, under_way: int, now: datetime, at_most: int) -> Gate:
    pace, line = _pace_and_line(row)
    line = replace(line, under_way=under_way)
    return Gate(
        pace=pace,
        line=line,
        room=pacing.room(pace, line, now=now, at_most=at_most),
        first_tries_until=pacing.first_tries_until(pace, now),
    )


async def _under_way(db: AsyncConnection, keys: Sequence[Key]) -> Counter[Key]:
    if not keys:
        return Counter()
    of_charges = (charge_status.c.instance_id, charge_status.c.system)
    statement = (
        select(*of_charges, func.count(push_attempt.c.message_id.distinct()).label("messages"))
        .join(
            push_attempt,
            (push_attempt.c.charge_id == charge_status.c.charge_id)
            & (push_attempt.c.number == charge_status.c.attempts),
        )
        .where(charge_status.c.lease_until.is_not(None), tuple_(*of_charges).in_(keys))
        .group_by(*of_charges)
    )
    rows = (await db.execute(statement)).mappings()
    return Counter({_key(row): row["messages"] for row in rows})


async def note_begun(
    db: AsyncConnection, gates: Mapping[Key, Gate], messages: Mapping[Key, int], *, now: datetime
) -> None:
    """Count messages that begin at locked gates."""
    lines = {
        key: (gates[key].line, pacing.begun(gates[key].pace, gates[key].line, messages=number, now=now))
        for key, number in messages.items()
    }
    await _keep(db, lines)


async def note_ended(db: AsyncConnection, taken: Mapping[Key, Sequence[bool]], *, now: datetime) -> None:
    """Count how messages ended, in their order: whether the other side took, or answered, each."""
    if not taken:
        return
    # In one order everywhere, so that two never wait for each other in a ring.
    statement = select(*LINE).where(tuple_(*KEYS).in_(list(taken))).order_by(*KEYS).with_for_update()
    lines = {}
    for row in (await db.execute(statement)).mappings():
        pace, line = _pace_and_line(row)
        lines[_key(row)] = (line, pacing.ended(pace, line, taken[_key(row)], now=now))
    await _keep(db, lines)


_KEEP: Final = (
    update(connection)
    .where(
        connection.c.instance_id == bindparam("of_instance"), connection.c.system == bindparam("of_system")
    )
    .values({name: bindparam(f"new_{name}") for name in KEPT})
)


async def _keep(db: AsyncConnection, lines: Mapping[Key, tuple[Line, Line]]) -> None:
    changed = [
        {"of_instance": key[0], "of_system": key[1]} | {f"new_{name}": _kept(after)[name] for name in KEPT}
        for key, (before, after) in sorted(lines.items())
        if _kept(before) != _kept(after)
    ]
    if changed:
        await db.execute(_KEEP, changed)


def _kept(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in KEPT}


def _pace_and_line(row: RowMapping) -> tuple[Pace, Line]:
    return Pace.of(row["pacing"]), Line(**{name: row[name] for name in KEPT})


def _key(row: RowMapping) -> Key:
    return row["instance_id"], row["system"]


def within_room(rows: Iterable[RowMapping], gates: Mapping[Key, Gate]) -> list[RowMapping]:
    """Give of the first charges of messages those that their connections have room for."""
    taken: Counter[Key] = Counter()
    within = []
    for row in rows:
        taken[_key(row)] += 1
        if taken[_key(row)] <= gates[_key(row)].room:
            within.append(row)
    return within
