"""Lists of people and places, a page at a time."""

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Select, String, and_, cast, func, or_, select

from services.sessions.directory.known_patients import KnownPatient, KnownPatients, UnreadablePatient
from services.sessions.directory.models import (
    CARE_TEAM_MEMBER,
    LOCATION,
    PATIENT,
    STAFF_ACCESS,
    STAFF_MEMBER,
)
from services.sessions.directory.patient_rows import blind_mrn, opened_patient
from shared.database.fields import Fields, FieldUnsealableError
from shared.database.transactions import Transaction
from shared.events.staff import Role
from shared.web.cursors import Page, past, read_cursor, write_cursor

_STAFF_ORDER: Final = (STAFF_MEMBER.c.last_name, STAFF_MEMBER.c.first_name, STAFF_MEMBER.c.id)
_PLACE_OF_PATIENT: Final = (str, str, UUID)
_LOCATION_ORDER: Final = (LOCATION.c.name, LOCATION.c.id)

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class StaffWanted:
    """Which members of staff a list is of; None: all of them."""

    name: str | None = None
    active: bool | None = None
    role: Role | None = None


@dataclass(frozen=True, kw_only=True)
class PatientsWanted:
    """Which patients a list is of; None: all of them."""

    name: str | None = None
    """The beginning of the first, the last or the preferred name."""
    mrn: str | None = None
    location_id: UUID | None = None
    primary_therapist_id: UUID | None = None

    def fits(self, patient: KnownPatient) -> bool:
        """Whether a patient is to be listed, by what is known of all."""
        return (self.name is None or patient.begins(self.name)) and self.may_fit(patient)

    def may_fit(self, patient: KnownPatient | UnreadablePatient) -> bool:
        """Whether nothing but the name could rule a patient out."""
        return self.location_id is None or patient.location_id == self.location_id

    def condition(self, db: Transaction) -> ColumnElement[bool] | None:
        """Give what the database has to be asked; None: nothing."""
        asked = []
        if self.mrn is not None:
            asked.append(PATIENT.c.mrn_blind == blind_mrn(db.fields, self.mrn))
        if self.primary_therapist_id is not None:
            asked.append(PATIENT.c.id.in_(_caseload(db, self.primary_therapist_id)))
        return and_(*asked) if asked else None


async def locations(db: Transaction, *, cursor: str | None, limit: int) -> Page:
    """List locations by name."""
    rows = db.rows_of(LOCATION, *_without_instance(LOCATION))
    return await _page(db, rows, _LOCATION_ORDER, cursor=cursor, limit=limit)


async def staff(db: Transaction, wanted: StaffWanted, *, cursor: str | None, limit: int) -> Page:
    """List staff by name, with what they may do."""
    columns = (*_without_instance(STAFF_MEMBER), STAFF_ACCESS.c.roles, STAFF_ACCESS.c.features)
    joined = STAFF_MEMBER.outerjoin(STAFF_ACCESS, STAFF_ACCESS.c.user_id == STAFF_MEMBER.c.id)
    statement: Select[Any] = (
        select(*columns).select_from(joined).where(STAFF_MEMBER.c.instance_id == db.instance_id)
    )
    if wanted.name is not None:
        statement = statement.where(begins(wanted.name, STAFF_MEMBER.c.first_name, STAFF_MEMBER.c.last_name))
    if wanted.active is not None:
        statement = statement.where(STAFF_MEMBER.c.active.is_(wanted.active))
    if wanted.role is not None:
        # Both databases write a list of roles as text in one way, and no role has a quote in its name.
        statement = statement.where(cast(STAFF_ACCESS.c.roles, String).contains(f'"{wanted.role}"'))
    return await _page(db, statement, _STAFF_ORDER, cursor=cursor, limit=limit)


@dataclass(frozen=True, kw_only=True)
class PatientsPage(Page):
    """Some patients by name, and who can't be read."""

    unreadable: Sequence[UUID]
    """Nobody must be missing unseen. Whose name does not open is on the first page, `limit` at most."""

    def body(self) -> dict[str, Any]:
        """Give the page as the API shows it."""
        return super().body() | {"unreadable": self.unreadable}


async def patients(
    db: Transaction, wanted: PatientsWanted, known: KnownPatients, *, cursor: str | None, limit: int
) -> PatientsPage:
    """List patients by name."""
    everyone = await known.of(db)
    found = [one for one in everyone.patients if wanted.fits(one)]
    nameless = [one.id for one in everyone.unreadable if wanted.may_fit(one)]
    if (narrow := wanted.condition(db)) is not None:
        ids = {row.id for row in await db.all(db.rows_of(PATIENT, PATIENT.c.id).where(narrow))}
        found = [one for one in found if one.id in ids]
        nameless = [one for one in nameless if one in ids]
    if cursor is not None:
        place = tuple(read_cursor(cursor, _PLACE_OF_PATIENT))
        found, nameless = found[bisect_right(found, place, key=_place_of) :], []
    shown = found[:limit]
    rows = db.rows_of(PATIENT, *_without_instance(PATIENT)).where(PATIENT.c.id.in_([one.id for one in shown]))
    opened = _opened(db.fields, await db.records(rows))
    unreadable = [*nameless[:limit], *(one.id for one in shown if one.id not in opened)]
    if unreadable:
        log.error("Details of patients do not open.", code="patients.unreadable", count=len(unreadable))
    following = write_cursor(_place_of(shown[-1])) if len(found) > limit else None
    items = [opened[one.id] for one in shown if one.id in opened]
    return PatientsPage(items=items, next=following, unreadable=unreadable)


def _opened(fields: Fields, rows: Sequence[dict[str, Any]]) -> dict[UUID, dict[str, Any]]:
    opened = {}
    for row in rows:
        with suppress(FieldUnsealableError):
            opened[row["id"]] = opened_patient(fields, row)
    return opened


def _place_of(patient: KnownPatient) -> tuple[Any, ...]:
    return patient.last_name, patient.first_name, patient.id


def _caseload(db: Transaction, user_id: UUID) -> Select[Any]:
    return db.rows_of(CARE_TEAM_MEMBER, CARE_TEAM_MEMBER.c.patient_id).where(
        CARE_TEAM_MEMBER.c.user_id == user_id, CARE_TEAM_MEMBER.c.primary_therapist
    )


def begins(name: str, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    """Give the condition that one of the columns begins so, in any case."""
    # SQLite lowers ASCII alone; what is written as it is kept is found all the same.
    as_written = [column.startswith(name, autoescape=True) for column in columns]
    in_lower = [func.lower(column).startswith(name.lower(), autoescape=True) for column in columns]
    return or_(*as_written, *in_lower)


def _without_instance(table: Any) -> Sequence[Any]:
    return [column for column in table.c if column.name != "instance_id"]


async def _page(
    db: Transaction, statement: Select[Any], order: Sequence[Any], *, cursor: str | None, limit: int
) -> Page:
    if cursor is not None:
        statement = statement.where(past(cursor, order))
    rows = await db.records(statement.order_by(*order).limit(limit + 1))
    return Page.of(rows, limit=limit, keys=[column.name for column in order])
