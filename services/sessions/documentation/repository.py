"""Reading and writing what is documented."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, update

from services.sessions.documentation.authors import add_authors
from services.sessions.documentation.domain import GroupSession, RosterEntry
from services.sessions.documentation.findings import Finding
from services.sessions.documentation.models import FROZEN, ROSTER_ENTRY, SIGNATURE
from services.sessions.documentation.numbering import versions_so_far
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.group_notes import sealed_session
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.sealed_columns import GROUP_NOTES, ROSTERS
from services.sessions.stream.changes import Part, SessionChange, note_changes
from shared.database.bulk import insert_new
from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.events.record import Attendance, Signature, SignatureMeaning
from shared.web.problems import NotFoundProblem, StaleProblem


@dataclass(frozen=True, kw_only=True)
class Documentation:
    """A session with its roster and signatures, as loaded together."""

    session: GroupSession
    roster: tuple[RosterEntry, ...]
    signatures: tuple[Signature, ...]

    @property
    def patient_ids(self) -> list[UUID]:
        """Whose documentation it is."""
        return [entry.patient_id for entry in self.roster]


async def load_session(
    db: Transaction, session_id: UUID, *, for_change: bool = False, shared: bool = False
) -> GroupSession:
    """Give a session; raises `NotFoundProblem`. `for_change` keeps others from changing it meanwhile.

    With `shared` others can keep it so too: for writers of different parts (DOC-5).
    """
    statement = db.rows_of(SESSION).where(SESSION.c.id == session_id)
    found = await db.records(statement.with_for_update(read=shared) if for_change else statement)
    if not found:
        raise NotFoundProblem("There is no such group session.")
    leaders = await _leaders_of(db, [session_id])
    return _session(db, found[0], leaders.get(session_id, []))


async def load_sessions(db: Transaction, *which: ColumnElement[bool]) -> list[GroupSession]:
    """Give the sessions that fit, by start and title, as a day lists them (DOC-1)."""
    order = (SESSION.c.starts_at, SESSION.c.title, SESSION.c.id)
    rows = await db.records(db.rows_of(SESSION).where(*which).order_by(*order))
    leaders = await _leaders_of(db, [row["id"] for row in rows])
    return [_session(db, row, leaders.get(row["id"], [])) for row in rows]


async def _leaders_of(db: Transaction, session_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    leader = SESSION_LEADER
    rows = db.rows_of(leader, leader.c.session_id, leader.c.user_id).where(
        leader.c.session_id.in_(session_ids)
    )
    found: dict[UUID, list[UUID]] = {}
    for row in await db.all(rows.order_by(leader.c.position)):
        found.setdefault(row.session_id, []).append(row.user_id)
    return found


def _session(db: Transaction, row: Mapping[str, Any], leader_ids: Sequence[UUID]) -> GroupSession:
    opened = GROUP_NOTES.opened(db.fields, row)
    values = {one.name: opened[one.name] for one in fields(GroupSession) if one.name != "leader_ids"}
    return GroupSession(**values | {"status": Status(row["status"])}, leader_ids=tuple(leader_ids))


async def load_documentation(db: Transaction, session_id: UUID, *, for_change: bool = False) -> Documentation:
    """Give a session with roster and signatures; raises `NotFoundProblem`."""
    session = await load_session(db, session_id, for_change=for_change)
    entry, signature = ROSTER_ENTRY, SIGNATURE
    rows = await db.records(db.rows_of(entry).where(entry.c.documentation_id == session.documentation_id))
    signed = db.rows_of(signature).where(signature.c.documentation_id == session.documentation_id)
    signatures = await db.all(signed.order_by(signature.c.signed_at, signature.c.id))
    return Documentation(
        session=session,
        roster=tuple(_entry(ROSTERS.opened(db.fields, row)) for row in rows),
        signatures=tuple(_signature(row) for row in signatures),
    )


def _entry(row: Mapping[str, Any]) -> RosterEntry:
    return RosterEntry(
        patient_id=row["patient_id"],
        attendance=Attendance(row["attendance"]) if row["attendance"] else None,
        minutes=row["minutes"],
        individual_note=row["individual_note"],
        arrived_at=row["arrived_at"],
        left_at=row["left_at"],
        absence_reason=row["absence_reason"],
        problems=tuple(row["problems"] or ()),
    )


def _signature(row: Any) -> Signature:
    return Signature(
        signature_id=row.id,
        user_id=row.user_id,
        printed_name=row.printed_name,
        credentials=row.credentials,
        meaning=SignatureMeaning(row.meaning),
        signed_at=row.signed_at,
        document_sha256=row.document_sha256,
    )


async def change_session(db: Transaction, session: GroupSession, changes: Mapping[str, Any]) -> None:
    """Write changes of a session that is still at the version that was loaded; raises `StaleProblem`."""
    changed = await db.execute(
        update(SESSION)
        .where(
            SESSION.c.id == session.id,
            SESSION.c.instance_id == db.instance_id,
            SESSION.c.version == session.version,
        )
        .values(**sealed_session(db.fields, changes, session_id=session.id), version=session.version + 1)
    )
    if changed.rowcount != 1:
        raise StaleProblem("Somebody else changed this session meanwhile; read it again.")
    status = changes.get("status", session.status.value)
    change = SessionChange(
        session_id=session.id, part=Part.SESSION, status=status, version=session.version + 1
    )
    await note_changes(db, [change])


async def add_leader(db: Transaction, session: GroupSession, user_id: UUID) -> None:
    """Make a user responsible for the session."""
    row = {
        "session_id": session.id,
        "user_id": user_id,
        "instance_id": db.instance_id,
        "position": len(session.leader_ids),
    }
    await db.execute(insert(SESSION_LEADER).values(row))


async def set_leaders(
    db: Transaction, session_id: UUID, leader_ids: Sequence[UUID], *, documentation_id: UUID | None
) -> None:
    """Make these users responsible for the session, in this order, and nobody else.

    From now on it is their documentation, whoever leads it later (PERM-6).
    """
    mine = SESSION_LEADER.c.instance_id == db.instance_id
    await db.execute(delete(SESSION_LEADER).where(mine, SESSION_LEADER.c.session_id == session_id))
    rows = [
        {"session_id": session_id, "user_id": one, "instance_id": db.instance_id, "position": position}
        for position, one in enumerate(leader_ids)
    ]
    await insert_new(db.connection, SESSION_LEADER, rows)
    await add_authors(db, documentation_id, leader_ids)


async def ids_on_roster(db: Transaction, documentation_id: UUID | None) -> list[UUID]:
    """Give whose data stands under a documentation id."""
    entry = ROSTER_ENTRY.c
    mine = db.rows_of(ROSTER_ENTRY, entry.patient_id).where(entry.documentation_id == documentation_id)
    return [row.patient_id for row in await db.all(mine.order_by(entry.patient_id))]


async def freeze_roster(
    db: Transaction, session: GroupSession, documentation_id: UUID, patient_ids: Sequence[UUID]
) -> None:
    """Write down who belongs to the session (DOC-2), above all versions that were ever read (DOC-5)."""
    so_far = await versions_so_far(db, session.id)
    rows = [
        {
            "documentation_id": documentation_id,
            "patient_id": patient_id,
            "session_id": session.id,
            "instance_id": db.instance_id,
            "note_version": so_far.get(patient_id, 0) + 1,
            "attendance_version": so_far.get(patient_id, 0) + 1,
        }
        for patient_id in patient_ids
    ]
    await insert_new(db.connection, ROSTER_ENTRY, rows)


async def add_signature(
    db: Transaction, session: GroupSession, signature: Signature, *, acknowledged: Sequence[Finding] = ()
) -> None:
    """Store a signature; the database refuses to change it, or what it is bound to, ever after.

    Of what was acknowledged an auditor is told kind, place and whom it spoke of: text and names are in the
    document that was signed.
    """
    values = signature.model_dump() | {
        "id": signature.signature_id,
        "instance_id": db.instance_id,
        "session_id": session.id,
        "documentation_id": session.documentation_id,
        "meaning": signature.meaning.value,
        "acknowledged": [_acknowledgement(one) for one in acknowledged],
    }
    del values["signature_id"]
    await db.execute(insert(SIGNATURE).values(values))
    await freeze(db, session.documentation_id, at=signature.signed_at)


def _acknowledgement(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "kind": finding.kind.value,
        "pointers": list(finding.pointers),
        "detail": finding.detail,
        "patient_ids": [str(one) for one in finding.patient_ids],
    }


async def freeze(db: Transaction, documentation_id: UUID | None, *, at: datetime) -> None:
    """Have the database refuse every change of a documentation from now on (SIGN-4)."""
    values = {"documentation_id": documentation_id, "instance_id": db.instance_id, "frozen_at": at}
    await db.execute(upsert(db.connection, FROZEN, values).on_conflict_do_nothing())
