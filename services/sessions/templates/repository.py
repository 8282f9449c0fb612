"""Reading and writing templates and schedules."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, insert, update

from services.sessions.templates.domain import (
    Modality,
    OccurrenceChange,
    Schedule,
    Template,
    WeeklyOccurrence,
)
from services.sessions.templates.models import OCCURRENCE_CHANGE, SCHEDULE, SCHEDULE_OCCURRENCE, TEMPLATE
from shared.database.bulk import insert_new
from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.web.problems import NotFoundProblem


async def add_template(db: Transaction, template: Template) -> None:
    """Store a new template."""
    await db.execute(insert(TEMPLATE).values(instance_id=db.instance_id, **_columns(template)))


async def replace_template(db: Transaction, template: Template) -> None:
    """Store what a template is from now on."""
    await db.execute(update(TEMPLATE).where(*_mine(db, template.id)).values(_columns(template)))


def _columns(template: Template) -> dict[str, Any]:
    values = asdict(template)
    del values["changes"]
    return values | {
        "leader_ids": [str(leader_id) for leader_id in template.leader_ids],
        "modality": template.modality.value,
        "exceptions": [day.isoformat() for day in template.exceptions],
    }


async def mark_template_deleted(db: Transaction, template_id: UUID, *, at: datetime) -> None:
    """Delete a template for all but what was documented (TPL-3); no schedule has it any more."""
    await db.execute(update(TEMPLATE).where(*_mine(db, template_id)).values(deleted_at=at, enabled=False))
    entry = SCHEDULE_OCCURRENCE
    named = (entry.c.template_id == template_id, entry.c.instance_id == db.instance_id)
    await db.execute(delete(entry).where(*named))


def _mine(db: Transaction, template_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return TEMPLATE.c.id == template_id, TEMPLATE.c.instance_id == db.instance_id


async def load_templates(db: Transaction, ids: Collection[UUID]) -> dict[UUID, Template]:
    """Give templates by id, deleted ones too; raises `NotFoundProblem` when one is missing."""
    rows = await db.all(db.rows_of(TEMPLATE).where(TEMPLATE.c.id.in_(ids)))
    if len(rows) != len(set(ids)):
        raise NotFoundProblem("There is no such group session template.")
    return {one.id: one for one in await _with_changes(db, rows)}


async def load_living_templates(db: Transaction, ids: Collection[UUID]) -> dict[UUID, Template]:
    """Give templates by id; raises `NotFoundProblem` when one is missing or was deleted."""
    living = TEMPLATE.c.deleted_at.is_(None)
    rows = await db.all(db.rows_of(TEMPLATE).where(TEMPLATE.c.id.in_(ids), living))
    if len(rows) != len(set(ids)):
        raise NotFoundProblem("There is no such group session template.")
    return {one.id: one for one in await _with_changes(db, rows)}


async def load_enabled_templates(db: Transaction) -> list[Template]:
    """Give all templates that yield sessions."""
    return await _with_changes(db, await db.all(db.rows_of(TEMPLATE).where(TEMPLATE.c.enabled)))


async def _with_changes(db: Transaction, rows: Sequence[Row[Any]]) -> list[Template]:
    change = OCCURRENCE_CHANGE
    changes: dict[UUID, list[OccurrenceChange]] = {}
    # Of the whole instance: there are few, and a statement takes only so many ids.
    for one in await db.all(db.rows_of(change).order_by(change.c.on)) if rows else ():
        changed = OccurrenceChange(on=one.on, moved_to=one.moved_to, starts_at=one.starts_at)
        changes.setdefault(one.template_id, []).append(changed)
    return [_template(row, changes.get(row.id, [])) for row in rows]


def _template(row: Any, changes: Sequence[OccurrenceChange]) -> Template:
    values = {one.name: getattr(row, one.name) for one in fields(Template) if one.name != "changes"}
    values["leader_ids"] = tuple(UUID(leader_id) for leader_id in row.leader_ids)
    values["modality"] = Modality(row.modality)
    values["exceptions"] = tuple(date.fromisoformat(day) for day in row.exceptions)
    return Template(**values, changes=tuple(changes))


async def store_change(db: Transaction, template_id: UUID, change: OccurrenceChange) -> None:
    """Move or cancel one occurrence; said again, the last one counts."""
    values = {"template_id": template_id, "instance_id": db.instance_id, **asdict(change)}
    statement = upsert(db.connection, OCCURRENCE_CHANGE, values)
    new = statement.excluded
    said_last = {"moved_to": new.moved_to, "starts_at": new.starts_at}
    await db.execute(statement.on_conflict_do_update(index_elements=["template_id", "on"], set_=said_last))


async def drop_change(db: Transaction, template_id: UUID, on: date) -> None:
    """Put one occurrence back to where the series has it."""
    change = OCCURRENCE_CHANGE
    which = (change.c.template_id == template_id, change.c.on == on, change.c.instance_id == db.instance_id)
    await db.execute(delete(change).where(*which))


async def add_schedule(
    db: Transaction,
    *,
    schedule_id: UUID,
    location_id: UUID,
    title: str,
    occurrences: Sequence[WeeklyOccurrence],
) -> None:
    """Store a new schedule template; an occurrence that is named twice is one."""
    values = {
        "id": schedule_id,
        "instance_id": db.instance_id,
        "location_id": location_id,
        "title": title,
    }
    await db.execute(insert(SCHEDULE).values(values))
    await _add_occurrences(db, schedule_id, occurrences)


async def replace_schedule(
    db: Transaction, *, schedule_id: UUID, title: str, occurrences: Sequence[WeeklyOccurrence]
) -> None:
    """Store what a schedule is from now on."""
    mine = (SCHEDULE.c.id == schedule_id, SCHEDULE.c.instance_id == db.instance_id)
    await db.execute(update(SCHEDULE).where(*mine).values(title=title))
    await _drop_occurrences(db, schedule_id)
    await _add_occurrences(db, schedule_id, occurrences)


async def mark_schedule_deleted(db: Transaction, schedule_id: UUID, *, at: datetime) -> None:
    """Delete a schedule; whoever was assigned to it is expected nowhere by it."""
    mine = (SCHEDULE.c.id == schedule_id, SCHEDULE.c.instance_id == db.instance_id)
    await db.execute(update(SCHEDULE).where(*mine).values(deleted_at=at))
    await _drop_occurrences(db, schedule_id)


async def _add_occurrences(
    db: Transaction, schedule_id: UUID, occurrences: Sequence[WeeklyOccurrence]
) -> None:
    rows = [
        {"schedule_id": schedule_id, "instance_id": db.instance_id, **asdict(occurrence)}
        for occurrence in occurrences
    ]
    await insert_new(db.connection, SCHEDULE_OCCURRENCE, rows)


async def _drop_occurrences(db: Transaction, schedule_id: UUID) -> None:
    entry = SCHEDULE_OCCURRENCE
    of_it = (entry.c.schedule_id == schedule_id, entry.c.instance_id == db.instance_id)
    await db.execute(delete(entry).where(*of_it))


async def load_schedules(db: Transaction, ids: Collection[UUID]) -> dict[UUID, Schedule]:
    """Give schedules with their occurrences; raises `NotFoundProblem` when one is missing or was deleted."""
    living = SCHEDULE.c.deleted_at.is_(None)
    rows = await db.all(db.rows_of(SCHEDULE).where(SCHEDULE.c.id.in_(ids), living))
    if len(rows) != len(set(ids)):
        raise NotFoundProblem("There is no such schedule template.")
    entry = SCHEDULE_OCCURRENCE
    entries = await db.all(db.rows_of(entry).where(entry.c.schedule_id.in_(ids)))
    return {row.id: _schedule(row, entries) for row in rows}


def _schedule(row: Any, entries: Sequence[Any]) -> Schedule:
    ordered = sorted((one.weekday, one.template_id) for one in entries if one.schedule_id == row.id)
    return Schedule(
        id=row.id,
        location_id=row.location_id,
        title=row.title,
        occurrences=tuple(
            WeeklyOccurrence(template_id=template_id, weekday=weekday) for weekday, template_id in ordered
        ),
    )
