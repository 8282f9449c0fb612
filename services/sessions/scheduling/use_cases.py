"""Making sessions for some days, beyond the rolling horizon or before today."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import permit
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.generation import meeting_places, planned_sessions
from services.sessions.scheduling.repository import (
    add_sessions,
    load_caseloads,
    load_known_sessions,
    load_zones,
    lock_planning,
    therapists_at,
)
from services.sessions.templates.repository import load_enabled_templates
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem

GENERATED_AHEAD: Final = timedelta(days=366)


async def generate_sessions(
    database: Database, identity: Identity, *, since: date, until: date, clock: Clock
) -> list[UUID]:
    """Make the sessions of all enabled templates for these days; twice gives the same (TPL-3).

    Raises `ConflictProblem` for days that are further ahead than anybody plans.
    """
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_TEMPLATES)
        _require_near(until, today=clock().date())
        await require_group_sessions(db)
        await lock_planning(db)
        templates, zones = await load_enabled_templates(db), await load_zones(db)
        caseloads = await load_caseloads(db)
        planned = [
            one
            for template, location_id in meeting_places(templates)
            for one in planned_sessions(
                template,
                location_id,
                zones[location_id],
                since=since,
                until=until,
                therapists=therapists_at(template, location_id, caseloads),
            )
        ]
        moved = [one.id for one in planned if one.moved_from is not None]
        known = await load_known_sessions(db, since=since, moved=moved)
        await add_sessions(db, [one for one in planned if one.id not in known])
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="sessions.generated",
            subject=db.instance_id,
        )
    return [one.id for one in planned]


def _require_near(until: date, *, today: date) -> None:
    if until > today + GENERATED_AHEAD:
        raise ConflictProblem(
            f"Sessions are made {GENERATED_AHEAD.days} days ahead at most.",
            errors=[{"pointer": "#/until", "detail": f"must be {today + GENERATED_AHEAD} or earlier"}],
        )
