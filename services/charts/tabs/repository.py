"""Tabs as rows."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.charts.models import chart_tab, instance_settings
from services.charts.tabs.domain import FIRST_NAME, LAST_POSITION, Tab, TabKind
from shared.database.bulk import insert_new
from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.events.settings import InstanceSettingsChanged
from shared.identifiers import new_id
from shared.web.problems import ConflictProblem, NotFoundProblem


async def known_settings(
    connection: AsyncConnection, instance_ids: Iterable[UUID]
) -> dict[UUID, InstanceSettingsChanged]:
    """Give what instances had chosen until now."""
    statement = select(instance_settings).where(instance_settings.c.instance_id.in_(set(instance_ids)))
    return {
        row.instance_id: InstanceSettingsChanged.model_validate(row, from_attributes=True)
        for row in (await connection.execute(statement)).all()
    }


async def add_missing_tabs(connection: AsyncConnection, instance_ids: Iterable[UUID]) -> None:
    """Add a Group Sessions tab for each instance that has none (TAB-1)."""
    first = Tab(
        id=new_id(),
        name=FIRST_NAME,
        kind=TabKind.GROUP_SESSIONS,
        enabled=True,
        order=0,
        location_ids=(),
        version=1,
    )
    rows = [_row(instance_id, first) | {"id": new_id()} for instance_id in instance_ids]
    await insert_new(connection, chart_tab, rows)


async def load_tabs(db: Transaction) -> list[Tab]:
    """Give all tabs, in their order."""
    rows = await db.all(
        db.rows_of(chart_tab).order_by(chart_tab.c.position, chart_tab.c.name, chart_tab.c.id)
    )
    return [_tab(row) for row in rows]


async def load_tab(db: Transaction, tab_id: UUID) -> Tab:
    """Give one tab and keep others from changing it meanwhile; raises `NotFoundProblem`."""
    row = await db.one_or_none(db.rows_of(chart_tab).where(chart_tab.c.id == tab_id).with_for_update())
    if row is None:
        raise NotFoundProblem("There is no such tab.")
    return _tab(row)


async def next_order(db: Transaction) -> int:
    """Give the place after the last tab, or beside it where there is none after it."""
    row = await db.one_or_none(db.rows_of(chart_tab, func.coalesce(func.max(chart_tab.c.position) + 1, 0)))
    return min(int(row[0]), LAST_POSITION) if row else 0


async def add_tab(db: Transaction, tab: Tab) -> None:
    """Add a tab; raises `ConflictProblem` for a second one of a kind that exists once (TAB-3)."""
    insert = upsert(db.connection, chart_tab, _row(db.instance_id, tab)).on_conflict_do_nothing()
    if (await db.execute(insert)).rowcount != 1:
        raise ConflictProblem(
            "The charts have a tab of the kind group_sessions already; change that one instead."
        )


async def store_tab(db: Transaction, tab: Tab) -> None:
    """Replace what `load_tab` has given."""
    await db.execute(update(chart_tab).where(*_mine(db, tab)).values(_row(db.instance_id, tab)))


async def remove_tab(db: Transaction, tab: Tab) -> None:
    """Remove a tab; what it showed stays where it is (TAB-5)."""
    await db.execute(delete(chart_tab).where(*_mine(db, tab)))


def _mine(db: Transaction, tab: Tab) -> tuple[Any, ...]:
    return chart_tab.c.id == tab.id, chart_tab.c.instance_id == db.instance_id


def _row(instance_id: UUID, tab: Tab) -> dict[str, Any]:
    facts = asdict(tab)
    return {
        "instance_id": instance_id,
        "kind": facts.pop("kind").value,
        "position": facts.pop("order"),
        "location_ids": [str(one) for one in facts.pop("location_ids")],
        **facts,
    }


def _tab(row: Row[Any]) -> Tab:
    return Tab(
        id=row.id,
        name=row.name,
        kind=TabKind(row.kind),
        enabled=row.enabled,
        order=row.position,
        location_ids=tuple(UUID(one) for one in row.location_ids),
        version=row.version,
    )
