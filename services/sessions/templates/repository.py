"""Reading and writing templates and schedules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, delete, insert, update

from services.sessions.templates.domain import (
    Modality,
    OccurrenceChange,
    Schedule,
    Template,
    WeeklyOccurrence,
)
from services.sessions.templates.models import (
    OCCURRENCE_CHANGE,
    SCHEDULE,
    SCHEDULE_OCCURRENCE,
    TEMPLATE,
    TEMPLATE_LOCATION,
)
from shared.database.bulk import insert_new
from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.web.problems import NotFoundProblem, StaleProblem


async def add_template(db: Transaction, template: Template) -> None:
    """Store a new template."""
    values = _columns(template) | {"instance_id": db.instance_id, "location_id": template.home_id}
    await db.execute(insert(TEMPLATE).values(values))
    await _add_locations(db, template)


async def replace_template(db: Transaction, template: Template, *, version: int) -> None:
    """Store what a template is from now on; where it was made stays. Raises `StaleProblem`.

    No schedule has it any more at a location that it leaves, nor is an occurrence there changed.
    """
    await write_version(db, TEMPLATE, template.id, version=version, values=_columns(template))
    place, change = TEMPLATE_LOCATION.c, OCCURRENCE_CHANGE.c
    of_it = (place.template_id == template.id, place.instance_id == db.instance_id)
    await db.execute(delete(TEMPLATE_LOCATION).where(*of_it))
    await _add_locations(db, template)
    left = (change.template_id == template.id, change.location_id.not_in(template.location_ids))
    await db.execute(delete(OCCURRENCE_CHANGE).where(*left, change.instance_id == db.instance_id))
    elsewhere = db.rows_of(SCHEDULE, SCHEDULE.c.id).where(
        SCHEDULE.c.location_id.not_in(template.location_ids)
    )
    await _drop_from_schedules(db, template.id, SCHEDULE_OCCURRENCE.c.schedule_id.in_(elsewhere))


async def _add_locations(db: Transaction, template: Template) -> None:
    rows = [
        {
            "template_id": template.id,
            "location_id": location_id,
            "instance_id": db.instance_id,
            "position": position,
        }
        for position, location_id in enumerate(template.location_ids)
    ]
    await insert_new(db.connection, TEMPLATE_LOCATION, rows)


def _columns(template: Template) -> dict[str, Any]:
    values = asdict(template)
    for kept_elsewhere in ("changes", "location_ids", "home_id"):
        del values[kept_elsewhere]
    return values | {
        "leader_ids": [str(leader_id) for leader_id in template.leader_ids],
        "modality": template.modality.value,
        "exceptions": [day.isoformat() for day in template.exceptions],
    }


async def write_version(
    db: Transaction, table: Table, thing_id: UUID, *, version: int, values: Mapping[str, Any]
) -> None:
    """Write over the version that was read; raises `StaleProblem` when somebody else has by now."""
    mine = (table.c.id == thing_id, table.c.instance_id == db.instance_id, table.c.version == version)
    written = await db.execute(update(table).where(*mine).values({**values, "version": version + 1}))
    if written.rowcount != 1:
        raise StaleProblem("Somebody wrote meanwhile; read it again, then change what you have read.")


async def load_version(db: Transaction, table: Table, thing_id: UUID) -> int:
    """Give the version of a template or schedule that is there."""
    row = await db.one_or_none(db.rows_of(table, table.c.version).where(table.c.id == thing_id))
    assert row is not None  # noqa: S101 - it has just been loaded
    return int(row.version)


async def mark_template_deleted(db: Transaction, template_id: UUID, *, version: int, at: datetime) -> None:
    """Delete a template for all but what was documented (TPL-3); no schedule has it any more."""
    gone = {"deleted_at": at, "enabled": False}
    await write_version(db, TEMPLATE, template_id, version=version, values=gone)
    await _drop_from_schedules(db, template_id)


async def _drop_from_schedules(db: Transaction, template_id: UUID, *which: ColumnElement[bool]) -> None:
    entry = SCHEDULE_OCCURRENCE
    named = (entry.c.template_id == template_id, entry.c.instance_id == db.instance_id)
    await db.execute(delete(entry).where(*named, *which))


async def load_templates(db: Transaction, ids: Collection[UUID]) -> dict[UUID, Template]:
    """Give templates by id, deleted ones too; raises `NotFoundProblem` when one is missing."""
    rows = await db.all(db.rows_of(TEMPLATE).where(TEMPLATE.c.id.in_(ids)))
    if len(rows) != len(set(ids)):
        raise NotFoundProblem("There is no such group session template.")
    return {one.id: one for one in await _whole(db, rows)}


async def load_living_templates(db: Transaction, ids: Collection[UUID]) -> dict[UUID, Template]:
    """Give templates by id; raises `NotFoundProblem` when one is missing or was deleted."""
    living = TEMPLATE.c.deleted_at.is_(None)
    rows = await db.all(db.rows_of(TEMPLATE).where(TEMPLATE.c.id.in_(ids), living))
    if len(rows) != len(set(ids)):
        raise NotFoundProblem("There is no such group session template.")
    return {one.id: one for one in await _whole(db, rows)}


async def load_enabled_templates(db: Transaction) -> list[Template]:
    """Give all templates that yield sessions."""
    return await _whole(db, await db.all(db.rows_of(TEMPLATE).where(TEMPLATE.c.enabled)))


async def _whole(db: Transaction, rows: Sequence[Row[Any]]) -> list[Template]:
    if not rows:
        return []
    place, change = TEMPLATE_LOCATION, OCCURRENCE_CHANGE
    places: dict[UUID, list[UUID]] = {}
    changes: dict[UUID, list[OccurrenceChange]] = {}
    # Of the whole instance: there are few, and a statement takes only so many ids.
    for one in await db.all(db.rows_of(place).order_by(place.c.position)):
        places.setdefault(one.template_id, []).append(one.location_id)
    for one in await db.all(db.rows_of(change).order_by(change.c.on, change.c.location_id)):
        values = {field.name: getattr(one, field.name) for field in fields(OccurrenceChange)}
        changes.setdefault(one.template_id, []).append(OccurrenceChange(**values))
    return [_template(row, places[row.id], changes.get(row.id, [])) for row in rows]


def _template(row: Any, places: Sequence[UUID], changes: Sequence[OccurrenceChange]) -> Template:
    elsewhere = {"changes", "location_ids", "home_id"}
    values = {one.name: getattr(row, one.name) for one in fields(Template) if one.name not in elsewhere}
    values["leader_ids"] = tuple(UUID(leader_id) for leader_id in row.leader_ids)
    values["modality"] = Modality(row.modality)
    values["exceptions"] = tuple(date.fromisoformat(day) for day in row.exceptions)
    return Template(**values, home_id=row.location_id, location_ids=tuple(places), changes=tuple(changes))


async def store_changes(db: Transaction, template_id: UUID, changes: Sequence[OccurrenceChange]) -> None:
    """Move or cancel one occurrence at some locations; said again, the last one counts."""
    whose = {"template_id": template_id, "instance_id": db.instance_id}
    rows = [whose | asdict(change) for change in changes]
    statement = upsert(db.connection, OCCURRENCE_CHANGE, rows[0])
    new = statement.excluded
    said_last = {"moved_to": new.moved_to, "starts_at": new.starts_at}
    key = ["template_id", "location_id", "on"]
    await db.execute(statement.on_conflict_do_update(index_elements=key, set_=said_last), rows)


async def drop_changes(db: Transaction, template_id: UUID, on: date, places: Collection[UUID]) -> None:
    """Put one occurrence back to where the series has it, at these locations."""
    change = OCCURRENCE_CHANGE
    which = (change.c.template_id == template_id, change.c.on == on, change.c.location_id.in_(places))
    await db.execute(delete(change).where(*which, change.c.instance_id == db.instance_id))


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
    db: Transaction, *, schedule_id: UUID, title: str, occurrences: Sequence[WeeklyOccurrence], version: int
) -> None:
    """Store what a schedule is from now on; raises `StaleProblem`."""
    await write_version(db, SCHEDULE, schedule_id, version=version, values={"title": title})
    await _drop_occurrences(db, schedule_id)
    await _add_occurrences(db, schedule_id, occurrences)


async def mark_schedule_deleted(db: Transaction, schedule_id: UUID, *, version: int, at: datetime) -> None:
    """Delete a schedule; whoever was assigned to it is expected nowhere by it."""
    await write_version(db, SCHEDULE, schedule_id, version=version, values={"deleted_at": at})
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
