"""The data keys of all instances of one database: made once, read anew every minute."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import MetaData, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import now_utc
from shared.database.bulk import insert_new
from shared.database.fields import (
    BLIND_VERSION,
    FIRST_VERSION,
    DataKey,
    Fields,
    data_key_table,
    fields_from,
    new_data_key,
    unwrapped,
)
from shared.messaging.sealing import KeyRing

READ_AGAIN_AFTER: Final = timedelta(minutes=1)
"""How old a process's knowledge of an instance's data keys may be; `fields.USED_AFTER` is longer."""

# Every service has this table; what is asked here is the same in each.
_DATA_KEY: Final = data_key_table(MetaData())


@dataclass(frozen=True, kw_only=True)
class FieldKeys:
    """Opens the data keys of instances by the master keys."""

    master_keys: KeyRing
    clock: Callable[[], datetime] = now_utc
    _known: dict[UUID, tuple[Fields, float]] = field(default_factory=dict, init=False, repr=False)

    def known(self, instance_id: UUID) -> Fields | None:
        """Give the keys of an instance if they were read within the last minute."""
        fields, read_at = self._known.get(instance_id, (None, 0.0))
        fresh = time.monotonic() - read_at < READ_AGAIN_AFTER.total_seconds()
        return fields if fresh else None

    async def read(self, connection: AsyncConnection, instance_id: UUID) -> Fields | None:
        """Read the keys of an instance, committed ones alone: what others seal might never open again."""
        began = time.monotonic()
        keys = await self._stored(connection, instance_id)
        if not keys:
            return None
        fields = fields_from(keys, instance_id=instance_id, at=self.clock())
        self._known[instance_id] = (fields, began)
        return fields

    async def make(self, connection: AsyncConnection, instance_id: UUID) -> None:
        """Make the first keys of an instance; who else made some at the same moment wins."""
        now = self.clock()
        await self.store(
            connection,
            instance_id,
            [new_data_key(version, used_from=now) for version in (BLIND_VERSION, FIRST_VERSION)],
        )

    async def store(self, connection: AsyncConnection, instance_id: UUID, keys: list[DataKey]) -> None:
        """Store keys, wrapped; those whose version is there already stay as they are."""
        rows = [
            {
                "instance_id": instance_id,
                "version": one.version,
                "wrapped": one.wrapped_by(self.master_keys, instance_id),
                "used_from": one.used_from,
            }
            for one in keys
        ]
        await insert_new(connection, _DATA_KEY, rows)

    async def _stored(self, connection: AsyncConnection, instance_id: UUID) -> list[DataKey]:
        wanted = select(_DATA_KEY).where(_DATA_KEY.c.instance_id == instance_id)
        return [
            unwrapped(
                row.wrapped,
                instance_id=instance_id,
                version=row.version,
                used_from=row.used_from,
                by=self.master_keys,
            )
            for row in await connection.execute(wanted)
        ]
