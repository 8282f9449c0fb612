"""Worklists: what waits for the caller, the longest waiting first (DOC-7)."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.models import SIGNATURE
from services.sessions.documentation.views import leaders_of
from services.sessions.documentation.waiting import on_the_list_of, waits
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.models import SESSION
from services.sessions.sealed_columns import GROUP_NOTES
from services.sessions.templates.models import TEMPLATE
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.events.attention import Waiting
from shared.web.cursors import Page, past
from shared.web.identity import Identity

_SHOWN: Final = (
    "id",
    "documentation_id",
    "location_id",
    "template_id",
    "held_on",
    "title",
    "topic",
    "status",
    "starts_at",
    "duration_minutes",
    "version",
)
_ORDER: Final = (SESSION.c.starts_at, SESSION.c.id)


async def read_worklist(
    database: Database,
    identity: Identity,
    kind: Waiting,
    *,
    location_id: UUID | None,
    cursor: str | None,
    limit: int,
    clock: Clock,
) -> Page:
    """List the sessions that wait for the caller in this way; admins see those that wait for anybody."""
    now = clock()
    async with database.writing(identity.instance_id) as db:
        access = await permit(db, identity, Action.SEE_SESSIONS)
        await require_group_sessions(db)
        statement = (
            db.rows_of(SESSION, *(SESSION.c[name] for name in _SHOWN))
            .join(TEMPLATE, TEMPLATE.c.id == SESSION.c.template_id)
            .where(waits(db, kind, now=now), on_the_list_of(db, kind, access))
        )
        if location_id is not None:
            statement = statement.where(SESSION.c.location_id == location_id)
        if cursor is not None:
            statement = statement.where(past(cursor, _ORDER))
        found = await db.records(statement.order_by(*_ORDER).limit(limit + 1))
        rows = [GROUP_NOTES.opened(db.fields, row) for row in found]
        page = await _with_leaders(db, Page.of(rows, limit=limit, keys=[column.name for column in _ORDER]))
        await record_access(
            db, TRAIL, at=now, user_id=identity.user_id, action="worklist.seen", subject=kind.value
        )
    return page


async def _with_leaders(db: Transaction, page: Page) -> Page:
    leaders = await leaders_of(db, [one["id"] for one in page.items])
    signed = await signers_of(db, [one["documentation_id"] for one in page.items])
    items = []
    for one in page.items:
        of_it = signed.get(one["documentation_id"], set())
        led_by = [who | {"signed": who["id"] in of_it} for who in leaders.get(one["id"], [])]
        items.append({**one, "leaders": led_by})
    return Page(items=items, next=page.next)


async def signers_of(db: Transaction, documentation_ids: Collection[UUID | None]) -> dict[UUID, set[UUID]]:
    """Give who has signed these documentations."""
    known = [one for one in documentation_ids if one is not None]
    columns = (SIGNATURE.c.documentation_id, SIGNATURE.c.user_id)
    found: dict[UUID, set[UUID]] = {}
    for row in await db.all(db.rows_of(SIGNATURE, *columns).where(SIGNATURE.c.documentation_id.in_(known))):
        found.setdefault(row.documentation_id, set()).add(row.user_id)
    return found
