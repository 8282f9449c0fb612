"""What a signed session of 25 patients takes on disk in each database: the inputs of docs/scaling.md."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from sqlalchemy import text

from services.sessions.metadata import LEDGER
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.database.transactions import Database
from shared.events.catalogue import SESSION_COMPLETED
from shared.messaging.consuming import Consuming
from shared.messaging.outbox import publish_all
from shared.testing.databases import database_on
from shared.testing.records import CLINIC, TUESDAY, a_parcel, a_session_record, enveloped
from tests.benchmarks.rows import Row
from tests.support.servers import PostgresServer

SESSIONS: Final = 400
A_PARCEL: Final = 20
PATIENTS: Final = 25

Fill = Callable[[Database], Awaitable[None]]


def run() -> list[Row]:
    """Fill one database after the other."""
    folder = Path(tempfile.mkdtemp(prefix="opencircle-bench-"))
    server = PostgresServer(directory=folder)
    server.start()
    try:
        return asyncio.run(measure(server))
    finally:
        server.stop()
        shutil.rmtree(folder)


async def measure(server: PostgresServer) -> list[Row]:
    consumers = ("charts", "billing_bridge", "printing")
    rows = [await grown(server, "sessions", publish_sessions)]
    return rows + [await grown(server, one, hearing(one)) for one in consumers]


async def publish_sessions(database: Database) -> None:
    for _ in range(SESSIONS // A_PARCEL):
        records = [a_session_record(present=PATIENTS, absent=0) for _ in range(A_PARCEL)]
        async with database.writing(CLINIC) as db:
            facts = {one.session_id: one for one in records}
            await publish_all(
                db, LEDGER, source="sessions", event_type=SESSION_COMPLETED, facts=facts, at=TUESDAY
            )


def hearing(consumer: str) -> Fill:
    handlers = import_module(f"services.{consumer}.consumers").HANDLERS
    inbox = import_module(f"services.{consumer}.models").inbox

    async def hear(database: Database) -> None:
        consuming = Consuming(consumer=consumer, database=database, inbox=inbox, handlers=handlers)
        for _ in range(SESSIONS // A_PARCEL):
            records = [a_session_record(present=PATIENTS, absent=0) for _ in range(A_PARCEL)]
            await consuming.receive(a_parcel([enveloped(one) for one in records]))

    return hear


async def grown(server: PostgresServer, service: str, fill: Fill) -> Row:
    """Give the growth of a database, indexes included, after a vacuum."""
    engine = create_engine(server.create_database(f"footprint_{service}"))
    await upgrade(engine, service)
    database = database_on(engine)
    before = await size(database)
    await fill(database)
    ours = (await size(database) - before) / SESSIONS / 1024
    await engine.dispose()
    name = f"on disk, one session of {PATIENTS} in the database {service}"
    return Row(name=name, unit="KiB", ours=ours, peer=ours, ratio=1, reach=0)


async def size(database: Database) -> int:
    async with database.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("VACUUM ANALYZE"))
        return int(
            (await autocommit.execute(text("SELECT pg_database_size(current_database())"))).scalar_one()
        )
