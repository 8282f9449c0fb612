"""What billers can do: decide about charges, and say where they go."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping

from services.billing_bridge.connecting import check_connection
from services.billing_bridge.connector import ConnectorKind
from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.decisions import (
    Before,
    Decided,
    Decision,
    DecisionRefusedError,
    standing_decided,
)
from services.billing_bridge.domain import Charge
from services.billing_bridge.models import audit_entry, staff_access
from services.billing_bridge.outcomes import Status
from services.billing_bridge.pacing import Pace
from services.billing_bridge.pushing import CERTIFICATE_PURPOSE, SECRET_PURPOSE
from services.billing_bridge.repository import (
    UNBROKEN,
    find_charge,
    find_connection,
    lock_status,
    put_connection,
    set_active,
    stand,
)
from services.billing_bridge.views import connections
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.events.staff import Feature, Role, Scope
from shared.identifiers import new_id
from shared.messaging.sealing import KeyRing
from shared.notices import NOTICE
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, NotFoundProblem
from shared.web.staff_access import require_any
from shared.web.staff_access import staff_access as access_of

BILLERS: Final = frozenset({Role.SUPER_ADMIN})
ACCOUNTANTS: Final = BILLERS | {Role.RECORDS_ADMIN}
"""Who may see what was disclosed of a patient, besides those with Manage Billing."""
BILLING_FEATURES: Final = frozenset({Feature.MANAGE_BILLING})


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What somebody wishes to do or see, as the audit trail will tell of it."""

    identity: Identity
    action: str
    at: datetime


@asynccontextmanager
async def as_biller(
    database: Database,
    deed: Deed,
    *,
    subject: object,
    patient_id: UUID | None = None,
    roles: frozenset[Role] = BILLERS,
    scope: Scope | None = None,
) -> AsyncIterator[Transaction]:
    """Let in one of the roles or a user with Manage Billing, and write it down (BILL-7, PERM-8).

    A service account is let in where its `scope` is enough.
    """
    async with database.writing(deed.identity.instance_id) as db:
        access = await access_of(db, staff_access, deed.identity.user_id, scope=scope)
        require_any(access, roles=roles, features=BILLING_FEATURES, scope=scope)
        yield db
        await record_access(
            db,
            audit_entry,
            at=deed.at,
            user_id=deed.identity.user_id,
            action=deed.action,
            subject=subject,
            patient_id=patient_id,
        )


async def decide(database: Database, deed: Deed, charge_id: UUID, *, decision: Decision, reason: str) -> None:
    """Hold, release, cancel or confirm one charge (BILL-7); raises `ConflictProblem` if it is too late.

    Released, it is pushed under its one key by a schedule that begins anew. For an unknown outcome the
    user vouches, by the reason, that the other side does not have it (BILL-5).
    """
    charge = await _known_charge(database, deed, charge_id)
    patient_id = charge.patient_id if charge else None
    async with as_biller(database, deed, subject=charge_id, patient_id=patient_id) as db:
        row = await lock_status(db, charge_id)
        if row is None or charge is None:
            raise NotFoundProblem("There is no such charge.")
        before = Before(
            status=Status(row["status"]),
            uncertain=row["uncertain"],
            retracted=row["retracted"],
            reversing=row["reversing"],
        )
        try:
            after = standing_decided(before, charge, Decided(decision=decision, reason=reason, at=deed.at))
        except DecisionRefusedError as error:
            raise ConflictProblem(str(error)) from None
        await stand(
            db.wide,
            {charge_id: after},
            [row],
            now=deed.at,
            user_id=deed.identity.user_id,
            restart=decision is not Decision.HOLD,
        )
        await db.ring()


async def _known_charge(database: Database, deed: Deed, charge_id: UUID) -> Charge | None:
    """Look it up first, so that the audit trail names the patient concerned."""
    async with database.reading(deed.identity.instance_id) as db:
        return await find_charge(db, charge_id)


async def pause_system(database: Database, deed: Deed, system: str, *, reason: str | None) -> dict[str, Any]:
    """Pause a connection for a reason, or resume it without one; what waits goes when it is resumed."""
    async with as_biller(database, deed, subject=system) as db:
        if await find_connection(db, system) is None:
            raise NotFoundProblem("This instance has no connection to a billing system of this name.")
        await set_active(db, system, paused_because=reason, at=deed.at, user_id=deed.identity.user_id)
        await db.ring()
        return next(one for one in await connections(db) if one["system"] == system)


@dataclass(frozen=True, kw_only=True)
class WantedConnection:
    """How an instance reaches a billing system."""

    url: str
    deduplicates: bool
    """The receiver is known to recognise a repeated idempotency key (BILL-5)."""
    active: bool
    secret: str | None = field(repr=False)
    """None keeps the secret there is, or makes one."""
    client_certificate: str | None = field(default=None, repr=False)
    """As above: None keeps what there is."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What else the connector can be told."""
    pace: Pace = field(default_factory=Pace)
    notice: str = NOTICE


async def connect_system(
    database: Database, deed: Deed, system: str, wanted: WantedConnection, *, keys: KeyRing, embedded: bool
) -> str | None:
    """Set where charges for `system` go; give the secret if one was made, which is shown this once alone."""
    async with as_biller(database, deed, subject=system) as db:
        kind = _kind_of(system)
        settings = check_connection(kind, wanted, embedded=embedded)
        before = await find_connection(db, system)
        made = kind.new_secret() if before is None and wanted.secret is None else None
        row = _connection_row(wanted, before, deed) | _sealed(wanted, before, made, keys)
        abilities = {"settings": settings, "looks_up": kind.looks_up(settings)}
        await put_connection(db, {"system": system, **row, **abilities})
        await db.ring()
    return made


def _kind_of(system: str) -> ConnectorKind:
    if system not in CONNECTORS:
        known = ", ".join(sorted(CONNECTORS))
        raise NotFoundProblem(f"There is no connector of this name; there are: {known}.")
    return CONNECTORS[system]


def _connection_row(wanted: WantedConnection, before: RowMapping | None, deed: Deed) -> dict[str, Any]:
    old = before or {"url": None, "destination_id": None}
    return {
        "url": wanted.url,
        "deduplicates": wanted.deduplicates,
        "active": wanted.active,
        "paused_because": None if wanted.active else "Switched off by a person.",
        # Another address has never seen the keys that were sent to this one.
        "destination_id": old["destination_id"] if old["url"] == wanted.url else new_id(),
        "changed_at": deed.at,
        "changed_by": deed.identity.user_id,
        "pacing": wanted.pace.kept,
        "rhythm": wanted.pace.rhythm,
        "notice": wanted.notice,
        **UNBROKEN,
    }


def _sealed(
    wanted: WantedConnection, before: RowMapping | None, made: str | None, keys: KeyRing
) -> dict[str, str | None]:
    secret, certificate = wanted.secret or made, wanted.client_certificate
    old = before or {"sealed_secret": "", "sealed_certificate": None}
    return {
        "sealed_secret": keys.seal(secret, purpose=SECRET_PURPOSE) if secret else old["sealed_secret"],
        "sealed_certificate": keys.seal(certificate, purpose=CERTIFICATE_PURPOSE)
        if certificate
        else old["sealed_certificate"],
    }
