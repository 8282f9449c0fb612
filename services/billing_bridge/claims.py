"""Pushes as rows: claimed by one pusher with a lease, closed by their results, or found abandoned."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

import structlog
from sqlalchemy import RowMapping, ScalarSelect, Update, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.billing_bridge.connector import PUSH_SECONDS_AT_MOST, Unit
from services.billing_bridge.domain import Charge
from services.billing_bridge.due import Turn, lock_due, unit_of
from services.billing_bridge.gates import Key, lock_gates, note_begun, note_ended
from services.billing_bridge.models import (
    charge_history,
    charge_status,
    connection,
    push_attempt,
    push_result,
)
from services.billing_bridge.outcomes import (
    Outcome,
    Receiver,
    Standing,
    Status,
    Verdict,
    standing_after,
    standing_after_reversal,
    standing_once_retracted,
    standing_without_a_turn,
)
from services.billing_bridge.places import at_its_connection
from services.billing_bridge.repository import charge_of, lock_open, pause_connections, stand
from services.billing_bridge.unknowns import QUESTION, Whole, whole_messages
from shared.database.bulk import insert_new
from shared.database.fields import Fields, FieldUnsealableError, row_key
from shared.database.transactions import WideTransaction

log = structlog.get_logger()

LEASE: Final = timedelta(seconds=4 * PUSH_SECONDS_AT_MOST)
LATEST_START: Final = LEASE - timedelta(seconds=2 * PUSH_SECONDS_AT_MOST)
"""A push that could not begin until then is not begun: its end might come after the lease."""

ABANDONED: Final = Outcome(
    verdict=Verdict.UNKNOWN, reason="The pusher ended between the beginning and the end of this push."
)
RECOVERED_AT_MOST: Final = 500
RESULT: Final = "push_result.reason"
ANSWER: Final = "push_result.answer"
UNREADABLE: Final = "What is charged can't be read: its row is not as it was stored."
NO_UNITS: Final[Mapping[str, Unit]] = {}


class Kind(StrEnum):
    """What an attempt is about."""

    CHARGE = "charge"
    REVERSAL = "reversal"
    LOOK_UP = QUESTION
    """Nothing is pushed: the other side is asked whether it has what may have arrived (BILL-5)."""


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A charge that this pusher alone may push, until the lease ends."""

    instance_id: UUID
    charge: Charge
    number: int
    """Counts the charge's attempts: the fence against a pusher that wakes up after its lease."""
    message_id: UUID
    """Equal for all that go out in one message, each time the same; so has its look-up."""
    url: str
    sealed_secret: str = field(repr=False)
    sealed_certificate: str | None = field(default=None, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notice: str | None = None
    """The notice of redisclosure that its first attempt bore; each further one bears the same."""
    deduplicates: bool
    looks_up: bool
    start_before: datetime
    kind: Kind
    reversing: bool
    """It is the reversal that is pushed, or looked up (BILL-6)."""
    asked_about: Sequence[Charge] = ()
    """All charges of the message that is looked up, whatever became of them since; none: it can't be read."""


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """A claimed charge, and how its push ended."""

    claimed: Claimed
    outcome: Outcome
    ended_at: datetime


async def claim_due(
    db: WideTransaction,
    *,
    now: datetime,
    at_most: int,
    units: Mapping[str, Unit] = NO_UNITS,
    ordered: Collection[str] = (),
) -> list[Claimed]:
    """Take what is due for at most so many messages and write down that they begin; commit before sending.

    Of the instances whose fields `db` opens, where connections are open by their pace. `units` and
    `ordered` are those of `Turn`.
    """
    gates = await lock_gates(db.connection, of=db.fields.keys(), now=now, at_most=at_most)
    if not gates:
        return []
    turn = Turn(now=now, gates=gates, units=units, ordered=ordered)
    due = await lock_due(db.connection, turn, at_most=at_most)
    charges = await _opened(db, due, now=now)
    rows = [row for row in due if row["charge_id"] in charges]
    if not rows:
        return []
    await db.connection.execute(_claim([row["charge_id"] for row in rows], now))
    asked = {row["in_doubt"] for row in rows if _kind(row) is Kind.LOOK_UP} - {None}
    wholes = await whole_messages(db, asked)
    claimed = _asking(rows, _claimed(rows, charges, units, now), wholes)
    await insert_new(db.connection, push_attempt, [_attempt(one, now) for one in claimed])
    await insert_new(db.connection, charge_history, [_sent(row, now) for row in rows])
    messages = Counter(key for key, _ in {(_connection_of(one), one.message_id) for one in claimed})
    await note_begun(db.connection, gates, messages, now=now)
    return claimed


async def _opened(db: WideTransaction, rows: Sequence[RowMapping], *, now: datetime) -> dict[UUID, Charge]:
    """Open charges; one that does not open is held for a person, and stops no other."""
    charges: dict[UUID, Charge] = {}
    unreadable = []
    for row in rows:
        try:
            charges[row["charge_id"]] = charge_of(row, db.fields[row["instance_id"]])
        except FieldUnsealableError as error:
            log.exception("A charge can't be read.", code="charge.unreadable", what=str(error))
            unreadable.append(row)
    held = {row["charge_id"]: _unreadable(row) for row in unreadable}
    await stand(db, held, unreadable, now=now)
    return charges


def _unreadable(row: RowMapping) -> Standing:
    return Standing(
        status=Status.HELD, reason=UNREADABLE, uncertain=row["uncertain"], reversing=row["reversing"]
    )


def _connection_of(one: Claimed) -> Key:
    return one.instance_id, one.charge.system


def _claim(charge_ids: Sequence[UUID], now: datetime) -> Update:
    return (
        update(charge_status)
        .where(charge_status.c.charge_id.in_(charge_ids))
        .values(
            status=Status.SENT.value,
            reason=None,
            reason_blind=None,
            changes=charge_status.c.changes + 1,
            attempts=charge_status.c.attempts + 1,
            tries=charge_status.c.tries + 1,
            next_attempt_at=None,
            lease_until=now + LEASE,
            destination_id=_of_its_connection("destination_id"),
            notice=case(
                (charge_status.c.attempts == 0, _of_its_connection("notice")), else_=charge_status.c.notice
            ),
            changed_at=now,
            feed_number=None,
        )
    )


def _of_its_connection(name: str) -> ScalarSelect[Any]:
    return select(connection.c[name]).where(at_its_connection).scalar_subquery()


def _attempt(one: Claimed, now: datetime) -> dict[str, Any]:
    return {
        "charge_id": one.charge.charge_id,
        "number": one.number,
        "instance_id": one.instance_id,
        "started_at": now,
        "url": one.url,
        "kind": one.kind.value,
        "message_id": one.message_id,
    }


def _sent(row: RowMapping, now: datetime) -> dict[str, Any]:
    return {
        "charge_id": row["charge_id"],
        "number": row["changes"] + 1,
        "instance_id": row["instance_id"],
        "at": now,
        "status": Status.SENT.value,
    }


def _claimed(
    rows: Sequence[RowMapping], charges: Mapping[UUID, Charge], units: Mapping[str, Unit], now: datetime
) -> list[Claimed]:
    messages: dict[tuple[Any, ...], list[UUID]] = {}
    for row in rows:
        messages.setdefault(unit_of(row, units), []).append(row["charge_id"])
    names = {unit: _message_id(charge_ids, reversing=unit[2]) for unit, charge_ids in messages.items()}
    return [
        Claimed(
            instance_id=row["instance_id"],
            charge=charges[row["charge_id"]],
            number=row["attempts"] + 1,
            message_id=names[unit_of(row, units)],
            url=row["url"],
            sealed_secret=row["sealed_secret"],
            sealed_certificate=row["sealed_certificate"],
            settings=row["settings"],
            # A first attempt takes the connection's; one of before there were notices bore none.
            notice=row["notice"] if row["attempts"] else row["new_notice"],
            deduplicates=row["deduplicates"],
            looks_up=row["looks_up"],
            start_before=now + LATEST_START,
            kind=_kind(row),
            reversing=row["reversing"],
        )
        for row in rows
    ]


def _asking(
    rows: Sequence[RowMapping], claimed: Sequence[Claimed], wholes: Mapping[UUID, Whole]
) -> list[Claimed]:
    """Let look-ups ask for messages as they went out; of what nobody knows how it went, for what is here."""
    here: dict[UUID, list[Claimed]] = {}
    for one in sorted(claimed, key=lambda one: one.charge.charge_id):
        here.setdefault(one.message_id, []).append(one)
    alone = {
        message_id: Whole(charges=tuple(one.charge for one in its), notice=its[0].notice)
        for message_id, its in here.items()
    }
    return [
        _asking_for(wholes.get(row["in_doubt"], alone[one.message_id]), one, row["in_doubt"])
        if one.kind is Kind.LOOK_UP
        else one
        for row, one in zip(rows, claimed, strict=True)
    ]


def _asking_for(whole: Whole, one: Claimed, message_id: UUID | None) -> Claimed:
    return replace(
        one, message_id=message_id or one.message_id, notice=whole.notice, asked_about=whole.charges
    )


def _message_id(charge_ids: Sequence[UUID], *, reversing: bool) -> UUID:
    """Name a message after what it carries: the same charges are the same message."""
    if len(charge_ids) == 1 and not reversing:
        return charge_ids[0]
    names = ",".join(sorted(map(str, charge_ids)))
    return uuid5(min(charge_ids), f"{names}|{reversing}")


def _kind(row: RowMapping) -> Kind:
    # What is known best comes first: a question changes nothing over there.
    if row["uncertain"] and row["looks_up"]:
        return Kind.LOOK_UP
    return Kind.REVERSAL if row["reversing"] else Kind.CHARGE


async def close(db: WideTransaction, pushed: Sequence[Pushed], *, now: datetime, chance: float) -> None:
    """Write down results. One that comes after the lease still counts, unless a newer attempt has begun."""
    await insert_new(
        db.connection, push_result, [_result(one, db.fields[one.claimed.instance_id]) for one in pushed]
    )
    by_id = {one.claimed.charge.charge_id: one for one in pushed}
    rows = [
        row for row in await lock_open(db.connection, list(by_id)) if _news_for(row, by_id[row["charge_id"]])
    ]
    await stand(
        db,
        {
            row["charge_id"]: standing_of(
                row,
                by_id[row["charge_id"]].outcome,
                receiver=_receiver_of(by_id[row["charge_id"]].claimed),
                looked_up=by_id[row["charge_id"]].claimed.kind is Kind.LOOK_UP,
                now=now,
                chance=chance,
            )
            for row in rows
        },
        rows,
        now=now,
    )
    await note_ended(db.connection, _taken(pushed), now=now)
    gone = {
        (one.claimed.instance_id, one.claimed.charge.system)
        for one in pushed
        if one.outcome.pauses_connection
    }
    await pause_connections(
        db.connection, sorted(gone), reason="The receiver answered that this address is gone (410)."
    )


def _taken(pushed: Sequence[Pushed]) -> dict[Key, list[bool]]:
    """Say of each message, in the order in which they ended, whether the other side was there for it."""
    messages = {one.claimed.message_id: one for one in sorted(pushed, key=lambda one: one.ended_at)}
    taken: dict[Key, list[bool]] = {}
    for one in messages.values():
        if one.outcome.without_a_turn:
            continue
        taken.setdefault(_connection_of(one.claimed), []).append(_was_there(one))
    return taken


def _was_there(one: Pushed) -> bool:
    # "I don't have it" is an answer too.
    said_no = one.claimed.kind is Kind.LOOK_UP and one.outcome.verdict is Verdict.NOT_TAKEN
    return said_no or one.outcome.verdict in {Verdict.ACCEPTED, Verdict.REJECTED}


def _receiver_of(claimed: Claimed) -> Receiver:
    return Receiver(deduplicates=claimed.deduplicates, looks_up=claimed.looks_up)


def standing_of(
    row: RowMapping, outcome: Outcome, *, receiver: Receiver, looked_up: bool, now: datetime, chance: float
) -> Standing:
    """Say where the outcome of a push takes a charge that stands as its row says."""
    after = (
        standing_without_a_turn(outcome, uncertain=row["uncertain"], since=row["made_at"])
        if outcome.without_a_turn
        else standing_after(
            outcome,
            tries=row["tries"],
            uncertain=row["uncertain"],
            receiver=receiver,
            looked_up=looked_up,
            now=now,
            chance=chance,
        )
    )
    if row["reversing"]:
        return standing_after_reversal(after)
    if row["retracted"]:
        waits_for_look_up = after.uncertain and receiver.looks_up and after.next_attempt_at
        return (
            after
            if waits_for_look_up
            # Asked often enough: what is left is the key, or a person.
            else standing_once_retracted(after, receiver=replace(receiver, looks_up=False), now=now)
        )
    return after


def _news_for(row: RowMapping, one: Pushed) -> bool:
    is_its_attempt = row["attempts"] == one.claimed.number
    return bool(is_its_attempt and (row["status"], one.outcome.verdict) != (Status.UNKNOWN, Verdict.UNKNOWN))


def _result(one: Pushed, its: Fields) -> dict[str, Any]:
    row = row_key(one.claimed.charge.charge_id, one.claimed.number)
    return {
        "charge_id": one.claimed.charge.charge_id,
        "number": one.claimed.number,
        "instance_id": one.claimed.instance_id,
        "ended_at": one.ended_at,
        "verdict": one.outcome.verdict.value,
        "reason": its.seal_any(one.outcome.reason, place=RESULT, row=row),
        "http_status": one.outcome.http_status,
        "receipt_id": one.outcome.receipt_id,
        "answer": its.seal_any(one.outcome.answer, place=ANSWER, row=row),
    }


async def instances_with_abandoned(db: AsyncConnection, *, now: datetime) -> set[UUID]:
    """Give those that have pushes whose lease has ended."""
    statement = select(charge_status.c.instance_id).distinct().where(charge_status.c.lease_until < now)
    return set((await db.execute(statement)).scalars())


async def recover_abandoned(db: WideTransaction, *, now: datetime, chance: float) -> int:
    """Find pushes whose lease has ended without a result: nobody knows whether they arrived (BILL-5).

    Of the instances whose fields `db` opens.
    """
    abandoned = (
        select(charge_status, connection.c.deduplicates, connection.c.looks_up, push_attempt.c.message_id)
        .join(connection, at_its_connection)
        .join(
            push_attempt,
            (push_attempt.c.charge_id == charge_status.c.charge_id)
            & (push_attempt.c.number == charge_status.c.attempts),
        )
        .where(charge_status.c.lease_until < now, charge_status.c.instance_id.in_(db.fields.keys()))
        .limit(RECOVERED_AT_MOST)
        # A locked row is being closed right now: it is not abandoned after all.
        .with_for_update(skip_locked=True, of=charge_status)
    )
    rows = (await db.connection.execute(abandoned)).mappings().all()
    standings = {
        row["charge_id"]: standing_of(
            row,
            ABANDONED,
            receiver=Receiver(deduplicates=row["deduplicates"], looks_up=row["looks_up"]),
            looked_up=False,
            now=now,
            chance=chance,
        )
        for row in rows
    }
    await stand(db, standings, rows, now=now)
    messages = Counter(
        key for key, _ in {((row["instance_id"], row["system"]), row["message_id"]) for row in rows}
    )
    await note_ended(db.connection, {key: [False] * number for key, number in messages.items()}, now=now)
    return len(rows)
