"""What can be done with instances and their settings."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.sessions.configuration.domain import InstanceSettings
from services.sessions.configuration.models import INSTANCE
from services.sessions.configuration.outgoing import publish_settings
from services.sessions.configuration.repository import add_instance, load_settings, store_settings
from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import access_of, add_super_admin, permit
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database
from shared.events.staff import ExternalSubject
from shared.identifiers import new_id
from shared.web.bodies import etag_of
from shared.web.identity import Identity
from shared.web.preconditions import refuse_stale


@dataclass(frozen=True, kw_only=True)
class Founded:
    """The ids that the tokens of an instance's first user carry."""

    instance_id: UUID
    administrator_id: UUID


async def any_instance(database: Database) -> bool:
    """Tell whether a customer organisation has been founded here."""
    async with database.reading_for_all() as connection:
        return (await connection.execute(select(INSTANCE.c.instance_id).limit(1))).first() is not None


async def found_instance(
    database: Database,
    *,
    name: str,
    login: str | None = None,
    password: str = "",
    external: ExternalSubject | None = None,
    clock: Clock,
) -> Founded:
    """Add a customer organisation, Group Sessions on, with a first Super Admin.

    A login is for the built-in issuer; without one the tokens come from elsewhere, perhaps with an `external`
    name for the user.
    """
    settings = InstanceSettings(
        name=name,
        use_group_sessions=True,
        view_individual_group_sessions=False,
        show_attendance_in_chart=False,
        show_preferred_name=False,
        integrated_billing=None,
        version=1,
    )
    instance_id = new_id()
    async with database.writing(instance_id) as db:
        await add_instance(db, settings)
        await publish_settings(db, settings, at=clock())
        administrator_id = await add_super_admin(
            db,
            first_name="First",
            last_name="Administrator",
            login=login,
            password=password,
            external=external,
            at=clock(),
        )
    return Founded(instance_id=instance_id, administrator_id=administrator_id)


async def read_settings(database: Database, identity: Identity) -> InstanceSettings:
    """Give the settings of the caller's instance."""
    async with database.reading(identity.instance_id) as db:
        await access_of(db, identity)
        return await load_settings(db)


async def change_settings(
    database: Database,
    identity: Identity,
    changes: dict[str, Any],
    *,
    if_match: str | None = None,
    clock: Clock,
) -> InstanceSettings:
    """Change settings; Super Admins only (SET-1). Raises `StaleProblem` where `if_match` is not of now."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.CHANGE_SETTINGS)
        before = await load_settings(db)
        refuse_stale(if_match, etag_of(before.version))
        await store_settings(db, changes, version=before.version)
        settings = InstanceSettings(**asdict(before) | changes | {"version": before.version + 1})
        await publish_settings(db, settings, at=clock())
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="settings.changed",
            subject=identity.instance_id,
        )
    return settings
