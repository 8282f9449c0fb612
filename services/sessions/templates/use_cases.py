"""What can be done with group session templates."""

from collections.abc import Awaitable, Collection
from datetime import date, datetime, time
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.leading import require_leaders
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_locations
from services.sessions.directory.use_cases import permit
from services.sessions.metadata import TRAIL
from services.sessions.templates.domain import OccurrenceChange, Template, meets_on
from services.sessions.templates.models import TEMPLATE
from services.sessions.templates.repository import (
    add_template,
    drop_changes,
    load_living_templates,
    load_version,
    mark_template_deleted,
    replace_template,
    store_changes,
    write_version,
)
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.web.bodies import etag_of
from shared.web.identity import Identity
from shared.web.preconditions import refuse_stale, require_match
from shared.web.problems import ConflictProblem, NotFoundProblem


class Plan(Protocol):
    """Brings the sessions to come in line with the templates: what scheduling does for this floor."""

    def __call__(
        self, db: Transaction, *, now: datetime, changed: UUID | None = None, retimed: UUID | None = None
    ) -> Awaitable[None]:
        """Plan the instance; sessions of the template `changed` get its leaders.

        Raises `ConflictProblem` when patients of the template `retimed` would sit in two sessions at once.
        """

    def require_not_started(
        self, db: Transaction, template_id: UUID, on: date, places: Collection[UUID]
    ) -> Awaitable[None]:
        """Raise `ConflictProblem` when an occurrence at one of these locations was started (TPL-5)."""

    async def lock(self, db: Transaction) -> None:
        """Wait until nobody else plans or assigns; taken before any other row that both may want."""

    async def require_free(self, db: Transaction, patient_id: UUID, *, now: datetime) -> None:
        """Raise `ConflictProblem` when a patient's caseload groups overlap what the patient has (SCH-4)."""


async def create_template(
    database: Database, identity: Identity, template: Template, *, plan: Plan, clock: Clock
) -> None:
    """Add a group session template (TPL-1, TPL-2) and plan its first sessions.

    Raises `ConflictProblem` when billing is given and the instance has no billing system (SET-6), one of
    the leaders can't lead, or a caseload would sit in two sessions at once (SCH-4).
    """
    async with database.writing(identity.instance_id) as db:
        await _permit(db, identity, template)
        await add_template(db, template)
        # Nobody is assigned to it yet; of a caseload group the patients are there at once.
        await plan(db, now=clock(), retimed=template.id if template.caseload else None)
        await _record(db, identity, "template.created", template.id, clock())


async def edit_template(
    database: Database,
    identity: Identity,
    template: Template,
    *,
    if_match: str | None,
    plan: Plan,
    clock: Clock,
) -> int:
    """Replace a template; sessions that have started stay as they are (TPL-3). Give its new version.

    At a location that it leaves, what is to come is cancelled; at one that is new, its sessions begin.
    Raises `PreconditionNeededProblem`, `StaleProblem`, or `ConflictProblem` when patients would sit in two
    sessions at once (SCH-4).
    """
    async with database.writing(identity.instance_id) as db:
        await _permit(db, identity, template)
        before = (await load_living_templates(db, [template.id]))[template.id]
        version = await load_version(db, TEMPLATE, template.id)
        require_match(if_match, etag_of(version))
        await replace_template(db, template, version=version)
        retimed = None if template.meets_as(before) else template.id
        await plan(db, now=clock(), changed=template.id, retimed=retimed)
        await _record(db, identity, "template.changed", template.id, clock())
    return version + 1


async def _permit(db: Transaction, identity: Identity, template: Template) -> None:
    await permit(db, identity, Action.MANAGE_TEMPLATES)
    settings = await require_group_sessions(db)
    if template.billing is not None and settings.integrated_billing is None:
        raise ConflictProblem(
            "This instance has no integrated billing; leave `billing` out, or set it up first."
        )
    await load_locations(db, template.location_ids)
    await require_leaders(db, template.leader_ids)


async def delete_template(
    database: Database,
    identity: Identity,
    template_id: UUID,
    *,
    if_match: str | None,
    plan: Plan,
    clock: Clock,
) -> None:
    """Cancel the sessions to come of a template; what was documented is kept (TPL-3)."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_TEMPLATES)
        await require_group_sessions(db)
        await load_living_templates(db, [template_id])
        version = await _version(db, template_id, if_match)
        await mark_template_deleted(db, template_id, version=version, at=clock())
        await plan(db, now=clock())
        await _record(db, identity, "template.deleted", template_id, clock())


async def change_occurrence(
    database: Database,
    identity: Identity,
    template_id: UUID,
    on: date,
    *,
    moved_to: date | None,
    starts_at: time | None,
    location_id: UUID | None,
    if_match: str | None,
    plan: Plan,
    clock: Clock,
) -> int:
    """Move or cancel one occurrence that has not been held yet, at one location or at all (TPL-5).

    Gives the template's new version. Raises `StaleProblem`, or `ConflictProblem` when its session was started
    already, or patients would sit in two sessions at once (SCH-4).
    """
    async with database.writing(identity.instance_id) as db:
        template = await _with_occurrence(db, identity, template_id, on)
        places = _places(template, location_id)
        for location in (await load_locations(db, places)).values():
            today = clock().astimezone(ZoneInfo(location.time_zone)).date()
            if min(on, moved_to or on) < today:
                raise ConflictProblem(
                    "What is past can't be moved or cancelled, and nothing moves into the past."
                )
        changes = [
            OccurrenceChange(location_id=one, on=on, moved_to=moved_to, starts_at=starts_at) for one in places
        ]
        version = await _version(db, template_id, if_match)
        await write_version(db, TEMPLATE, template_id, version=version, values={})
        await store_changes(db, template_id, changes)
        await plan.require_not_started(db, template_id, on, places)
        await plan(db, now=clock(), retimed=template_id if moved_to else None)
        await _record(db, identity, "occurrence.changed", template_id, clock())
    return version + 1


async def restore_occurrence(
    database: Database,
    identity: Identity,
    template_id: UUID,
    on: date,
    *,
    location_id: UUID | None,
    if_match: str | None,
    plan: Plan,
    clock: Clock,
) -> int:
    """Put a moved or cancelled occurrence back to where the series has it (TPL-5); as `change_occurrence`."""
    async with database.writing(identity.instance_id) as db:
        template = await _with_occurrence(db, identity, template_id, on)
        places = _places(template, location_id)
        version = await _version(db, template_id, if_match)
        await write_version(db, TEMPLATE, template_id, version=version, values={})
        await drop_changes(db, template_id, on, places)
        await plan.require_not_started(db, template_id, on, places)
        await plan(db, now=clock(), retimed=template_id)
        await _record(db, identity, "occurrence.restored", template_id, clock())
    return version + 1


async def _version(db: Transaction, template_id: UUID, if_match: str | None) -> int:
    version = await load_version(db, TEMPLATE, template_id)
    refuse_stale(if_match, etag_of(version))
    return version


async def _with_occurrence(db: Transaction, identity: Identity, template_id: UUID, on: date) -> Template:
    await permit(db, identity, Action.MANAGE_TEMPLATES)
    await require_group_sessions(db)
    template = (await load_living_templates(db, [template_id]))[template_id]
    if not meets_on(template, on):
        raise NotFoundProblem("This group has no occurrence on that day.")
    return template


def _places(template: Template, location_id: UUID | None) -> tuple[UUID, ...]:
    if location_id is None:
        return template.location_ids
    if location_id not in template.location_ids:
        raise NotFoundProblem("This group does not meet at that location.")
    return (location_id,)


async def _record(db: Transaction, identity: Identity, action: str, subject: UUID, at: datetime) -> None:
    await record_access(db, TRAIL, at=at, user_id=identity.user_id, action=action, subject=subject)
