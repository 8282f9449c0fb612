"""What can be done before a session is held."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.models import LOCATION
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_patients
from services.sessions.directory.use_cases import permit
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.domain import PlannedSession, session_id_of
from services.sessions.scheduling.repository import add_assignments, add_sessions
from services.sessions.templates.domain import Template, occurrences
from services.sessions.templates.repository import load_enabled_templates, schedule_exists
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, NotFoundProblem


async def generate_sessions(
    database: Database, identity: Identity, *, since: date, until: date, clock: Clock
) -> list[UUID]:
    """Make the sessions of all enabled templates for these days; twice gives the same (TPL-3)."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_TEMPLATES)
        await require_group_sessions(db)
        templates = await load_enabled_templates(db)
        zones = await _zones(db)
        planned = [
            one
            for template in templates
            for one in _planned(template, zones[template.location_id], since=since, until=until)
        ]
        await add_sessions(db, planned)
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="sessions.generated",
            subject=db.instance_id,
        )
    return [one.id for one in planned]


async def _zones(db: Transaction) -> dict[UUID, ZoneInfo]:
    rows = await db.all(db.rows_of(LOCATION, LOCATION.c.id, LOCATION.c.time_zone))
    return {row.id: ZoneInfo(row.time_zone) for row in rows}


def _planned(template: Template, zone: ZoneInfo, *, since: date, until: date) -> list[PlannedSession]:
    return [
        PlannedSession(
            id=session_id_of(template.id, one.on),
            template_id=template.id,
            location_id=template.location_id,
            held_on=one.on,
            title=template.title,
            starts_at=one.starts_at,
            duration_minutes=template.duration_minutes,
            leader_ids=template.leader_ids,
        )
        for one in occurrences(template, zone, since=since, until=until)
    ]


async def assign_schedule(
    database: Database,
    identity: Identity,
    schedule_id: UUID,
    *,
    patient_ids: Sequence[UUID],
    starts_on: date,
    ends_on: date | None,
    clock: Clock,
) -> None:
    """Enrol patients in all sessions of a schedule, later ones included (SCH-2).

    Raises `ConflictProblem`, naming which, when one of them has died or was discharged (SCH-5).
    """
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.ASSIGN_SCHEDULES)
        await require_group_sessions(db)
        if not await schedule_exists(db, schedule_id):
            raise NotFoundProblem("There is no such schedule template.")
        patients = await load_patients(db, patient_ids)
        gone = [
            number for number, one in enumerate(patient_ids) if not patients[one].in_treatment_on(starts_on)
        ]
        if gone:
            raise ConflictProblem(
                "Some of these patients have died or were discharged; nobody was assigned.",
                errors=[
                    {"pointer": f"#/patient_ids/{number}", "detail": "is not in treatment on starts_on"}
                    for number in gone
                ],
            )
        await add_assignments(
            db, schedule_id=schedule_id, patient_ids=patient_ids, starts_on=starts_on, ends_on=ends_on
        )
        await record_access(
            db, TRAIL, at=clock(), user_id=identity.user_id, action="schedule.assigned", subject=schedule_id
        )
