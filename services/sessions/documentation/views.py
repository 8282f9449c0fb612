"""Reading sessions: set-based queries, straight to bytes.

No body is kept between requests: names change elsewhere, and a stale body is the worst that can be served.
The database writes the JSON of a session in one statement, which is one picture.
"""

from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Table, Uuid, bindparam, literal_column, select

from services.sessions.directory.models import PATIENT, STAFF_MEMBER
from services.sessions.documentation.models import ANNOTATION, ROSTER_ENTRY, SIGNATURE
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from shared.database.documents import json_list, json_object
from shared.database.transactions import Transaction
from shared.events.record import SignatureMeaning
from shared.web.problems import NotFoundProblem


async def leaders_of(db: Transaction, session_ids: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Give the leaders of sessions, in their order."""
    theirs = leaders().where(
        SESSION_LEADER.c.instance_id == db.instance_id, SESSION_LEADER.c.session_id.in_(session_ids)
    )
    return leaders_by_session(await db.records(theirs))


def leaders() -> Select[Any]:
    """Select leaders and the session that each leads; say of which instance and sessions."""
    names = ("id", "first_name", "last_name", "credentials")
    return (
        select(SESSION_LEADER.c.session_id, *(STAFF_MEMBER.c[name] for name in names))
        .join_from(SESSION_LEADER, STAFF_MEMBER, STAFF_MEMBER.c.id == SESSION_LEADER.c.user_id)
        .order_by(SESSION_LEADER.c.session_id, SESSION_LEADER.c.position)
    )


def leaders_by_session(rows: list[dict[str, Any]]) -> dict[UUID, list[dict[str, Any]]]:
    """Sort what `leaders` selects by session."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    for leader in rows:
        found.setdefault(leader.pop("session_id"), []).append(leader)
    return found


async def whole_session(db: Transaction, session_id: UUID) -> bytes:
    """Give one session with roster, notes and signatures, as JSON; raises `NotFoundProblem`."""
    statement = _whole_session(db.connection.dialect.name)
    found = await db.execute(statement, {"of_instance": db.instance_id, "of_session": session_id})
    body = found.scalar_one_or_none()
    if body is None:
        raise NotFoundProblem("There is no such group session.")
    return str(body).encode()


@lru_cache
def _whole_session(dialect: str) -> Select[Any]:
    # Built once: putting the statement together takes longer than running it.
    columns = [column for column in SESSION.c if column.name != "instance_id"]
    lists = {"leaders": _leaders(), "roster": _roster(dialect), "signatures": _signatures()}
    inside = [json_list(rows, dialect, within=SESSION).label(name) for name, rows in lists.items()]
    session = select(*columns, *inside).where(_mine(SESSION), SESSION.c.id == bindparam("of_session"))
    return json_object(session, dialect)


def _mine(table: Table) -> ColumnElement[bool]:
    return table.c.instance_id == bindparam("of_instance", type_=Uuid())


def _leaders() -> Select[Any]:
    names = ("id", "first_name", "last_name", "credentials")
    return (
        select(*(STAFF_MEMBER.c[name] for name in names))
        .join_from(SESSION_LEADER, STAFF_MEMBER, STAFF_MEMBER.c.id == SESSION_LEADER.c.user_id)
        .where(_mine(SESSION_LEADER), SESSION_LEADER.c.session_id == SESSION.c.id)
        .order_by(SESSION_LEADER.c.position)
    )


def _roster(dialect: str) -> Select[Any]:
    names = ("first_name", "last_name", "preferred_name", "mrn")
    written = (
        "attendance", "minutes", "arrived_at", "left_at", "absence_reason", "attendance_version",
        "individual_note", "problems", "note_version",
    )  # fmt: skip
    return (
        select(
            PATIENT.c.id.label("patient_id"),
            *(PATIENT.c[name] for name in names),
            *(ROSTER_ENTRY.c[name] for name in written),
            json_list(_annotations(), dialect, within=ROSTER_ENTRY).label("annotations"),
        )
        .join_from(ROSTER_ENTRY, PATIENT, PATIENT.c.id == ROSTER_ENTRY.c.patient_id)
        .where(_mine(ROSTER_ENTRY), ROSTER_ENTRY.c.documentation_id == SESSION.c.documentation_id)
        .order_by(PATIENT.c.last_name, PATIENT.c.first_name, PATIENT.c.id)
    )


def _annotations() -> Select[Any]:
    """Select what `annotations.shown` gives, of one entry of the roster."""
    added = ANNOTATION.c
    return (
        select(
            added.id.label("annotation_id"),
            added.text,
            added.user_id,
            added.printed_name,
            added.credentials,
            literal_column(f"'{SignatureMeaning.ANNOTATOR.value}'", String).label("meaning"),
            added.signed_at,
            added.document_sha256,
        )
        .where(
            _mine(ANNOTATION),
            added.documentation_id == ROSTER_ENTRY.c.documentation_id,
            added.patient_id == ROSTER_ENTRY.c.patient_id,
        )
        .order_by(added.signed_at, added.id)
    )


def _signatures() -> Select[Any]:
    names = (
        "id", "user_id", "printed_name", "credentials", "meaning", "signed_at", "document_sha256",
        "acknowledged",
    )  # fmt: skip
    return (
        select(*(SIGNATURE.c[name] for name in names))
        .where(_mine(SIGNATURE), SIGNATURE.c.documentation_id == SESSION.c.documentation_id)
        .order_by(SIGNATURE.c.signed_at, SIGNATURE.c.id)
    )
