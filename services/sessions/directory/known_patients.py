"""The patients of an instance by name: names are sealed, so no database can put them in order."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import func

from services.sessions.directory.models import PATIENT
from services.sessions.directory.patient_rows import opened_patient
from shared.database.fields import Fields, FieldUnsealableError
from shared.database.transactions import Transaction

PATIENTS_AT_MOST: Final = 50_000
"""Of all instances together; about 25 MB. An instance with more of them is opened anew at each list."""

_COLUMNS: Final = ("id", "last_name", "first_name", "preferred_name", "location_id", "version")


class KnownPatient(NamedTuple):
    """What a list of patients is ordered and searched by; it sorts as lists of people are ordered."""

    last_name: str
    first_name: str
    id: UUID
    preferred_name: str | None
    location_id: UUID | None
    version: int

    def begins(self, name: str) -> bool:
        """Whether the first, the last or the preferred name begins so, in any case."""
        names = (self.first_name, self.last_name, self.preferred_name or "")
        return any(one.startswith(name) or one.lower().startswith(name.lower()) for one in names)


class UnreadablePatient(NamedTuple):
    """A patient whose name does not open: somebody wrote it past us."""

    id: UUID
    location_id: UUID | None


class _Stamp(NamedTuple):
    """Patients only become more, and their versions only grow: so the same one means the same patients."""

    patients: int
    versions: int


@dataclass(frozen=True, kw_only=True)
class Everyone:
    """All patients of an instance, at one moment."""

    patients: Sequence[KnownPatient] = field(repr=False)
    """By name."""
    unreadable: Sequence[UnreadablePatient] = ()


@dataclass(frozen=True, kw_only=True)
class _Known:
    stamp: _Stamp
    everyone: Everyone


class KnownPatients:
    """The patients of the instances whose lists were read last; each version is opened once a process."""

    def __init__(self, *, patients_at_most: int = PATIENTS_AT_MOST) -> None:
        self._at_most = patients_at_most
        self._known: OrderedDict[UUID, _Known] = OrderedDict()

    async def of(self, db: Transaction) -> Everyone:
        """Give all patients of the instance."""
        stamp = await _stamp(db)
        known = self._known.get(db.instance_id)
        if known is None or known.stamp != stamp:
            # What is written since the stamp was read is in it too, and then read once more.
            before = known.everyone.patients if known else ()
            known = _Known(stamp=stamp, everyone=await _read(db, before))
        self._keep(db.instance_id, known)
        return known.everyone

    def _keep(self, instance_id: UUID, known: _Known) -> None:
        self._known[instance_id] = known
        self._known.move_to_end(instance_id)
        while sum(one.stamp.patients for one in self._known.values()) > self._at_most:
            self._known.popitem(last=False)


async def _stamp(db: Transaction) -> _Stamp:
    counted = (func.count(), func.coalesce(func.sum(PATIENT.c.version), 0))
    (row,) = await db.all(db.rows_of(PATIENT, *counted))
    return _Stamp._make(row)


async def _read(db: Transaction, before: Sequence[KnownPatient]) -> Everyone:
    rows = await db.records(db.rows_of(PATIENT, *(PATIENT.c[name] for name in _COLUMNS)))
    # In a thread: of some thousands it takes a while, and others are served meanwhile.
    return await asyncio.to_thread(_opened, db.fields, rows, before)


def _opened(fields: Fields, rows: Sequence[dict[str, Any]], before: Sequence[KnownPatient]) -> Everyone:
    known = {(one.id, one.version): one for one in before}
    patients, unreadable = [], []
    for row in rows:
        try:
            patients.append(
                known.get((row["id"], row["version"])) or KnownPatient(**opened_patient(fields, row))
            )
        except FieldUnsealableError:
            unreadable.append(UnreadablePatient(id=row["id"], location_id=row["location_id"]))
    return Everyone(patients=sorted(patients), unreadable=unreadable)
