"""Lists of people and places, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, cast, func, or_, select

from services.sessions.directory.models import (
    CARE_TEAM_MEMBER,
    LOCATION,
    PATIENT,
    STAFF_ACCESS,
    STAFF_MEMBER,
)
from shared.database.transactions import Transaction
from shared.events.staff import Role
from shared.web.cursors import Page, past

_STAFF_ORDER: Final = (STAFF_MEMBER.c.last_name, STAFF_MEMBER.c.first_name, STAFF_MEMBER.c.id)
_PATIENT_ORDER: Final = (PATIENT.c.last_name, PATIENT.c.first_name, PATIENT.c.id)
_LOCATION_ORDER: Final = (LOCATION.c.name, LOCATION.c.id)


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


async def patients(db: Transaction, wanted: PatientsWanted, *, cursor: str | None, limit: int) -> Page:
    """List patients by name."""
    statement = db.rows_of(PATIENT, *_without_instance(PATIENT))
    if wanted.name is not None:
        names = (PATIENT.c.first_name, PATIENT.c.last_name, PATIENT.c.preferred_name)
        statement = statement.where(begins(wanted.name, *names))
    if wanted.mrn is not None:
        statement = statement.where(PATIENT.c.mrn == wanted.mrn)
    if wanted.location_id is not None:
        statement = statement.where(PATIENT.c.location_id == wanted.location_id)
    if wanted.primary_therapist_id is not None:
        statement = statement.where(PATIENT.c.id.in_(_caseload(db, wanted.primary_therapist_id)))
    return await _page(db, statement, _PATIENT_ORDER, cursor=cursor, limit=limit)


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
