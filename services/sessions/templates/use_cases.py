"""What can be done with templates and schedules."""

from collections.abc import Sequence
from uuid import UUID

from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_location, load_staff
from services.sessions.directory.use_cases import permit
from services.sessions.metadata import TRAIL
from services.sessions.templates.domain import Template, WeeklyOccurrence
from services.sessions.templates.repository import add_schedule, add_template, load_templates
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem


async def create_template(
    database: Database, identity: Identity, template: Template, *, clock: Clock
) -> None:
    """Add a group session template (TPL-1, TPL-2).

    Raises `ConflictProblem` when billing is given and the instance has no billing system (SET-6).
    """
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_TEMPLATES)
        settings = await require_group_sessions(db)
        if template.billing is not None and settings.integrated_billing is None:
            raise ConflictProblem(
                "This instance has no integrated billing; leave `billing` out, or set it up first."
            )
        await load_location(db, template.location_id)
        await load_staff(db, template.leader_ids)
        await add_template(db, template)
        await record_access(
            db, TRAIL, at=clock(), user_id=identity.user_id, action="template.created", subject=template.id
        )


async def create_schedule(
    database: Database,
    identity: Identity,
    *,
    location_id: UUID,
    title: str,
    occurrences: Sequence[WeeklyOccurrence],
    clock: Clock,
) -> UUID:
    """Add a schedule template (SCH-1); raises `ConflictProblem` when a template is of another location."""
    schedule_id = new_id()
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_TEMPLATES)
        await require_group_sessions(db)
        await load_location(db, location_id)
        templates = await load_templates(db, {one.template_id for one in occurrences})
        if any(template.location_id != location_id for template in templates.values()):
            raise ConflictProblem("A schedule names occurrences of its own location only.")
        await add_schedule(
            db, schedule_id=schedule_id, location_id=location_id, title=title, occurrences=occurrences
        )
        await record_access(
            db, TRAIL, at=clock(), user_id=identity.user_id, action="schedule.created", subject=schedule_id
        )
    return schedule_id
