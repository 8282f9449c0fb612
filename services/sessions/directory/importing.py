"""Importing a FHIR R4 bulk export: what is good is kept, what is broken is named, twice is once."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.sessions.directory.domain import Location, Organization, Patient, StaffMember, StaffRole
from services.sessions.directory.fhir import BadLineError, Imported, read_line
from services.sessions.directory.repository import (
    Entity,
    load_access,
    load_external,
    load_staff,
    load_super_admins,
    patient_ids_by_mrn,
    staff_ids_by_npi,
    staff_ids_by_subject,
    store,
)
from services.sessions.directory.use_cases import LAST_SUPER_ADMIN, change_access, permit_staffing
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.events.staff import ExternalSubject, StaffAccess
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem

LINES_PER_TRANSACTION: Final = 500

KEPT_IF_NONE: Final = frozenset(
    {
        "preferred_name",
        "admitted_on",
        "discharged_on",
        "deceased_on",
        "location_id",
        "paper",
        "external_issuer",
        "external_subject",
    }
)
"""What is written through the API and stays when an export says nothing of it: an import revives nobody."""


@dataclass(frozen=True, kw_only=True)
class LineProblem:
    """A line that was not imported, and why."""

    line: int
    reason: str


@dataclass(kw_only=True)
class ImportReport:
    """What became of the lines of one file."""

    read: int = 0
    changed: int = 0
    unchanged: int = 0
    problems: list[LineProblem] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Line:
    number: int
    content: Imported


async def import_lines(
    database: Database,
    identity: Identity,
    lines: AsyncIterator[bytes],
    *,
    default_time_zone: str,
    issuer: str | None = None,
    clock: Clock,
) -> ImportReport:
    """Import NDJSON lines, some hundred in one transaction. Raises `ForbiddenProblem`.

    `default_time_zone` is given to locations that state none. `issuer` is that of the access tokens: it is
    the system of practitioners' identifiers that are its names for them.
    """
    report, batch = ImportReport(), list[tuple[int, bytes]]()
    number = 0

    def read(line: bytes) -> Imported:
        return read_line(
            line,
            instance_id=identity.instance_id,
            default_time_zone=default_time_zone,
            today=clock().date(),
            issuer=issuer,
        )

    async for line in lines:
        number += 1
        if line.strip():
            batch.append((number, line))
        if len(batch) == LINES_PER_TRANSACTION:
            await _import_batch(database, identity, _read(batch, report, read), report, clock)
            batch = []
    await _import_batch(database, identity, _read(batch, report, read), report, clock)
    return report


async def _import_batch(
    database: Database, identity: Identity, lines: list[_Line], report: ImportReport, clock: Clock
) -> None:
    async with database.writing(identity.instance_id) as db:
        # One import after the other: what two files say of one number is seen by the second.
        await permit_staffing(db, identity)
        lines = await _with_own_mrns(db, lines, report)
        lines = await _with_own_subjects(db, lines, report)
        lines = await _with_a_super_admin(db, lines, report)
        external = await load_external(db, _members(lines))
        for kind in (Organization, Location, StaffMember, Patient):
            await _store_kind(db, kind, lines, report)
        await _follow_standing(db, lines, external, clock)
        await _follow_roles(db, lines, report, clock)
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="directory.imported",
            subject=db.instance_id,
        )


def _read(
    batch: Sequence[tuple[int, bytes]], report: ImportReport, read: Callable[[bytes], Imported]
) -> list[_Line]:
    lines = []
    report.read += len(batch)
    for number, line in batch:
        try:
            lines.append(_Line(number=number, content=read(line)))
        except BadLineError as error:
            report.problems.append(LineProblem(line=number, reason=error.reason))
    return lines


async def _with_own_mrns(db: Transaction, lines: list[_Line], report: ImportReport) -> list[_Line]:
    """Leave out patients whose MRN another patient has, in this batch or before it."""
    mrns = {line.content.mrn for line in lines if isinstance(line.content, Patient)}
    owners = await patient_ids_by_mrn(db, mrns) if mrns else {}
    kept = []
    for line in lines:
        one = line.content
        if isinstance(one, Patient) and owners.setdefault(one.mrn, one.id) != one.id:
            reason = "Patient.identifier: another patient has this medical record number"
            report.problems.append(LineProblem(line=line.number, reason=reason))
        else:
            kept.append(line)
    return kept


async def _with_own_subjects(db: Transaction, lines: list[_Line], report: ImportReport) -> list[_Line]:
    """Leave out staff whom the issuer knows by a name that is another's, in this batch or before it."""
    members = [one for one in _members(lines).values() if one.external_subject]
    if not members:
        return lines
    owners = await staff_ids_by_subject(
        db, str(members[0].external_issuer), {str(one.external_subject) for one in members}
    )
    kept = []
    for line in lines:
        one = line.content
        subject = one.external_subject if isinstance(one, StaffMember) else None
        if isinstance(one, StaffMember) and subject and owners.setdefault(subject, one.id) != one.id:
            reason = "Practitioner.identifier: another member of staff is known to the issuer by this"
            report.problems.append(LineProblem(line=line.number, reason=reason))
        else:
            kept.append(line)
    return kept


async def _with_a_super_admin(db: Transaction, lines: list[_Line], report: ImportReport) -> list[_Line]:
    """Leave out the staff who have left, when no Super Admin of the instance would stay."""
    left = {
        line.content.id for line in lines if isinstance(line.content, StaffMember) and not line.content.active
    }
    admins = await load_super_admins(db) if left else set()
    if not admins or not admins <= left:
        return lines
    going = [line for line in lines if isinstance(line.content, StaffMember) and line.content.id in admins]
    reason = f"Practitioner.active: {LAST_SUPER_ADMIN}"
    report.problems += [LineProblem(line=line.number, reason=reason) for line in going]
    return [line for line in lines if line not in going]


async def _store_kind(
    db: Transaction, kind: type[Entity], lines: Sequence[_Line], report: ImportReport
) -> None:
    # Of one resource that stands twice in a file, the later line is the newer.
    entities = {line.content.id: line.content for line in lines if isinstance(line.content, kind)}
    try:
        changed = await store(db, list(entities.values()), kept_if_none=KEPT_IF_NONE)
    except IntegrityError:
        # Imports wait for each other; it was added, or changed, by hand since the look-up.
        raise ConflictProblem(
            "Somebody wrote the same record number, or subject of the issuer, meanwhile; import again."
        ) from None
    report.changed += len(changed)
    report.unchanged += sum(isinstance(line.content, kind) for line in lines) - len(changed)


def _members(lines: Sequence[_Line]) -> dict[UUID, StaffMember]:
    return {line.content.id: line.content for line in lines if isinstance(line.content, StaffMember)}


async def _follow_standing(
    db: Transaction, lines: Sequence[_Line], before: Mapping[UUID, ExternalSubject], clock: Clock
) -> None:
    """Let staff who have left, or come back, lose or regain at once what they may do.

    What was known `before` of who they are to the issuer may have changed too.
    """
    members = _members(lines)
    known = await load_access(db, members) if members else {}
    after = await load_external(db, known)
    changed = [
        access.model_copy(update={"version": access.version + 1, "active": members[user_id].active})
        for user_id, access in known.items()
        if access.active != members[user_id].active or before.get(user_id) != after.get(user_id)
    ]
    await change_access(db, changed, at=clock())


async def _follow_roles(db: Transaction, lines: Sequence[_Line], report: ImportReport, clock: Clock) -> None:
    """Give imported practitioners the role of their taxonomy, unless somebody has set their access."""
    roles = [(line.number, line.content) for line in lines if isinstance(line.content, StaffRole)]
    ids = await staff_ids_by_npi(db, {role.npi for _, role in roles}) if roles else {}
    known = await load_access(db, set(ids.values()))
    members = await load_staff(db, set(ids.values()))
    new: dict[str, StaffAccess] = {}
    for number, role in roles:
        user_id = ids.get(role.npi)
        if user_id is None:
            reason = "PractitionerRole.practitioner: no imported practitioner has this NPI"
            report.problems.append(LineProblem(line=number, reason=reason))
        elif user_id not in known and role.npi not in new:
            granted = frozenset({role.role} if role.role else ())
            active = members[user_id].active
            new[role.npi] = StaffAccess(
                user_id=user_id, version=1, active=active, roles=granted, features=frozenset()
            )
        else:
            report.unchanged += 1
    report.changed += len(new)
    await change_access(db, list(new.values()), at=clock())
