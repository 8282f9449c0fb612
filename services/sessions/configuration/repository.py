"""Reading and writing settings."""

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import insert, update

from services.sessions.configuration.domain import InstanceSettings
from services.sessions.configuration.models import INSTANCE
from shared.database.transactions import Transaction
from shared.web.problems import ConflictProblem, NotFoundProblem


async def load_settings(db: Transaction) -> InstanceSettings:
    """Give this instance's settings; raises `NotFoundProblem` when there is no such instance."""
    row = await db.one_or_none(db.rows_of(INSTANCE))
    if row is None:
        raise NotFoundProblem("There is no such instance.")
    return InstanceSettings(**{one.name: getattr(row, one.name) for one in fields(InstanceSettings)})


async def add_instance(db: Transaction, settings: InstanceSettings) -> None:
    """Store a new instance."""
    await db.execute(insert(INSTANCE).values(instance_id=db.instance_id, **asdict(settings)))


async def store_settings(db: Transaction, changes: dict[str, Any], *, version: int) -> None:
    """Change settings that are still at `version`; raises `ConflictProblem` when they are not."""
    changed = await db.execute(
        update(INSTANCE)
        .where(INSTANCE.c.instance_id == db.instance_id, INSTANCE.c.version == version)
        .values(**changes, version=version + 1)
    )
    if changed.rowcount != 1:
        raise ConflictProblem("The settings were changed meanwhile; read them again.")


async def require_group_sessions(db: Transaction) -> InstanceSettings:
    """Give the settings; raises `ConflictProblem` where Group Sessions are switched off (SET-2)."""
    settings = await load_settings(db)
    if not settings.use_group_sessions:
        raise ConflictProblem(
            "Use Group Sessions is switched off for this instance; a Super Admin can switch it on."
        )
    return settings
