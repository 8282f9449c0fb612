"""What can be done with schedule templates (SCH-1, SCH-5)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_location
from services.sessions.directory.use_cases import permit
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.assigning import require_no_clash
from services.sessions.scheduling.repository import load_zones, lock_planning
from services.sessions.scheduling.timetable import Claim, claims_of, patients_of_schedule
from services.sessions.templates.domain import Schedule, WeeklyOccurrence
from services.sessions.templates.models import SCHEDULE
from services.sessions.templates.repository import (
    add_schedule,
    load_living_templates,
    load_schedules,
    load_version,
    mark_schedule_deleted,
    replace_schedule,
)
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.bodies import etag_of
from shared.web.identity import Identity
from shared.web.preconditions import refuse_stale, require_match
from shared.web.problems import ConflictProblem


async def create_schedule(
    database: Database,
    identity: Identity,
    *,
    location_id: UUID,
    title: str,
    occurrences: Sequence[WeeklyOccurrence],
    clock: Clock,
) -> UUID:
    """Add a schedule template (SCH-1); raises `ConflictProblem` when a group does not meet there."""
    schedule_id = new_id()
    async with database.writing(identity.instance_id) as db:
        await _permit(db, identity)
        await load_location(db, location_id)
        await _require_fitting(db, location_id, occurrences)
        await add_schedule(
            db, schedule_id=schedule_id, location_id=location_id, title=title, occurrences=occurrences
        )
        await _record(db, identity, "schedule.created", schedule_id, clock())
    return schedule_id


async def edit_schedule(
    database: Database,
    identity: Identity,
    schedule_id: UUID,
    *,
    title: str,
    occurrences: Sequence[WeeklyOccurrence],
    if_match: str | None,
    clock: Clock,
) -> int:
    """Replace a schedule's title and occurrences: who is assigned to it follows, past rosters stay (SCH-5).

    Gives its new version. Raises `PreconditionNeededProblem`, `StaleProblem`, or `ConflictProblem` when
    somebody assigned would sit in two sessions at once (SCH-4).
    """
    async with database.writing(identity.instance_id) as db:
        await _permit(db, identity)
        await lock_planning(db)
        before = (await load_schedules(db, [schedule_id]))[schedule_id]
        version = await load_version(db, SCHEDULE, schedule_id)
        require_match(if_match, etag_of(version))
        await _require_fitting(db, before.location_id, occurrences)
        await _require_no_clash(db, before, occurrences, now=clock())
        await replace_schedule(
            db, schedule_id=schedule_id, title=title, occurrences=occurrences, version=version
        )
        await _record(db, identity, "schedule.changed", schedule_id, clock())
    return version + 1


async def _require_no_clash(
    db: Transaction, schedule: Schedule, occurrences: Sequence[WeeklyOccurrence], *, now: datetime
) -> None:
    if set(occurrences) <= set(schedule.occurrences):
        return
    today = now.astimezone((await load_zones(db))[schedule.location_id]).date()
    assigned = await patients_of_schedule(db, schedule.id, since=today)
    claims: dict[UUID, list[Claim]] = {}
    for row in assigned:
        days = claims_of(
            occurrences,
            location_id=schedule.location_id,
            starts_on=max(row.starts_on, today),
            ends_on=row.ends_on,
        )
        claims.setdefault(row.patient_id, []).extend(days)
    if claims:
        await require_no_clash(db, claims, without=[row.id for row in assigned])


async def delete_schedule(
    database: Database, identity: Identity, schedule_id: UUID, *, if_match: str | None, clock: Clock
) -> None:
    """Delete a schedule template: nobody is expected anywhere by it any more (SCH-5)."""
    async with database.writing(identity.instance_id) as db:
        await _permit(db, identity)
        await load_schedules(db, [schedule_id])
        version = await load_version(db, SCHEDULE, schedule_id)
        refuse_stale(if_match, etag_of(version))
        await mark_schedule_deleted(db, schedule_id, version=version, at=clock())
        await _record(db, identity, "schedule.deleted", schedule_id, clock())


async def _permit(db: Transaction, identity: Identity) -> None:
    await permit(db, identity, Action.MANAGE_TEMPLATES)
    await require_group_sessions(db)


async def _require_fitting(
    db: Transaction, location_id: UUID, occurrences: Sequence[WeeklyOccurrence]
) -> None:
    templates = await load_living_templates(db, [one.template_id for one in occurrences])
    if any(location_id not in template.location_ids for template in templates.values()):
        raise ConflictProblem("All groups of a schedule must meet at the schedule's own location.")
    if any(template.caseload for template in templates.values()):
        raise ConflictProblem("A caseload group has its patients from the care teams, not from a schedule.")


async def _record(db: Transaction, identity: Identity, action: str, subject: UUID, at: datetime) -> None:
    await record_access(db, TRAIL, at=at, user_id=identity.user_id, action=action, subject=subject)
