"""What an instance has chosen, as services beside the configuration keep it from its events (SET-7)."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.events.envelope import Envelope
from shared.events.settings import InstanceSettingsChanged

NOTHING_HEARD: Final = InstanceSettingsChanged(
    version=0,
    use_group_sessions=False,
    view_individual_group_sessions=False,
    show_attendance_in_chart=False,
    show_preferred_name=False,
    integrated_billing=None,
)
"""Until the first event has come, everything that can be switched off is off."""


def instance_settings_table(metadata: MetaData) -> Table:
    """Add what instances have chosen to a service's tables."""
    return Table(
        "instance_settings",
        metadata,
        Column("instance_id", Uuid, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("use_group_sessions", Boolean, nullable=False),
        Column("view_individual_group_sessions", Boolean, nullable=False),
        Column("show_attendance_in_chart", Boolean, nullable=False),
        Column("show_preferred_name", Boolean, nullable=False),
        Column("integrated_billing", String(40)),
    )


async def keep_instance_settings(
    connection: AsyncConnection, table: Table, envelopes: Sequence[Envelope[InstanceSettingsChanged]]
) -> None:
    """Apply changes of settings; of two versions the newer one stays, whichever came first."""
    newest: dict[UUID, dict[str, Any]] = {}
    for envelope in sorted(envelopes, key=lambda one: one.data.version):
        newest[envelope.instanceid] = {"instance_id": envelope.instanceid, **envelope.data.model_dump()}
    if not newest:
        return
    example = next(iter(newest.values()))
    statement = upsert(connection, table, example)
    statement = statement.on_conflict_do_update(
        index_elements=["instance_id"],
        set_={name: statement.excluded[name] for name in example if name != "instance_id"},
        where=table.c.version < statement.excluded.version,
    )
    await connection.execute(statement, list(newest.values()))


async def instance_settings(db: Transaction, table: Table) -> InstanceSettingsChanged:
    """Give what this instance has chosen, as far as its events have told."""
    row = await db.one_or_none(db.rows_of(table))
    return InstanceSettingsChanged.model_validate(row, from_attributes=True) if row else NOTHING_HEARD
