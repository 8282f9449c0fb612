"""What can be done with the tabs of the charts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.charts.access import Deed, audited
from services.charts.domain import READS_CHARTS
from services.charts.models import instance_settings
from services.charts.tabs.domain import Tab, TabKind, is_switched_on
from services.charts.tabs.repository import (
    add_tab,
    known_settings,
    load_tab,
    load_tabs,
    next_order,
    remove_tab,
    store_tab,
)
from shared.database.transactions import Database, Transaction
from shared.events.envelope import Envelope
from shared.events.settings import InstanceSettingsChanged
from shared.events.staff import Role
from shared.web.bodies import etag_of
from shared.web.instance_settings import instance_settings as settings_of
from shared.web.preconditions import require_match
from shared.web.problems import ConflictProblem

ARRANGES_CHARTS: Final = frozenset({Role.SUPER_ADMIN})
"""Who may change the patient settings, as any other setting (SET-1, TAB-2)."""


async def instances_switched_on(
    connection: AsyncConnection, envelopes: Sequence[Envelope[InstanceSettingsChanged]]
) -> list[UUID]:
    """Tell, before changes are kept, which instances they switch Group Sessions on for."""
    changes: dict[UUID, list[InstanceSettingsChanged]] = defaultdict(list)
    for envelope in envelopes:
        changes[envelope.instanceid].append(envelope.data)
    known = await known_settings(connection, changes)
    return [
        instance_id for instance_id, told in changes.items() if is_switched_on(known.get(instance_id), told)
    ]


async def read_tabs(database: Database, deed: Deed) -> list[Tab]:
    """List the tabs of all charts; raises `ForbiddenProblem`."""
    async with audited(database, deed, READS_CHARTS, subject=deed.identity.instance_id) as db:
        return await load_tabs(db)


async def read_tab(database: Database, deed: Deed, tab_id: UUID) -> Tab:
    """Give one tab; raises `ForbiddenProblem`, `NotFoundProblem`."""
    async with audited(database, deed, READS_CHARTS, subject=tab_id) as db:
        return await load_tab(db, tab_id)


async def create_tab(database: Database, deed: Deed, tab: Tab, *, last: bool) -> Tab:
    """Add a tab, after the others where it is to be the last; Super Admins only (TAB-2).

    One of the kind group sessions brings every documented note back (TAB-4). Raises `ForbiddenProblem`,
    and `ConflictProblem` for a second one (TAB-3) or where Group Sessions are switched off (SET-2).
    """
    async with audited(database, deed, ARRANGES_CHARTS, subject=tab.id) as db:
        if tab.kind is TabKind.GROUP_SESSIONS:
            await _require_group_sessions(db)
        placed = replace(tab, order=await next_order(db)) if last else tab
        await add_tab(db, placed)
        return placed


async def _require_group_sessions(db: Transaction) -> None:
    if not (await settings_of(db, instance_settings)).use_group_sessions:
        raise ConflictProblem("Use Group Sessions is switched off for this instance.")


async def change_tab(database: Database, deed: Deed, wanted: Tab, *, if_match: str | None) -> Tab:
    """Replace a tab over the version that was read; its kind stays. Super Admins only (TAB-2).

    Raises `ForbiddenProblem`, `NotFoundProblem`, `PreconditionNeededProblem`, `StaleProblem`.
    """
    async with audited(database, deed, ARRANGES_CHARTS, subject=wanted.id) as db:
        known = await load_tab(db, wanted.id)
        require_match(if_match, etag_of(known.version))
        changed = replace(wanted, kind=known.kind, version=known.version + 1)
        await store_tab(db, changed)
        return changed


async def delete_tab(database: Database, deed: Deed, tab_id: UUID, *, if_match: str | None) -> None:
    """Remove a tab and nothing that it showed; Super Admins only (TAB-5).

    Raises `ForbiddenProblem`, `NotFoundProblem`, `PreconditionNeededProblem`, `StaleProblem`.
    """
    async with audited(database, deed, ARRANGES_CHARTS, subject=tab_id) as db:
        known = await load_tab(db, tab_id)
        require_match(if_match, etag_of(known.version))
        await remove_tab(db, known)
