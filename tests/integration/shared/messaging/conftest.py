"""A service of the tests' own: it publishes, it consumes, and its one effect is a row for each event."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Column, Integer, Row, Table, Uuid, insert, select

from shared.database.columns import new_metadata
from shared.database.engine import create_engine
from shared.database.fields import data_key_table
from shared.database.transactions import Database, WideTransaction
from shared.events.catalogue import SESSION_COMPLETED
from shared.events.envelope import Envelope
from shared.events.record import SessionRecord
from shared.identifiers import new_id
from shared.messaging.consuming import Consuming
from shared.messaging.outbox import publish
from shared.messaging.tables import inbox_tables, ledger_tables
from shared.testing.databases import database_on
from shared.testing.records import CLINIC, TUESDAY, a_session_record
from tests.support.databases import BOTH
from tests.support.servers import PostgresServer

metadata = new_metadata()
ledger = ledger_tables(metadata)
inbox = inbox_tables(metadata)
data_key_table(metadata)
effect = Table(
    "effect",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("event_id", Uuid, nullable=False),
)


@pytest_asyncio.fixture(params=BOTH)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database(f"messaging_{new_id().hex}")
    else:
        url = f"sqlite+aiosqlite:///{tmp_path}/messaging.sqlite3"
    engine = create_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield database_on(engine)
    await engine.dispose()


@dataclass
class SteppedClock:
    """Stands still until it is moved."""

    now: datetime = TUESDAY

    def __call__(self) -> datetime:
        return self.now

    def step(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@dataclass(kw_only=True)
class Effects:
    """A handler that writes a row for each event, and fails where it is told to."""

    database: Database
    failures: dict[str, BaseException] = field(default_factory=dict)

    async def __call__(self, db: WideTransaction, envelopes: Sequence[Envelope[SessionRecord]]) -> None:
        await db.connection.execute(insert(effect), [{"event_id": one.id} for one in envelopes])
        for one in envelopes:
            if error := self.failures.get(one.data.topic):
                raise error

    async def rows(self) -> Sequence[Row[Any]]:
        async with self.database.engine.connect() as connection:
            return (await connection.execute(select(effect))).all()


@pytest.fixture
def effects(database: Database) -> Effects:
    return Effects(database=database)


@pytest.fixture
def consuming(database: Database, effects: Effects) -> Consuming:
    return Consuming(consumer="charts", database=database, inbox=inbox, handlers={SESSION_COMPLETED: effects})


async def publish_a_session(database: Database, *, at: datetime = TUESDAY, **changes: Any) -> None:
    record = a_session_record(present=1, absent=0, **changes)
    async with database.writing(CLINIC) as db:
        await publish(
            db,
            ledger,
            source="sessions",
            event_type=SESSION_COMPLETED,
            subject=record.session_id,
            facts=record,
            at=at,
        )


async def deliveries(database: Database, *, consumer: str = "charts") -> Sequence[Row[Any]]:
    async with database.engine.connect() as connection:
        mine = select(ledger.delivery).where(ledger.delivery.c.consumer == consumer)
        return (await connection.execute(mine)).all()
