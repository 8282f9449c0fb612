"""Reading sessions: set-based queries, straight to bytes."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.sessions.directory.models import PATIENT, STAFF_MEMBER
from services.sessions.documentation.annotations import load_annotations, shown
from services.sessions.documentation.models import ROSTER_ENTRY, SIGNATURE
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.sealed_columns import GROUP_NOTES, PATIENTS, ROSTERS
from shared.database.transactions import Transaction
from shared.web.problems import NotFoundProblem


async def leaders_of(db: Transaction, session_ids: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Give the leaders of sessions, in their order."""
    statement = (
        select(
            SESSION_LEADER.c.session_id,
            STAFF_MEMBER.c.id,
            STAFF_MEMBER.c.first_name,
            STAFF_MEMBER.c.last_name,
            STAFF_MEMBER.c.credentials,
        )
        .join_from(SESSION_LEADER, STAFF_MEMBER, STAFF_MEMBER.c.id == SESSION_LEADER.c.user_id)
        .where(SESSION_LEADER.c.instance_id == db.instance_id, SESSION_LEADER.c.session_id.in_(session_ids))
        .order_by(SESSION_LEADER.c.session_id, SESSION_LEADER.c.position)
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for leader in await db.records(statement):
        found.setdefault(leader.pop("session_id"), []).append(leader)
    return found


async def whole_session(db: Transaction, session_id: UUID) -> dict[str, Any]:
    """Give one session with roster, notes and signatures; raises `NotFoundProblem`."""
    found = await db.records(db.rows_of(SESSION).where(SESSION.c.id == session_id))
    if not found:
        raise NotFoundProblem("There is no such group session.")
    session = GROUP_NOTES.opened(db.fields, found[0])
    del session["instance_id"], session["has_topic"]
    documentation_id = session["documentation_id"]
    leaders = await leaders_of(db, [session_id])
    return session | {
        "leaders": leaders.get(session_id, []),
        **await roster_and_signatures(db, documentation_id),
    }


async def roster_and_signatures(db: Transaction, documentation_id: UUID | None) -> dict[str, Any]:
    """Give all that stands under a documentation id, whether it is the session's or was set aside."""
    return {
        "roster": await _with_annotations(db, documentation_id, await _roster(db, documentation_id)),
        "signatures": await _signatures(db, documentation_id),
    }


def etag_of_session(session: dict[str, Any]) -> str:
    """Give the ETag of a whole session: it differs when any part does, or something was added."""
    parts = sum(
        one["note_version"] + one["attendance_version"] + len(one["annotations"]) for one in session["roster"]
    )
    return f'"{session["version"]}.{session["note_version"] + parts}"'


async def _roster(db: Transaction, documentation_id: UUID | None) -> list[dict[str, Any]]:
    statement = (
        select(
            PATIENT.c.id.label("patient_id"),
            PATIENT.c.first_name,
            PATIENT.c.last_name,
            PATIENT.c.preferred_name,
            PATIENT.c.mrn,
            ROSTER_ENTRY.c.documentation_id,
            ROSTER_ENTRY.c.attendance,
            ROSTER_ENTRY.c.minutes,
            ROSTER_ENTRY.c.arrived_at,
            ROSTER_ENTRY.c.left_at,
            ROSTER_ENTRY.c.absence_reason,
            ROSTER_ENTRY.c.attendance_version,
            ROSTER_ENTRY.c.individual_note,
            ROSTER_ENTRY.c.problems,
            ROSTER_ENTRY.c.note_version,
        )
        .join_from(ROSTER_ENTRY, PATIENT, PATIENT.c.id == ROSTER_ENTRY.c.patient_id)
        .where(
            ROSTER_ENTRY.c.documentation_id == documentation_id, ROSTER_ENTRY.c.instance_id == db.instance_id
        )
    )
    roster = [_opened(db, row) for row in await db.records(statement)]
    return sorted(roster, key=lambda one: (one["last_name"], one["first_name"], one["patient_id"]))


def _opened(db: Transaction, row: dict[str, Any]) -> dict[str, Any]:
    opened = ROSTERS.opened(db.fields, PATIENTS.opened(db.fields, row, row=row["patient_id"]))
    del opened["documentation_id"]
    return opened


async def _with_annotations(
    db: Transaction, documentation_id: UUID | None, roster: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    added = await load_annotations(db, documentation_id)
    return [
        entry | {"annotations": [shown(one) for one in added if one.patient_id == entry["patient_id"]]}
        for entry in roster
    ]


async def _signatures(db: Transaction, documentation_id: UUID | None) -> list[dict[str, Any]]:
    columns = (
        "id", "user_id", "printed_name", "credentials", "meaning", "signed_at", "document_sha256",
        "acknowledged",
    )  # fmt: skip
    statement = db.rows_of(SIGNATURE, *(SIGNATURE.c[name] for name in columns))
    signed = statement.where(SIGNATURE.c.documentation_id == documentation_id)
    return await db.records(signed.order_by(SIGNATURE.c.signed_at, SIGNATURE.c.id))
