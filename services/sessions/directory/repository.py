"""Reading and writing people and places; every statement takes any number of rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Table, select, update

from services.sessions.directory.domain import Location, Organization, Patient, StaffMember
from services.sessions.directory.models import (
    ACCOUNT,
    LOCATION,
    ORGANIZATION,
    PATIENT,
    STAFF_ACCESS,
    STAFF_MEMBER,
)
from services.sessions.directory.patient_rows import blind_mrn, opened_patient, sealed_patient
from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.events.staff import ExternalSubject, Feature, Role, StaffAccess
from shared.web.problems import ConflictProblem, NotFoundProblem

Entity = Organization | Location | StaffMember | Patient

TABLES: Final[Mapping[type[Entity], Table]] = {
    Organization: ORGANIZATION,
    Location: LOCATION,
    StaffMember: STAFF_MEMBER,
    Patient: PATIENT,
}


async def store(
    db: Transaction, entities: Sequence[Entity], *, kept_if_none: Collection[str] = ()
) -> set[UUID]:
    """Insert or update entities of one kind; give the ids of those that are new or have changed.

    `kept_if_none` are fields that stay as they are where an entity says nothing of them.
    """
    if not entities:
        return set()
    table = TABLES[type(entities[0])]
    known = await _known(db, table, [one.id for one in entities])
    merged = [_merged(asdict(one), known.get(one.id, {}), kept_if_none) for one in entities]
    # Compared here: what is sealed anew differs from what is stored even where the text is the same.
    changed = [one for one in merged if not one.items() <= known.get(one["id"], {}).items()]
    if changed:
        await _write(db, table, changed)
    return {one["id"] for one in changed}


async def _known(db: Transaction, table: Table, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    rows = await db.records(db.rows_of(table).where(table.c.id.in_(ids)).with_for_update())
    if table is PATIENT:
        rows = [opened_patient(db.fields, row) for row in rows]
    return {row["id"]: row for row in rows}


def _merged(new: dict[str, Any], known: Mapping[str, Any], kept_if_none: Collection[str]) -> dict[str, Any]:
    return {
        name: known.get(name) if value is None and name in kept_if_none else value
        for name, value in new.items()
    }


async def _write(db: Transaction, table: Table, entities: Sequence[Mapping[str, Any]]) -> None:
    rows = [{"instance_id": db.instance_id, **one} for one in entities]
    if table is PATIENT:
        rows = [sealed_patient(db.fields, row, patient_id=row["id"]) for row in rows]
    statement = upsert(db.connection, table, rows[0])
    values: dict[str, Any] = {
        name: statement.excluded[name] for name in rows[0] if name not in {"id", "instance_id"}
    }
    if "version" in table.c:
        values["version"] = table.c.version + 1
    await db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values), rows)


async def patient_ids_by_mrn(db: Transaction, mrns: Collection[str]) -> dict[str, UUID]:
    """Find patients by medical record number."""
    of_blind = {blind_mrn(db.fields, one): one for one in mrns}
    found = db.rows_of(PATIENT, PATIENT.c.mrn_blind, PATIENT.c.id).where(PATIENT.c.mrn_blind.in_(of_blind))
    return {of_blind[row.mrn_blind]: row.id for row in await db.all(found)}


async def load_location(db: Transaction, location_id: UUID) -> Location:
    """Give a location; raises `NotFoundProblem`."""
    return (await load_locations(db, {location_id}))[location_id]


async def load_locations(db: Transaction, ids: Collection[UUID]) -> dict[UUID, Location]:
    """Give locations by id; raises `NotFoundProblem` when one is missing."""
    rows = await db.all(db.rows_of(LOCATION).where(LOCATION.c.id.in_(ids)))
    if len(rows) != len(set(ids)):
        raise NotFoundProblem("There is no such location.")
    return {row.id: _as(Location, row) for row in rows}


async def load_staff(
    db: Transaction, ids: Collection[UUID], *, for_change: bool = False
) -> dict[UUID, StaffMember]:
    """Give members of staff by id; raises `NotFoundProblem` when one is missing.

    `for_change` keeps others from changing them, or what they may do, meanwhile.
    """
    statement = db.rows_of(STAFF_MEMBER).where(STAFF_MEMBER.c.id.in_(ids))
    rows = await db.all(statement.with_for_update() if for_change else statement)
    if len(rows) != len(set(ids)):
        raise NotFoundProblem("There is no such member of staff.")
    return {row.id: _as(StaffMember, row) for row in rows}


async def next_version_of_member(db: Transaction, user_id: UUID) -> int:
    """Count a change of a member of staff; give the new version."""
    member = (STAFF_MEMBER.c.id == user_id) & (STAFF_MEMBER.c.instance_id == db.instance_id)
    statement = update(STAFF_MEMBER).where(member).values(version=STAFF_MEMBER.c.version + 1)
    changed = await db.execute(statement.returning(STAFF_MEMBER.c.version))
    version: int = changed.scalar_one()
    return version


async def find_patients(db: Transaction, which: ColumnElement[bool]) -> list[Patient]:
    """Give the patients that fit."""
    names = [one.name for one in fields(Patient)]
    rows = await db.records(db.rows_of(PATIENT, *(PATIENT.c[name] for name in names)).where(which))
    return [Patient(**opened_patient(db.fields, row)) for row in rows]


async def load_patients(db: Transaction, ids: Collection[UUID]) -> dict[UUID, Patient]:
    """Give patients by id; raises `NotFoundProblem` when one is missing."""
    patients = await find_patients(db, PATIENT.c.id.in_(ids))
    if len(patients) != len(set(ids)):
        raise NotFoundProblem("There is no such patient.")
    return {patient.id: patient for patient in patients}


async def staff_ids_by_npi(db: Transaction, npis: Collection[str]) -> dict[str, UUID]:
    """Find members of staff by NPI."""
    found = db.rows_of(STAFF_MEMBER, STAFF_MEMBER.c.npi, STAFF_MEMBER.c.id).where(
        STAFF_MEMBER.c.npi.in_(npis)
    )
    return {row.npi: row.id for row in await db.all(found)}


async def load_access(db: Transaction, ids: Collection[UUID]) -> dict[UUID, StaffAccess]:
    """Give what users may do, for those that have an entry."""
    rows = await db.all(db.rows_of(STAFF_ACCESS).where(STAFF_ACCESS.c.user_id.in_(ids)))
    return {row.user_id: _access(row) for row in rows}


async def load_external(db: Transaction, ids: Collection[UUID]) -> dict[UUID, ExternalSubject]:
    """Give who users are to another issuer, for those that it has a name for."""
    table = STAFF_MEMBER
    named = db.rows_of(table, table.c.id, table.c.external_issuer, table.c.external_subject).where(
        table.c.id.in_(ids), table.c.external_subject.is_not(None)
    )
    return {
        row.id: ExternalSubject(issuer=row.external_issuer, subject=row.external_subject)
        for row in await db.all(named)
    }


async def staff_ids_by_subject(db: Transaction, issuer: str, subjects: Collection[str]) -> dict[str, UUID]:
    """Find members of staff by an issuer's own names for them."""
    table = STAFF_MEMBER
    found = db.rows_of(table, table.c.external_subject, table.c.id).where(
        table.c.external_issuer == issuer, table.c.external_subject.in_(subjects)
    )
    return {row.external_subject: row.id for row in await db.all(found)}


async def load_all_access(db: Transaction) -> list[StaffAccess]:
    """Give what each user of the instance may do."""
    return [_access(row) for row in await db.all(db.rows_of(STAFF_ACCESS))]


def _access(row: Any) -> StaffAccess:
    return StaffAccess(
        user_id=row.user_id,
        version=row.version,
        active=row.active,
        roles=frozenset(Role(role) for role in row.roles),
        features=frozenset(Feature(feature) for feature in row.features),
    )


async def load_super_admins(db: Transaction) -> set[UUID]:
    """Give the users who are active Super Admins."""
    active = db.rows_of(STAFF_ACCESS, STAFF_ACCESS.c.user_id, STAFF_ACCESS.c.roles).where(
        STAFF_ACCESS.c.active
    )
    return {row.user_id for row in await db.all(active) if Role.SUPER_ADMIN in row.roles}


async def store_access(db: Transaction, members: Sequence[StaffAccess]) -> None:
    """Write what users may do from now on."""
    rows = [
        {
            "user_id": member.user_id,
            "instance_id": db.instance_id,
            "version": member.version,
            "active": member.active,
            "roles": sorted(member.roles),
            "features": sorted(member.features),
        }
        for member in members
    ]
    statement = upsert(db.connection, STAFF_ACCESS, rows[0])
    changed = {name: statement.excluded[name] for name in ("version", "active", "roles", "features")}
    await db.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=changed), rows)


async def add_account(db: Transaction, *, user_id: UUID, login: str, password_hash: str) -> None:
    """Give a user a login of the built-in issuer; raises `ConflictProblem` for a second or a taken one."""
    values = {
        "user_id": user_id,
        "instance_id": db.instance_id,
        "login": login,
        "password_hash": password_hash,
    }
    added = await db.execute(upsert(db.connection, ACCOUNT, values).on_conflict_do_nothing())
    if added.rowcount != 1:
        raise ConflictProblem("This login is taken, or the user has one already.")


async def change_password(db: Transaction, *, user_id: UUID, password_hash: str) -> None:
    """Replace a stored hash, for example by one with today's parameters."""
    mine = (ACCOUNT.c.user_id == user_id, ACCOUNT.c.instance_id == db.instance_id)
    await db.execute(update(ACCOUNT).where(*mine).values(password_hash=password_hash))


def account_by_login(login: str) -> Any:
    """Select the account that a login names; the one look-up that does not know its instance yet."""
    joined = ACCOUNT.join(STAFF_MEMBER, STAFF_MEMBER.c.id == ACCOUNT.c.user_id)
    return select(ACCOUNT, STAFF_MEMBER.c.active).select_from(joined).where(ACCOUNT.c.login == login)


def _as(kind: type[Any], row: Any) -> Any:
    return kind(**{one.name: getattr(row, one.name) for one in fields(kind)})
