"""The billing worklist: what waits for a person, grouped by reason, decided one by one or together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, String, and_, cast, func, insert, or_, select

from services.billing_bridge.decisions import (
    ALLOWED,
    Before,
    Decided,
    Decision,
    DecisionRefusedError,
    standing_decided,
)
from services.billing_bridge.domain import Charge
from services.billing_bridge.models import audit_entry, charge, charge_status, connection
from services.billing_bridge.outcomes import Standing, Status
from services.billing_bridge.places import BEHIND, PLACE, at_its_connection, place_of, same_place
from services.billing_bridge.repository import charge_of, stand
from services.billing_bridge.use_cases import Deed, as_biller
from services.billing_bridge.waiting import Place
from shared.database.audit import Outcome
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id

IS_PENDING: Final = charge_status.c.status == Status.PENDING.value
FOR_A_PERSON: Final = (Status.HELD, Status.REJECTED, Status.UNKNOWN)


@dataclass(kw_only=True)
class Group:
    """Charges of one system that stand alike for the same cause."""

    group: str
    system: str
    status: Status
    reason: str
    goes_by_itself: bool
    """They are tried again without a person."""
    charges: int
    oldest_made_at: Any


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which charges of the worklist a decision is about, and from where on."""

    group: str | None
    """None is all of them."""
    after: UUID | None
    limit: int


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A charge that stays as it was, and why."""

    charge_id: UUID
    detail: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What one call did, and where the next one goes on; None is the end."""

    decided: int
    skipped: list[Skipped]
    next: UUID | None


async def groups(database: Database, deed: Deed) -> list[Group]:
    """Group what waits, the largest first: for a person, for its connection, or for its time."""
    async with as_biller(database, deed, subject=deed.identity.instance_id) as db:
        rows = (await db.execute(_counted(db))).mappings().all()
    found: dict[str, Group] = {}
    for row in rows:
        charge_id, _, reason = row["example"].partition(" ")
        example = dict(row) | {"charge_id": UUID(charge_id), "reason": reason or None}
        _add(found, place_of(example, db.fields), row)
    return sorted(found.values(), key=lambda one: (-one.charges, one.group))


def _counted(db: Transaction) -> Select[Any]:
    """Count what stands alike, with one of them as its example: equal reasons are sealed differently."""
    status = charge_status.c
    example = cast(status.charge_id, String) + " " + func.coalesce(status.reason, "")
    alike = _waiting(
        db,
        *(column for column in PLACE if column is not status.reason),
        status.reason_blind,
        status.made_at,
        example.label("example"),
    ).subquery()
    keys = [column for column in alike.c if column.key not in {"made_at", "example"}]
    return select(
        *keys,
        func.count().label("charges"),
        func.min(alike.c.made_at).label("oldest"),
        func.min(alike.c.example).label("example"),
    ).group_by(*keys)


def _add(found: dict[str, Group], place: Place, row: RowMapping) -> None:
    group = found.setdefault(
        place.group,
        Group(
            group=place.group,
            system=place.system,
            status=place.status,
            reason=place.cause,
            goes_by_itself=place.goes_by_itself,
            charges=0,
            oldest_made_at=row["oldest"],
        ),
    )
    group.charges += row["charges"]
    group.oldest_made_at = min(group.oldest_made_at, row["oldest"])


def _waiting(db: Transaction, *columns: ColumnElement[Any]) -> Select[Any]:
    """Show what waits for its time or its turn too; nobody decides about that together."""
    waits_for_its_time = or_(connection.c.probe_at.is_not(None), connection.c.rhythm.is_not(None), BEHIND)
    return _joined(db, *columns).where(or_(_is_open(), and_(IS_PENDING, waits_for_its_time)))


def _open(db: Transaction, *columns: ColumnElement[Any]) -> Select[Any]:
    return _joined(db, *columns).where(_is_open())


def _is_open() -> ColumnElement[bool]:
    waits_for_a_connection = or_(
        connection.c.system.is_(None), ~connection.c.active, and_(charge_status.c.reversing, ~same_place)
    )
    return or_(
        charge_status.c.status.in_([one.value for one in FOR_A_PERSON]),
        and_(IS_PENDING, waits_for_a_connection),
    )


def _joined(db: Transaction, *columns: ColumnElement[Any]) -> Select[Any]:
    return (
        db.rows_of(charge_status, *columns)
        .join(charge, charge.c.charge_id == charge_status.c.charge_id)
        .join(connection, at_its_connection, isouter=True)
    )


async def decide_together(database: Database, deed: Deed, decided: Decided, wanted: Wanted) -> Progress:
    """Decide about the charges of a group, or of the whole worklist, as many as `limit` in one call.

    What the state does not allow is skipped and named; each charge is audited for its own patient.
    """
    async with as_biller(database, deed, subject=wanted.group or "all") as db:
        rows = await _lock(db, decided.decision, wanted)
        chosen = [row for row in rows if wanted.group in (None, place_of(row, db.fields).group)]
        charges = await _charges(db, [row["charge_id"] for row in chosen])
        standings, skipped = _standings(chosen, charges, decided)
        changed = [row for row in chosen if row["charge_id"] in standings]
        await stand(db.wide, standings, changed, now=deed.at, user_id=deed.identity.user_id, restart=True)
        await _audit(db, deed, [charges[charge_id] for charge_id in standings])
        await db.ring()
    following = rows[-1]["charge_id"] if len(rows) == wanted.limit else None
    return Progress(decided=len(changed), skipped=skipped, next=following)


async def _lock(db: Transaction, decision: Decision, wanted: Wanted) -> Sequence[RowMapping]:
    others = [
        column for column in charge_status.c if column.key not in {"system", "status", "reason", "reversing"}
    ]
    statement = (
        _open(db, *others, *PLACE)
        .where(charge_status.c.status.in_([one.value for one in ALLOWED[decision]]))
        .order_by(charge_status.c.charge_id)
        .limit(wanted.limit)
        .with_for_update(of=charge_status)
    )
    if wanted.after:
        statement = statement.where(charge_status.c.charge_id > wanted.after)
    return (await db.execute(statement)).mappings().all()


async def _charges(db: Transaction, charge_ids: Sequence[UUID]) -> dict[UUID, Charge]:
    statement = db.rows_of(charge).where(charge.c.charge_id.in_(charge_ids))
    return {row["charge_id"]: charge_of(row, db.fields) for row in (await db.execute(statement)).mappings()}


def _standings(
    rows: Sequence[RowMapping], charges: dict[UUID, Charge], decided: Decided
) -> tuple[dict[UUID, Standing], list[Skipped]]:
    standings: dict[UUID, Standing] = {}
    skipped = []
    for row in rows:
        try:
            standings[row["charge_id"]] = standing_decided(before_of(row), charges[row["charge_id"]], decided)
        except DecisionRefusedError as error:
            skipped.append(Skipped(charge_id=row["charge_id"], detail=str(error)))
    return standings, skipped


def before_of(row: RowMapping) -> Before:
    """Read what a decision depends on."""
    return Before(
        status=Status(row["status"]),
        uncertain=row["uncertain"],
        retracted=row["retracted"],
        reversing=row["reversing"],
    )


async def _audit(db: Transaction, deed: Deed, charges: Sequence[Charge]) -> None:
    if charges:
        entry = {
            "instance_id": db.instance_id,
            "at": deed.at,
            "user_id": deed.identity.user_id,
            "action": deed.action,
            "outcome": Outcome.ALLOWED.value,
        }
        rows = [
            entry | {"id": new_id(), "subject": str(one.charge_id), "patient_id": one.patient_id}
            for one in charges
        ]
        await db.execute(insert(audit_entry), rows)
