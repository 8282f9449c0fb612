"""Pushes as rows: claimed by one pusher with a lease, closed by their results, or found abandoned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.billing_bridge.connector import PUSH_SECONDS_AT_MOST
from services.billing_bridge.domain import Charge
from services.billing_bridge.models import (
    charge,
    charge_history,
    charge_status,
    connection,
    push_attempt,
    push_result,
)
from services.billing_bridge.outcomes import (
    Outcome,
    Standing,
    Status,
    Verdict,
    standing_after,
    standing_after_reversal,
    standing_once_retracted,
)
from services.billing_bridge.repository import charge_of, lock_open, pause_connections, stand
from shared.database.bulk import insert_new

LEASE: Final = timedelta(seconds=4 * PUSH_SECONDS_AT_MOST)
LATEST_START: Final = LEASE - timedelta(seconds=2 * PUSH_SECONDS_AT_MOST)
"""A push that could not begin until then is not begun: its end might come after the lease."""

ABANDONED: Final = Outcome(
    verdict=Verdict.UNKNOWN, reason="The pusher ended between the beginning and the end of this push."
)
RECOVERED_AT_MOST: Final = 500

_at_its_connection = and_(
    connection.c.instance_id == charge_status.c.instance_id, connection.c.system == charge_status.c.system
)

_is_where_it_went = connection.c.destination_id == charge_status.c.destination_id


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A charge that this pusher alone may push, until the lease ends."""

    instance_id: UUID
    charge: Charge
    number: int
    """Counts the charge's attempts: the fence against a pusher that wakes up after its lease."""
    url: str
    sealed_secret: str
    deduplicates: bool
    start_before: datetime
    reversing: bool
    """It is the reversal that is pushed (BILL-6)."""


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """A claimed charge, and how its push ended."""

    claimed: Claimed
    outcome: Outcome
    ended_at: datetime


async def claim_due(db: AsyncConnection, *, now: datetime, at_most: int) -> list[Claimed]:
    """Take charges that are due and write down that their pushes begin; commit before sending."""
    due = (
        select(charge_status.c.charge_id)
        .join(connection, _at_its_connection)
        .where(
            charge_status.c.next_attempt_at <= now,
            connection.c.active,
            or_(charge_status.c.status == Status.PENDING.value, _knows_its_key()),
            # Only where the charge went can it be reversed.
            or_(~charge_status.c.reversing, _is_where_it_went),
        )
        .order_by(charge_status.c.next_attempt_at)
        .limit(at_most)
        # Another pusher may hold the oldest rows right now: those are its to push.
        .with_for_update(skip_locked=True, of=charge_status)
        .cte("due")
    )
    claim = (
        update(charge_status)
        .where(charge_status.c.charge_id.in_(select(due.c.charge_id)))
        .values(
            status=Status.SENT.value,
            reason=None,
            changes=charge_status.c.changes + 1,
            attempts=charge_status.c.attempts + 1,
            tries=charge_status.c.tries + 1,
            next_attempt_at=None,
            lease_until=now + LEASE,
            destination_id=select(connection.c.destination_id).where(_at_its_connection).scalar_subquery(),
            changed_at=now,
        )
        .returning(charge_status.c.charge_id)
    )
    ids = (await db.execute(claim)).scalars().all()
    return await _begin(db, ids, now) if ids else []


def _knows_its_key() -> ColumnElement[bool]:
    # Only the receiver that may already have it can tell it from a new one.
    return and_(connection.c.deduplicates, _is_where_it_went)


async def _begin(db: AsyncConnection, ids: Sequence[UUID], now: datetime) -> list[Claimed]:
    facts = (
        select(
            charge,
            charge_status.c.attempts,
            charge_status.c.changes,
            charge_status.c.reversing,
            connection.c.url,
            connection.c.sealed_secret,
            connection.c.deduplicates,
        )
        .join(charge_status, charge_status.c.charge_id == charge.c.charge_id)
        .join(connection, _at_its_connection)
        .where(charge.c.charge_id.in_(ids))
    )
    rows = (await db.execute(facts)).mappings().all()
    await insert_new(db, push_attempt, [_attempt(row, now) for row in rows])
    await insert_new(db, charge_history, [_sent(row, now) for row in rows])
    return [_claimed(row, now) for row in rows]


def _attempt(row: RowMapping, now: datetime) -> dict[str, Any]:
    return {
        "charge_id": row["charge_id"],
        "number": row["attempts"],
        "instance_id": row["instance_id"],
        "started_at": now,
        "url": row["url"],
        "kind": "reversal" if row["reversing"] else "charge",
    }


def _sent(row: RowMapping, now: datetime) -> dict[str, Any]:
    return {
        "charge_id": row["charge_id"],
        "number": row["changes"],
        "instance_id": row["instance_id"],
        "at": now,
        "status": Status.SENT.value,
    }


def _claimed(row: RowMapping, now: datetime) -> Claimed:
    return Claimed(
        instance_id=row["instance_id"],
        charge=charge_of(row),
        number=row["attempts"],
        url=row["url"],
        sealed_secret=row["sealed_secret"],
        deduplicates=row["deduplicates"],
        start_before=now + LATEST_START,
        reversing=row["reversing"],
    )


async def close(db: AsyncConnection, pushed: Sequence[Pushed], *, now: datetime, chance: float) -> None:
    """Write down results. One that comes after the lease still counts, unless a newer attempt has begun."""
    await insert_new(db, push_result, [_result(one) for one in pushed])
    by_id = {one.claimed.charge.charge_id: one for one in pushed}
    rows = [row for row in await lock_open(db, list(by_id)) if _news_for(row, by_id[row["charge_id"]])]
    await stand(
        db,
        {
            row["charge_id"]: _standing(
                row,
                by_id[row["charge_id"]].outcome,
                deduplicates=by_id[row["charge_id"]].claimed.deduplicates,
                now=now,
                chance=chance,
            )
            for row in rows
        },
        rows,
        now=now,
    )
    gone = {
        (one.claimed.instance_id, one.claimed.charge.system)
        for one in pushed
        if one.outcome.pauses_connection
    }
    await pause_connections(db, sorted(gone), reason="The receiver answered that this address is gone (410).")


def _standing(
    row: RowMapping, outcome: Outcome, *, deduplicates: bool, now: datetime, chance: float
) -> Standing:
    after = standing_after(
        outcome,
        tries=row["tries"],
        uncertain=row["uncertain"],
        deduplicates=deduplicates,
        now=now,
        chance=chance,
    )
    if row["reversing"]:
        return standing_after_reversal(after)
    if row["retracted"]:
        return standing_once_retracted(after, deduplicates=deduplicates, now=now)
    return after


def _news_for(row: RowMapping, one: Pushed) -> bool:
    is_its_attempt = row["attempts"] == one.claimed.number
    return bool(is_its_attempt and (row["status"], one.outcome.verdict) != (Status.UNKNOWN, Verdict.UNKNOWN))


def _result(one: Pushed) -> dict[str, Any]:
    return {
        "charge_id": one.claimed.charge.charge_id,
        "number": one.claimed.number,
        "instance_id": one.claimed.instance_id,
        "ended_at": one.ended_at,
        "verdict": one.outcome.verdict.value,
        "reason": one.outcome.reason,
        "http_status": one.outcome.http_status,
        "receipt_id": one.outcome.receipt_id,
        "answer": one.outcome.answer,
    }


async def recover_abandoned(db: AsyncConnection, *, now: datetime, chance: float) -> int:
    """Find pushes whose lease has ended without a result: nobody knows whether they arrived (BILL-5)."""
    abandoned = (
        select(charge_status, connection.c.deduplicates)
        .join(connection, _at_its_connection)
        .where(charge_status.c.lease_until < now)
        .limit(RECOVERED_AT_MOST)
        # A locked row is being closed right now: it is not abandoned after all.
        .with_for_update(skip_locked=True, of=charge_status)
    )
    rows = (await db.execute(abandoned)).mappings().all()
    standings = {
        row["charge_id"]: _standing(row, ABANDONED, deduplicates=row["deduplicates"], now=now, chance=chance)
        for row in rows
    }
    await stand(db, standings, rows, now=now)
    return len(rows)
