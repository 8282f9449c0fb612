"""The data keys of all instances of one database: made once, read anew every minute."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, MetaData, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from shared.clock import now_utc
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
from shared.messaging.sealing import KeyRing, UnsealableError

READ_AGAIN_AFTER: Final = timedelta(minutes=1)
"""How old a process's knowledge of an instance's data keys may be; `fields.USED_AFTER` is longer."""

TRIED_OF_EACH: Final = 3

DATA_KEY: Final = data_key_table(MetaData())
"""Every service has this table; what is asked here is the same in each."""


class DataKeyUnopenableError(Exception):
    """The key that wrapped an instance's data key is no longer in OPENCIRCLE_FIELD_KEYS."""


@dataclass(frozen=True, kw_only=True)
class FieldKeys:
    """Opens the data keys of instances by the master keys, and remembers them for a minute."""

    master_keys: KeyRing
    clock: Callable[[], datetime] = now_utc
    _known: dict[UUID, tuple[Fields, float]] = field(default_factory=dict, init=False, repr=False)

    def known(self, instance_ids: Collection[UUID]) -> dict[UUID, Fields]:
        """Give those that were read within the last minute."""
        oldest = time.monotonic() - READ_AGAIN_AFTER.total_seconds()
        remembered = {one: self._known[one] for one in instance_ids if one in self._known}
        return {one: fields for one, (fields, read_at) in remembered.items() if read_at > oldest}

    def remember(self, fields: Mapping[UUID, Fields], *, read_at: float) -> None:
        """Keep what was read at that moment of `time.monotonic`.

        Committed keys alone: what others seal by a key that is rolled back never opens again.
        """
        self._known.update({one: (its, read_at) for one, its in fields.items()})

    def read(self, connection: Connection, instance_ids: Collection[UUID]) -> dict[UUID, Fields]:
        """Read the keys of those instances that have some; raises `DataKeyUnopenableError`."""
        now = self.clock()
        wanted = select(DATA_KEY).where(DATA_KEY.c.instance_id.in_(instance_ids))
        rows = connection.execute(wanted.order_by(DATA_KEY.c.instance_id)).all()
        return {
            one: fields_from([self.opened(row) for row in keys], instance_id=one, at=now)
            for one, keys in groupby(rows, key=attrgetter("instance_id"))
        }

    def opened(self, row: Row[Any]) -> DataKey:
        """Open a stored data key; raises `DataKeyUnopenableError`."""
        try:
            return unwrapped(
                row.wrapped,
                instance_id=row.instance_id,
                version=row.version,
                used_from=row.used_from,
                by=self.master_keys,
            )
        except UnsealableError:
            raise DataKeyUnopenableError(row.instance_id, row.version) from None

    def lost(self, connection: Connection) -> set[str]:
        """Give the ids of the master keys that wrap data keys and are missing here, or are other ones.

        Some data keys of each are tried, so that one broken row is no lost master key.
        """
        tried: dict[str, list[bool]] = {}
        for row in connection.execute(select(DATA_KEY)):
            of_its_master_key = tried.setdefault(row.wrapped.partition(".")[0], [])
            if len(of_its_master_key) < TRIED_OF_EACH:
                of_its_master_key.append(self.opens(row))
        return {one for one, opened in tried.items() if not any(opened)}

    def opens(self, row: Row[Any]) -> bool:
        """Tell whether a stored data key opens by a master key that is here."""
        try:
            self.opened(row)
        except DataKeyUnopenableError:
            return False
        return True

    def make(self, connection: Connection, instance_ids: Iterable[UUID]) -> None:
        """Make the first keys of instances; who else made some at the same moment wins."""
        versions, now = (BLIND_VERSION, FIRST_VERSION), self.clock()
        self.store(
            connection,
            # In one order everywhere, so that two transactions never wait for each other in a ring.
            [
                (one, new_data_key(version, used_from=now))
                for one in sorted(instance_ids)
                for version in versions
            ],
        )

    def store(self, connection: Connection, keys: Iterable[tuple[UUID, DataKey]]) -> None:
        """Store keys of instances, wrapped; those whose version is there already stay as they are."""
        rows = [
            {
                "instance_id": instance_id,
                "version": one.version,
                "wrapped": one.wrapped_by(self.master_keys, instance_id),
                "used_from": one.used_from,
            }
            for instance_id, one in keys
        ]
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(DATA_KEY).on_conflict_do_nothing(), rows)
