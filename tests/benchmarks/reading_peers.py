"""The applications that are measured: ours, ours without middleware, one by hand, one endpoint by ORM."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID, uuid5

import asyncpg
import orjson
import uvicorn
from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry
from starlette.types import ASGIApp, Receive, Scope, Send

from services.sessions.configuration.models import INSTANCE
from services.sessions.directory.models import STAFF_ACCESS
from services.sessions.documentation.models import FROZEN, ROSTER_ENTRY
from services.sessions.documentation.schemas import Marks
from services.sessions.main import build_application
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.settings import SessionsSettings
from services.sessions.stream.changes import Part
from services.sessions.stream.models import SESSION_CHANGE
from shared.clock import now_utc
from shared.database.engine import create_engine
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.messaging.sealing import new_key_ring
from shared.settings import Settings
from shared.testing.databases import FIELD_KEYS, database_on
from shared.testing.identity import ISSUER
from shared.testing.records import CLINIC
from shared.web.application import new_application, routes_of
from shared.web.identity import Identity, current_identity
from tests.support.databases import seeing_all
from tests.support.servers import as_superuser

MARGARET: Final = uuid5(CLINIC, "Margaret")


def serve(name: str, url: str, key_file: str, port: int) -> None:
    """Serve one of the applications until ended."""
    application = APPLICATIONS[name](url, Path(key_file))
    uvicorn.run(application, host="127.0.0.1", port=port, log_config=None, access_log=False)


def settings_for(key_file: Path) -> Settings:
    return Settings(
        broker_url=SecretStr("redis://unused"),
        message_keys=SecretStr(new_key_ring()),
        field_keys=SecretStr(FIELD_KEYS),
        issuer=ISSUER,
        token_keys=str(key_file),
    )


def application_of(url: str, key_file: Path, *, database: Database | None = None, **settings: Any) -> Any:
    """Ours, as it is served."""
    database = database or database_on(create_engine(url))
    own = SessionsSettings(database_url=SecretStr(url), horizon_days=1, **settings)
    return build_application(settings_for(key_file), own, database=database, clock=now_utc)


def anew(url: str, key_file: Path) -> ASGIApp:
    """Ours, when nothing is kept: as if every session had changed since it was read last."""
    served: ASGIApp = application_of(url, key_file, kept_bodies_megabytes=0)
    return served


def bare(url: str, key_file: Path) -> ASGIApp:
    """Ours without any middleware: who asks is known beforehand."""
    application = application_of(url, key_file)
    application.user_middleware.clear()
    now = datetime.now(UTC)
    known = Identity(
        user_id=MARGARET, instance_id=CLINIC, authenticated_at=now, expires_at=now + timedelta(hours=1)
    )

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        await application({**scope, "identity": known}, receive, send)

    return served


class ByHand:
    """No framework, nobody asked who they are, nothing audited: one query and orjson."""

    def __init__(self, url: str, _: Path) -> None:
        self._address = as_superuser(url)
        self._pool: Any = None
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer with one session, or with a day of a location."""
        if scope["type"] != "http":
            return
        async with self._lock:
            self._pool = self._pool or await asyncpg.create_pool(self._address, min_size=4)
        query = parse_qs(scope["query_string"].decode())
        if query:
            place, day = UUID(query["location_id"][0]), date.fromisoformat(query["date"][0])
            found = {"items": [dict(row) for row in await self._pool.fetch(DAY, place, day)]}
        else:
            found = _one(await self._pool.fetch(WHOLE, UUID(scope["path"].rpartition("/")[2])))
        body = orjson.dumps(found, default=str)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


WHOLE: Final = """
SELECT s.id, s.title, s.topic, s.description, s.status, s.starts_at, s.held_on, s.version, s.started_at,
    s.ended_at, m.first_name AS leader_first_name, m.last_name AS leader_last_name, m.credentials,
    p.id AS patient_id, p.first_name, p.last_name, p.preferred_name, p.mrn, e.attendance, e.minutes,
    e.arrived_at, e.left_at, e.absence_reason, e.attendance_version, e.individual_note, e.problems,
    e.note_version
FROM group_session s JOIN session_leader l ON l.session_id = s.id JOIN staff_member m ON m.id = l.user_id
JOIN roster_entry e ON e.documentation_id = s.documentation_id JOIN patient p ON p.id = e.patient_id
WHERE s.id = $1 ORDER BY p.last_name, p.first_name
"""
OF_SESSION: Final = 13
DAY: Final = """
SELECT s.id, s.title, s.topic, s.status, s.starts_at, s.duration_minutes, m.first_name, m.last_name,
    (SELECT count(*) FROM roster_entry e WHERE e.documentation_id = s.documentation_id) AS roster
FROM group_session s JOIN session_leader l ON l.session_id = s.id JOIN staff_member m ON m.id = l.user_id
WHERE s.location_id = $1 AND s.held_on = $2 ORDER BY s.starts_at, s.title
"""


def _one(rows: list[Any]) -> dict[str, Any]:
    session = dict(list(rows[0].items())[:OF_SESSION])
    return session | {"roster": [dict(list(row.items())[OF_SESSION:]) for row in rows]}


class Entry:
    """A row of the roster."""


class Held:
    """A session."""


class Leads:
    """A leader of a session."""


class May:
    """What a user may do."""


class Chosen:
    """Settings of an instance."""


class Frozen:
    """A documentation that was signed."""


class Changed:
    """A change that the live stream tells of."""

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


class Seen:
    """A row of the audit trail."""

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


MAPPED: Final = {
    Entry: ROSTER_ENTRY, Held: SESSION, Leads: SESSION_LEADER, May: STAFF_ACCESS, Chosen: INSTANCE,
    Frozen: FROZEN, Seen: TRAIL, Changed: SESSION_CHANGE,
}  # fmt: skip


def by_orm(url: str, key_file: Path) -> ASGIApp:
    """Ours with its middleware, and one endpoint that marks attendance as one writes it with an ORM."""
    database, router, mapper = database_on(seeing_all(create_engine(url))), APIRouter(), registry()
    for kind, table in MAPPED.items():
        mapper.map_imperatively(kind, table)

    @router.put("/v1/group-sessions/{session_id}/attendance", status_code=204)
    async def put_attendance(session_id: UUID, body: Marks, request: Request) -> Response:
        identity = current_identity(request)
        async with AsyncSession(database.engine) as db, db.begin():
            await _mark(db, identity, session_id, body)
        return Response(status_code=204)

    return new_application(
        title="orm",
        routes=routes_of(router),
        database=database,
        settings=settings_for(key_file),
        user_id=STAFF_ACCESS.c.user_id,
    )


async def _mark(db: Any, identity: Identity, session_id: UUID, body: Marks) -> None:
    access = await db.get(May, identity.user_id)
    settings = await db.get(Chosen, identity.instance_id)
    session = await db.get(Held, session_id, with_for_update={"read": True})
    leaders = (await db.scalars(select(Leads).where(SESSION_LEADER.c.session_id == session_id))).all()
    frozen = await db.get(Frozen, session.documentation_id)
    leads = identity.user_id in [one.user_id for one in leaders]
    if not (access.active and settings.use_group_sessions and leads) or frozen is not None:
        raise HTTPException(409)
    of_it = select(Entry).where(ROSTER_ENTRY.c.documentation_id == session.documentation_id)
    entries = {one.patient_id: one for one in (await db.scalars(of_it.with_for_update())).all()}
    now = datetime.now(UTC)
    for mark in body.marks:
        entry = entries[mark.patient_id]
        entry.attendance, entry.minutes, entry.absence_reason = mark.attendance, mark.minutes, None
        entry.arrived_at, entry.left_at = mark.arrived_at, mark.left_at
        entry.attendance_version += 1
        entry.attendance_by, entry.attendance_at = identity.user_id, now
    values = {"action": "attendance.marked", "subject": str(session_id), "outcome": "allowed"}
    whose = {"instance_id": identity.instance_id, "user_id": identity.user_id}
    db.add_all(Seen(id=new_id(), at=now, patient_id=one, **whose, **values) for one in entries)
    db.add(
        Changed(
            id=new_id(), instance_id=identity.instance_id, session_id=session_id, part=Part.ATTENDANCE.value
        )
    )


APPLICATIONS: Final[dict[str, Callable[[str, Path], ASGIApp]]] = {
    "ours": application_of,
    "anew": anew,
    "bare": bare,
    "by_hand": ByHand,
    "orm": by_orm,
}
