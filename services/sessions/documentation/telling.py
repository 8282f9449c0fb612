"""Tells once of each session that waits for somebody; the planner runs it (DOC-7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, literal, select, union_all

from services.sessions.configuration.repository import load_settings
from services.sessions.directory.permissions import Action, may
from services.sessions.directory.repository import load_all_access
from services.sessions.documentation.models import ATTENTION
from services.sessions.documentation.views import leaders_of
from services.sessions.documentation.waiting import waits
from services.sessions.documentation.worklists import signers_of
from services.sessions.metadata import LEDGER, SERVICE
from services.sessions.scheduling.models import SESSION
from services.sessions.stream.changes import note_waiting
from services.sessions.templates.models import TEMPLATE
from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.events.attention import SessionNeedsAttention, Waiting
from shared.events.catalogue import SESSION_NEEDS_ATTENTION
from shared.messaging.outbox import publish_all


async def tell_what_waits(db: Transaction, *, now: datetime) -> None:
    """Publish `SESSION_NEEDS_ATTENTION` once for each session, kind and documentation.

    Any number of planners at once tell once. While the feature is off nothing is told (SET-2).
    """
    if not (await load_settings(db)).use_group_sessions:
        return
    found = await db.all(union_all(*(_untold(db, kind, now) for kind in Waiting)))
    waiting = await _claim(db, found, now)
    if waiting:
        facts = {one.session_id: one for one in await _facts(db, waiting)}
        await note_waiting(db, list(facts.values()))
        await publish_all(db, LEDGER, source=SERVICE, event_type=SESSION_NEEDS_ATTENTION, facts=facts, at=now)


def _untold(db: Transaction, kind: Waiting, now: datetime) -> Any:
    told_for = func.coalesce(SESSION.c.documentation_id, SESSION.c.id, type_=SESSION.c.id.type)
    told = select(ATTENTION.c.session_id).where(
        ATTENTION.c.session_id == SESSION.c.id,
        ATTENTION.c.waiting == kind.value,
        ATTENTION.c.told_for == told_for,
    )
    columns = (SESSION.c.id.label("session_id"), literal(kind.value).label("waiting"))
    return (
        db.rows_of(SESSION, *columns, told_for.label("told_for"))
        .join(TEMPLATE, TEMPLATE.c.id == SESSION.c.template_id)
        .where(waits(db, kind, now=now), ~told.correlate(SESSION).exists())
    )


async def _claim(db: Transaction, found: Sequence[Row[Any]], now: datetime) -> Sequence[Row[Any]]:
    """Give what is ours to tell of: another planner may have told of some of it since they were found."""
    if not found:
        return []
    rows = [
        {**one._mapping, "instance_id": db.instance_id, "told_at": now}  # noqa: SLF001 - public in spite of its name
        # In one order everywhere, so that two planners wait for each other and never in a ring.
        for one in sorted(found, key=lambda one: (one.session_id, one.waiting))
    ]
    claim = upsert(db.connection, ATTENTION, rows[0]).on_conflict_do_nothing()
    returned = claim.returning(ATTENTION.c.session_id, ATTENTION.c.waiting, ATTENTION.c.told_for)
    return (await db.execute(returned, rows)).all()


async def _facts(db: Transaction, waiting: Sequence[Row[Any]]) -> list[SessionNeedsAttention]:
    leaders = await leaders_of(db, [one.session_id for one in waiting])
    signers = await signers_of(db, [one.told_for for one in waiting])
    staff = await load_all_access(db)
    starters = {one.user_id for one in staff if may(one, Action.START_OWN_OR_UNASSIGNED)}
    reviewers = {one.user_id for one in staff if may(one, Action.REVIEW)}
    facts = []
    for one in waiting:
        led_by = {who["id"] for who in leaders.get(one.session_id, [])}
        whose: dict[str, set[UUID]] = {
            Waiting.NOT_STARTED: led_by or starters,
            Waiting.INCOMPLETE: led_by,
            Waiting.AWAITING_SIGNATURE: led_by - signers.get(one.told_for, set()),
            Waiting.AWAITING_REVIEW: reviewers - led_by,
        }
        facts.append(
            SessionNeedsAttention(
                session_id=one.session_id,
                waiting=Waiting(one.waiting),
                user_ids=tuple(sorted(whose[one.waiting])),
            )
        )
    return facts
