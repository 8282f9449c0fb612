"""Reading and writing templates and schedules."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from services.sessions.templates.domain import Template, WeeklyOccurrence
from services.sessions.templates.models import SCHEDULE, SCHEDULE_OCCURRENCE, TEMPLATE
from shared.database.bulk import insert_new
from shared.database.transactions import Transaction
from shared.web.problems import NotFoundProblem


async def add_template(db: Transaction, template: Template) -> None:
    """Store a new template."""
    values = asdict(template) | {"leader_ids": [str(leader_id) for leader_id in template.leader_ids]}
    await db.execute(insert(TEMPLATE).values(instance_id=db.instance_id, **values))


async def load_templates(db: Transaction, ids: Collection[UUID]) -> dict[UUID, Template]:
    """Give templates by id; raises `NotFoundProblem` when one is missing."""
    rows = await db.all(db.rows_of(TEMPLATE).where(TEMPLATE.c.id.in_(ids)))
    if len(rows) != len(set(ids)):
        raise NotFoundProblem("There is no such group session template.")
    return {row.id: _template(row) for row in rows}


async def load_enabled_templates(db: Transaction) -> list[Template]:
    """Give all templates that yield sessions."""
    return [_template(row) for row in await db.all(db.rows_of(TEMPLATE).where(TEMPLATE.c.enabled))]


async def add_schedule(
    db: Transaction,
    *,
    schedule_id: UUID,
    location_id: UUID,
    title: str,
    occurrences: Sequence[WeeklyOccurrence],
) -> None:
    """Store a new schedule template; an occurrence that is named twice is one."""
    await db.execute(
        insert(SCHEDULE).values(
            id=schedule_id, instance_id=db.instance_id, location_id=location_id, title=title
        )
    )
    await insert_new(
        db.connection,
        SCHEDULE_OCCURRENCE,
        [
            {"schedule_id": schedule_id, "instance_id": db.instance_id, **asdict(occurrence)}
            for occurrence in occurrences
        ],
    )


async def schedule_exists(db: Transaction, schedule_id: UUID) -> bool:
    """Tell whether this instance has the schedule."""
    return (
        await db.one_or_none(db.rows_of(SCHEDULE, SCHEDULE.c.id).where(SCHEDULE.c.id == schedule_id))
        is not None
    )


def _template(row: Any) -> Template:
    values = {one.name: getattr(row, one.name) for one in fields(Template)}
    return Template(**values | {"leader_ids": tuple(UUID(leader_id) for leader_id in row.leader_ids)})
