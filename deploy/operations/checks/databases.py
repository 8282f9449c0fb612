"""The databases: reachable, at their heads, in time with us; and what of the ledger waits too long."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from alembic.script import ScriptDirectory
from sqlalchemy import Table, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.operations.checks.findings import Finding, broken, warning
from deploy.operations.checks.trust import field_keys
from deploy.operations.where import Where, tables_of
from services.billing_bridge.outcomes import Status
from services.billing_bridge.settings import BillingSettings
from shared.clock import now_utc
from shared.database.migrations import configuration
from shared.database.transactions import Database
from shared.messaging.failures import reason_of
from shared.messaging.sealing import KeyRing
from shared.messaging.tables import DeliveryState

SKEW_AT_MOST: Final = timedelta(seconds=2)
OPEN_AT_MOST: Final = timedelta(minutes=10)
"""Longer than the longest wait between two rings: whatever is open so long, nobody applies."""
LOOKED_AT: Final = 50


async def look_at_databases(where: Where) -> AsyncIterator[Finding]:
    """Look at each database that is known here."""
    for service in where.services:
        async with where.databases(service) as databases:
            async for finding in _look_at(where, service, databases[service]):
                yield finding


async def _look_at(where: Where, service: str, database: Database) -> AsyncIterator[Finding]:
    try:
        async with database.reading_for_all() as connection:
            revision = await _revision(connection)
            yield Finding(check=f"database.{service}", says=connection.dialect.name)
            yield await _skew(connection, service)
            yield _migrations(service, revision)
            if revision == _head(service):
                yield await field_keys(connection, database.field_keys, service)
                for finding in await _contents(connection, where, service):
                    yield finding
    except (DBAPIError, OSError) as error:
        yield broken(
            f"database.{service}", f"it can't be read ({reason_of(error)})", _where_it_is(where, service)
        )


def _where_it_is(where: Where, service: str) -> str:
    if where.folder:
        return f"See {where.folder.database(service)}; `opencircle restore --service {service}` puts it back."
    return f"Start it, or see OPENCIRCLE_{service.partition('_')[0].upper()}_DATABASE_URL."


async def _revision(connection: AsyncConnection) -> str | None:
    await connection.execute(text("SELECT 1"))
    async with connection.begin_nested() as attempt:
        try:
            found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        except DBAPIError:
            await attempt.rollback()
            return None
    return found


def _head(service: str) -> str | None:
    return ScriptDirectory.from_config(configuration(service)).get_current_head()


def _migrations(service: str, revision: str | None) -> Finding:
    check, head = f"migrations.{service}", _head(service)
    if revision == head:
        return Finding(check=check, says=f"at {head}")
    mend = f"Run `python -m shared.database.migrations upgrade {service}`; `up` does it by itself."
    return broken(check, f"at {revision or 'none'}, where this version needs {head}", mend)


async def _skew(connection: AsyncConnection, service: str) -> Finding:
    check = f"clock.{service}"
    if connection.dialect.name == "sqlite":
        return Finding(check=check, says="one machine, one clock")
    there: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    skew = abs(now_utc() - there)
    says = f"{skew.total_seconds():.1f} s between this machine and the database"
    if skew > SKEW_AT_MOST:
        return broken(check, says, "Have both keep time by NTP: what is due is told by the clock.")
    return Finding(check=check, says=says)


async def _contents(connection: AsyncConnection, where: Where, service: str) -> list[Finding]:
    tables = tables_of(service).tables
    findings = []
    if "delivery" in tables:
        findings += await _deliveries(connection, tables["delivery"], tables["event"], service)
    findings.append(await _sealed_answers(connection, tables["idempotency_key"], where, service))
    if service == "billing_bridge":
        findings += [
            await _connection_keys(connection, tables["connection"], where),
            await _unknown_charges(connection, tables["charge_status"]),
        ]
    return findings


async def _deliveries(
    connection: AsyncConnection, delivery: Table, event: Table, service: str
) -> list[Finding]:
    oldest = (
        select(delivery.c.consumer, func.count(), func.min(event.c.occurred_at))
        .join(event, event.c.id == delivery.c.event_id)
        .where(delivery.c.state == DeliveryState.OPEN.value)
        .group_by(delivery.c.consumer)
    )
    late = [
        f"{consumer}: {count}, the oldest of {at:%Y-%m-%d %H:%M} UTC"
        for consumer, count, at in (await connection.execute(oldest)).all()
        if now_utc() - at.astimezone(UTC) > OPEN_AT_MOST
    ]
    parked = await connection.scalar(
        select(func.count()).select_from(delivery).where(delivery.c.state == DeliveryState.PARKED.value)
    )
    return [
        broken(
            f"deliveries.{service}", "; ".join(late), "See that these workers run, and what their logs say."
        )
        if late
        else Finding(check=f"deliveries.{service}", says="none has waited longer than ten minutes"),
        broken(f"parked.{service}", f"{parked} deliveries are parked", "See why, then retry or skip them.")
        if parked
        else Finding(check=f"parked.{service}", says="none"),
    ]


async def _sealed_answers(connection: AsyncConnection, kept: Table, where: Where, service: str) -> Finding:
    """Of the answers that a service keeps sealed, the newest was sealed by the key that it has now."""
    newest = select(kept.c.body).where(kept.c.body.is_not(None)).order_by(kept.c.created_at.desc()).limit(1)
    body = (await connection.execute(newest)).scalar_one_or_none()
    check, ids = f"keys.{service}", where.settings.keys.keys
    key_id = bytes(body).partition(b".")[0].decode(errors="replace") if body else None
    if key_id is None or key_id in ids:
        return Finding(check=check, says="its message keys are those that are here")
    mend = "Give all processes one OPENCIRCLE_MESSAGE_KEYS, and restart those that have another one."
    return broken(check, f"it seals with the key {key_id}, which is not in the ring here", mend)


async def _connection_keys(connection: AsyncConnection, table: Table, where: Where) -> Finding:
    ring: KeyRing = where.read(BillingSettings).keys
    rows: Sequence[Any] = (
        await connection.execute(select(table.c.system, table.c.sealed_secret).limit(LOOKED_AT))
    ).all()
    lost = sorted({row.system for row in rows if row.sealed_secret.partition(".")[0] not in ring.keys})
    if not lost:
        says = f"billing connections, all of which can be opened: {len(rows)}" if rows else "none needed yet"
        return Finding(check="connection_keys", says=says)
    mend = "Put the missing key back into OPENCIRCLE_BILLING_CONNECTION_KEYS, or write the connections anew."
    return broken("connection_keys", f"no key opens the connections {', '.join(lost)}", mend)


async def _unknown_charges(connection: AsyncConnection, table: Table) -> Finding:
    count = await connection.scalar(
        select(func.count()).select_from(table).where(table.c.status == Status.UNKNOWN.value)
    )
    if not count:
        return Finding(check="unknown_charges", says="none")
    mend = "See `opencircle charges worklist`: ask the billing system whether it has them."
    return warning("unknown_charges", f"of {count} charges nobody knows whether they arrived", mend)
