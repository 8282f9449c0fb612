"""The real application with as many planned sessions as a long run of lives needs."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson
from pydantic import SecretStr
from sqlalchemy import Connection, Select, Table, select
from sqlalchemy import create_engine as create_plain_engine

from services.sessions.main import build_application
from services.sessions.scheduling.domain import session_id_of
from services.sessions.sealed_columns import SEALED
from services.sessions.settings import SessionsSettings
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.messaging.sealing import new_key_ring
from shared.settings import Settings
from shared.testing.databases import database_on, opened_row
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC, OTHER_CLINIC, TUESDAY
from tests.integration.services.sessions.clinic import TODAY, Clinic, SetClock
from tests.integration.services.sessions.lives.expectation import STRANGER
from tests.integration.services.sessions.lives.inline import Answer, ask, run_inline

T = TypeVar("T")

PLANNED_LEADERS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("Margaret",),
    ("Margaret", "Tom"),
    ("Margaret", "Ivy"),
    ("Ivy",),
    ("Ivy", "Tom"),
)
ENROLLED: Final = (0, 1)
IN_TREATMENT: Final = (0, 1, 2)
GONE: Final = 3
DAYS_AT_ONCE: Final = 60


@dataclass
class Stage:
    """A clinic on SQLite, reached as by HTTP and without a network."""

    clinic: Clinic
    reader: Connection
    """Sees what is committed, past the application's pool and event loop."""
    loop: asyncio.AbstractEventLoop
    other: Clinic
    templates: list[UUID] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    planned_days: int = 0
    tokens: dict[str, bytes] = field(default_factory=dict)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def next_session(self, kind: int) -> UUID:
        """Go to the next day that has an untouched session of this kind; give the session."""
        day = self.used[kind]
        self.used[kind] += 1
        self.clinic.clock.moment = TUESDAY + timedelta(days=day, hours=4)
        self.tokens.clear()
        if day >= self.planned_days:
            since = TODAY + timedelta(days=self.planned_days)
            self.planned_days += DAYS_AT_ONCE
            until = since + timedelta(days=DAYS_AT_ONCE - 1)
            self.run(self.clinic.generate(since=since, until=until))
        return session_id_of(self.templates[kind], TODAY + timedelta(days=day))

    def ask(
        self, who: str, method: str, path: str, *, json: Any = None, if_match: int | None = None
    ) -> Answer:
        headers = [(b"authorization", b"Bearer " + self._token(who))]
        if json is not None:
            headers.append((b"content-type", b"application/json"))
        if if_match is not None:
            headers.append((b"if-match", f'"{if_match}"'.encode()))
        content = b"" if json is None else orjson.dumps(json)
        return self.run(ask(self.clinic.application, method, path, content=content, headers=headers))

    def _token(self, who: str) -> bytes:
        if who not in self.tokens:
            clinic, name = (self.other, "Ada") if who == STRANGER else (self.clinic, who)
            self.tokens[who] = clinic.issuer.token_for(
                clinic.id_of(name), instance_id=clinic.instance_id, auth_time=self.clinic.clock()
            ).encode()
        return self.tokens[who]

    def rows(self, table: Table, key: str, value: Any) -> list[tuple[Any, ...]]:
        with self.reader.begin():
            found = select(table).where(table.c[key] == value).order_by(*table.primary_key.columns)
            rows = self.reader.execute(found).all()
        sealed = [one for one in SEALED if one.table == table.name]
        fields = self.run(self.clinic.database.fields_of({row.instance_id for row in rows} if sealed else ()))
        return [opened_row(row, fields, sealed) for row in rows]

    def scalar(self, statement: Select[Any]) -> Any:
        with self.reader.begin():
            return self.reader.execute(statement).scalar_one()

    def close(self) -> None:
        self.reader.close()
        self.reader.engine.dispose()
        self.run(self.clinic.database.engine.dispose())


def set_stage(folder: Path, loop: asyncio.AbstractEventLoop) -> Stage:
    """Open two customers in one database; one of them plans a group of each kind for every day."""
    issuer, clock = TokenIssuer(folder), SetClock()
    settings = Settings(
        broker_url=SecretStr("redis://unused"),
        message_keys=SecretStr(new_key_ring()),
        issuer=ISSUER,
        token_keys=str(issuer.key_file),
    )
    engine = create_engine(f"sqlite+aiosqlite:///{folder}/sessions.sqlite3", pool_size=1)
    run_inline(engine)
    database = database_on(engine)
    own = SessionsSettings(database_url=SecretStr("given above"), horizon_days=1)
    application = build_application(settings, own, database=database, clock=clock)
    clinic, other = (
        Clinic(application=application, database=database, issuer=issuer, clock=clock, instance_id=one)
        for one in (CLINIC, OTHER_CLINIC)
    )
    plain = create_plain_engine(f"sqlite:///{folder}/sessions.sqlite3", json_deserializer=orjson.loads)
    stage = Stage(clinic=clinic, other=other, reader=plain.connect(), loop=loop)
    loop.run_until_complete(_furnish(stage))
    return stage


async def _furnish(stage: Stage) -> None:
    clinic = stage.clinic
    await upgrade(clinic.database.engine, "sessions")
    await stage.other.open(patients=0)
    await clinic.open(patients=len(IN_TREATMENT))
    await clinic.admit(clinic.patient(GONE, discharged_on=TODAY - timedelta(days=1)))
    # SIGN-3: who can lead and review never does both in one session.
    both = {"roles": ["case_manager"], "features": ["review_group_sessions"]}
    await clinic.do("Ada", "PUT", f"/v1/directory/staff/{clinic.id_of('Tom')}/access", json=both)
    for number, leaders in enumerate(PLANNED_LEADERS):
        template_id = await clinic.new_template(
            leaders=leaders, title=f"Group {number}", starts_at=f"{9 + number:02}:00", recurrence="FREQ=DAILY"
        )
        occurrences = [{"template_id": str(template_id), "weekday": day} for day in range(1, 8)]
        body = {"location_id": str(clinic.location_id), "title": "Daily", "occurrences": occurrences}
        schedule_id = UUID((await clinic.do("Ada", "POST", "/v1/schedules", json=body))["id"])
        enrolled = [clinic.patient_ids[one] for one in ENROLLED]
        assert (await clinic.assign(schedule_id, enrolled)).status_code == 204
        stage.templates.append(template_id)
        stage.used.append(0)
