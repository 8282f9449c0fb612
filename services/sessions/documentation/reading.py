"""Reading one session: as it was built before, while nothing of what it shows has changed."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, Uuid, bindparam, func, select

from services.sessions.directory.models import PATIENT, STAFF_MEMBER
from services.sessions.documentation.models import ANNOTATION, ROSTER_ENTRY, SIGNATURE
from services.sessions.documentation.showing import (
    OF_INSTANCE,
    Look,
    Versions,
    one_text,
    one_text_of_all,
    show,
)
from services.sessions.documentation.views import etag_of_session, whole_session
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from shared.clock import Clock
from shared.database.transactions import Database, Transaction
from shared.web.bodies import json_bytes
from shared.web.identity import Identity
from shared.web.kept_bodies import Kept, KeptBodies


async def read_session(
    database: Database, identity: Identity, bodies: KeptBodies, session_id: UUID, *, clock: Clock
) -> Kept:
    """Give one session with roster, notes and signatures; each patient's trail tells of it.

    Raises `ForbiddenProblem` and `NotFoundProblem`.
    """
    look = Look(
        versions=_VERSIONS, place={"of_session": session_id}, action="session.seen", subject=session_id
    )

    async def read(db: Transaction, versions: Versions) -> Kept:
        session = await whole_session(db, session_id)
        return Kept(
            body=json_bytes(session),
            versions=versions,
            etag=etag_of_session(session),
            patient_ids=[entry["patient_id"] for entry in session["roster"]],
        )

    return await show(database, identity, bodies, look, read, at=clock())


def _roster() -> ColumnElement[Any]:
    # Who is on it changes with the session's version: then each summand only grows, and so does the sum.
    entry = ROSTER_ENTRY.c
    parts = func.sum(entry.note_version + entry.attendance_version + PATIENT.c.version)
    of_it = (entry.documentation_id == SESSION.c.documentation_id, entry.instance_id == OF_INSTANCE)
    joined = ROSTER_ENTRY.join(PATIENT, PATIENT.c.id == entry.patient_id)
    return select(parts).select_from(joined).where(*of_it).correlate(SESSION).scalar_subquery()


def _leaders() -> ColumnElement[Any]:
    # Named one by one: before the start a template hands them over without a version of the session.
    leader = SESSION_LEADER.c
    each = one_text(leader.position, leader.user_id, STAFF_MEMBER.c.version).label("text")
    joined = SESSION_LEADER.join(STAFF_MEMBER, STAFF_MEMBER.c.id == leader.user_id)
    of_it = (leader.session_id == SESSION.c.id, leader.instance_id == OF_INSTANCE)
    ordered = select(each).select_from(joined).where(*of_it).order_by(leader.position, leader.user_id)
    return one_text_of_all(ordered.correlate(SESSION))


def _added(table: Table) -> ColumnElement[int]:
    # Insert-only: there is a new one or there is none.
    of_it = (table.c.documentation_id == SESSION.c.documentation_id, table.c.instance_id == OF_INSTANCE)
    return select(func.count()).select_from(table).where(*of_it).correlate(SESSION).scalar_subquery()


_VERSIONS: Final[Select[Any]] = select(
    SESSION.c.version,
    SESSION.c.note_version,
    _roster().label("roster"),
    _leaders().label("leaders"),
    _added(SIGNATURE).label("signatures"),
    _added(ANNOTATION).label("annotations"),
).where(SESSION.c.id == bindparam("of_session", type_=Uuid()), SESSION.c.instance_id == OF_INSTANCE)
