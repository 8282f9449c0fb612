"""What is shown: one set-based query each, straight to bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func

from services.billing_bridge.claims import ANSWER, RESULT
from services.billing_bridge.models import (
    charge,
    charge_history,
    charge_status,
    connection,
    push_attempt,
    push_result,
)
from services.billing_bridge.outcomes import Status
from services.billing_bridge.pacing import Pace
from services.billing_bridge.places import PLACE, at_its_connection, place_of
from services.billing_bridge.repository import HISTORY, opened_facts
from shared.database.fields import Fields, row_key
from shared.database.transactions import Transaction
from shared.web.bodies import json_bytes
from shared.web.cursors import Page, past, read_cursor, write_cursor

LISTED: Final = (
    *(
        charge.c[name]
        for name in (
            "charge_id", "system", "session_id", "patient_id", "mrn", "service_date", "form", "code", "units",
            "minutes", "made_at",
        )
    ),
    *(
        charge_status.c[name]
        for name in (
            "status", "reason", "attempts", "next_attempt_at", "receipt_id", "retracted", "reversing",
        )
    ),
)  # fmt: skip
"""What the report tells of each charge; `schemas.ListedCharge` says what it means."""

WHOLE: Final = (
    *LISTED,
    *(
        charge.c[name]
        for name in (
            "documentation_id", "description", "revenue_code", "modifiers", "place_of_service",
            "provider_name", "provider_npi", "group_size", "lacking", "replaces",
        )
    ),
)  # fmt: skip

SHOWN_OF_PLACE: Final = frozenset({"system", "status", "reason", "reversing"})
"""The rest of `PLACE` only tells why a charge waits."""

CONNECTION: Final = (
    *(
        connection.c[name]
        for name in (
            "system", "url", "deduplicates", "looks_up", "settings", "active", "paused_because", "changed_at",
            "pacing", "notice", "failures", "probe_at",
        )
    ),
    connection.c.sealed_certificate.is_not(None).label("has_client_certificate"),
)  # fmt: skip
"""Never a secret."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which part of the report is wanted (BILL-7)."""

    status: Status | None = None
    session_id: UUID | None = None
    patient_id: UUID | None = None
    cursor: str | None = None
    limit: int


async def charge_page(db: Transaction, wanted: Wanted) -> bytes:
    """List charges, oldest first."""
    # The same two columns stand in both tables: the order is taken from the one whose index fits.
    ordered = charge_status if wanted.status else charge
    keys = (ordered.c.made_at, ordered.c.charge_id)
    statement = _charges(db, *LISTED).order_by(*keys).limit(wanted.limit + 1)
    if wanted.status:
        statement = statement.where(
            charge_status.c.status == wanted.status.value, charge_status.c.instance_id == db.instance_id
        )
    for name in ("session_id", "patient_id"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(charge.c[name] == value)
    if wanted.cursor:
        statement = statement.where(past(wanted.cursor, keys))
    rows = [told(row, db.fields) for row in await _rows(db, statement)]
    return json_bytes(Page.of(rows, limit=wanted.limit, keys=("made_at", "charge_id")).body())


async def changed_page(db: Transaction, *, since: str, limit: int) -> bytes:
    """List charges behind a place in the feed, as they stand now; `next` is where to go on, now or later."""
    number = charge_status.c.feed_number
    reached = read_cursor(since, [int])[0] if since else 0
    statement = _charges(db, *LISTED, number).where(charge_status.c.instance_id == db.instance_id)
    rows = await _rows(db, statement.where(number > reached).order_by(number).limit(limit))
    last = rows[-1]["feed_number"] if rows else reached
    items = [
        told({name: value for name, value in row.items() if name != "feed_number"}, db.fields) for row in rows
    ]
    return json_bytes({"items": items, "next": write_cursor([last])})


def _charges(db: Transaction, *columns: ColumnElement[Any]) -> Select[Any]:
    place = (column for column in PLACE if str(column.key) not in SHOWN_OF_PLACE)
    return (
        db.rows_of(charge, *columns, *place)
        .join(charge_status, charge_status.c.charge_id == charge.c.charge_id)
        .join(connection, at_its_connection, isouter=True)
    )


def told(row: dict[str, Any], its: Fields) -> dict[str, Any]:
    """Give a charge as it is shown, with the reason that is true now in place of the one that was kept."""
    opened = opened_facts(row, its) | {"reason": place_of(row, its).told}
    hidden = {str(column.key) for column in PLACE} - SHOWN_OF_PLACE
    return {name: value for name, value in row.items() if name not in hidden} | opened


@dataclass(frozen=True, kw_only=True)
class ShownCharge:
    """A charge with all that happened to it."""

    patient_id: UUID
    version: int
    body: bytes


async def one_charge(db: Transaction, charge_id: UUID) -> ShownCharge | None:
    """Give a charge with its history and attempts, or None where this instance has no such one."""
    row = await db.one_or_none(
        _charges(db, *WHOLE, charge_status.c.changes).where(charge.c.charge_id == charge_id)
    )
    if row is None:
        return None
    facts = told(_named(row), db.fields)
    version = facts.pop("changes")
    facts["history"] = await _told_later(db, _history(db, charge_id), charge_id, {"reason": HISTORY})
    answers = {"reason": RESULT, "answer": ANSWER}
    facts["pushes"] = await _told_later(db, _attempts(db, charge_id), charge_id, answers)
    return ShownCharge(patient_id=row.patient_id, version=version, body=json_bytes(facts))


async def _told_later(
    db: Transaction, statement: Select[Any], charge_id: UUID, sealed: Mapping[str, str]
) -> list[dict[str, Any]]:
    rows = await _rows(db, statement)
    for row in rows:
        key = row_key(charge_id, row["number"])
        row |= {name: db.fields.unseal_any(row[name], place=its, row=key) for name, its in sealed.items()}
    return rows


def _history(db: Transaction, charge_id: UUID) -> Select[Any]:
    columns = (charge_history.c[name] for name in ("number", "at", "status", "reason", "user_id"))
    statement = db.rows_of(charge_history, *columns).where(charge_history.c.charge_id == charge_id)
    return statement.order_by(charge_history.c.number)


def _attempts(db: Transaction, charge_id: UUID) -> Select[Any]:
    begun = (push_attempt.c[name] for name in ("number", "kind", "message_id", "started_at"))
    ended = (
        push_result.c[name]
        for name in ("ended_at", "verdict", "reason", "http_status", "receipt_id", "answer")
    )
    same = and_(
        push_result.c.charge_id == push_attempt.c.charge_id, push_result.c.number == push_attempt.c.number
    )
    statement = db.rows_of(push_attempt, *begun, *ended).join(push_result, same, isouter=True)
    return statement.where(push_attempt.c.charge_id == charge_id).order_by(push_attempt.c.number)


async def counts(db: Transaction) -> bytes:
    """Count this instance's charges by status."""
    found = await db.all(
        db.rows_of(charge_status, charge_status.c.status, func.count().label("number")).group_by(
            charge_status.c.status
        )
    )
    by_status: dict[str, int] = {row.status: row.number for row in found}
    return json_bytes({"counts": {status.value: by_status.get(status.value, 0) for status in Status}})


async def connections(db: Transaction) -> list[dict[str, Any]]:
    """List this instance's connections."""
    rows = await _rows(db, db.rows_of(connection, *CONNECTION).order_by(connection.c.system))
    return [row | {"pacing": Pace.of(row["pacing"]).kept} for row in rows]


async def _rows(db: Transaction, statement: Select[Any]) -> list[dict[str, Any]]:
    return [_named(row) for row in await db.all(statement)]


def _named(row: Row[Any]) -> dict[str, Any]:
    # SQLAlchemy's column names are a kind of str that orjson takes for no key.
    return {str(name): value for name, value in row._mapping.items()}  # noqa: SLF001 - its public name
