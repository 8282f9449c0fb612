"""What ringing costs: the relay beside the same relay with one `apply_async` for each delivery."""

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import update

from services.sessions.metadata import LEDGER
from shared.clock import now_utc
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.database.transactions import Database
from shared.events.catalogue import SESSION_COMPLETED
from shared.identifiers import new_id
from shared.messaging.broker import UNSHOWN, Broker
from shared.messaging.celery_application import new_celery_application
from shared.messaging.ledger import claim_due, opened
from shared.messaging.messages import DELIVER_TASK, Parcel
from shared.messaging.outbox import publish
from shared.messaging.relay import RING_AGAIN_AFTER_SECONDS, Relay
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.messaging.tables import DeliveryState
from shared.testing.databases import database_on
from shared.testing.records import CLINIC, a_session_record
from tests.benchmarks.rows import Row
from tests.support.servers import PostgresServer, ValkeyServer

Ring = Callable[[], Awaitable[int]]

SESSIONS = 1000  # two deliveries each
PAIRS = 5


def run() -> list[Row]:
    """Drain the same backlog in alternating pairs, after a warm-up."""
    with servers() as (url, valkey):
        return asyncio.run(measure(url, valkey))


async def measure(url: str, valkey: ValkeyServer) -> list[Row]:
    engine = create_engine(url)
    await upgrade(engine, "sessions")
    database = database_on(engine)
    application = new_celery_application(name="bench", broker_url=valkey.url)
    relay = Relay(
        service="sessions",
        database=database,
        ledger=LEDGER,
        broker=Broker(application=application),
        keys=KeyRing.parse(new_key_ring()),
    )
    await fill(database)
    pairs = []
    for _ in range(PAIRS + 1):
        ours = await rate(database, valkey, relay.ring_due)
        peer = await rate(database, valkey, lambda: ring_one_by_one(relay))
        pairs.append((ours, peer))
    await engine.dispose()
    ours, peer = (statistics.median(one) for one in zip(*pairs[1:], strict=True))
    ratio = statistics.median(mine / other for mine, other in pairs[1:])
    return [
        Row(
            name="relay / one apply_async a delivery", unit="1/s", ours=ours, peer=peer, ratio=ratio, reach=18
        )
    ]


async def fill(database: Database) -> None:
    for _ in range(SESSIONS):
        record = a_session_record(present=20, absent=5)
        async with database.writing(CLINIC) as db:
            await publish(
                db,
                LEDGER,
                source="sessions",
                event_type=SESSION_COMPLETED,
                subject=new_id(),
                facts=record,
                at=now_utc(),
            )


async def rate(database: Database, valkey: ValkeyServer, ring: Ring) -> float:
    """Make all due again, then give the deliveries rung for in a second."""
    valkey.wipe()
    async with database.writing_for_all() as connection:
        due = {"state": DeliveryState.OPEN.value, "rings": 0, "next_ring_at": now_utc()}
        await connection.execute(update(LEDGER.delivery).values(due))
    rung, started = 0, time.perf_counter()
    while now := await ring():
        rung += now
    return rung / (time.perf_counter() - started)


async def ring_one_by_one(relay: Relay) -> int:
    async with relay.database.writing_for_all() as connection:
        claimed = await claim_due(
            connection, relay.ledger, now=now_utc(), ring_again_after_seconds=RING_AGAIN_AFTER_SECONDS
        )
    for one in await opened(relay.database, claimed):
        parcel = Parcel(receipts_to="sessions.receipts", deliveries=(one.delivery,))
        sealed = relay.keys.seal(parcel.model_dump(mode="json"), purpose=DELIVER_TASK)
        signature = relay.broker.application.signature(DELIVER_TASK, args=(sealed,))
        signature.apply_async(queue=one.consumer, argsrepr=UNSHOWN, kwargsrepr=UNSHOWN)
    return len(claimed)


@contextmanager
def servers() -> Iterator[tuple[str, ValkeyServer]]:
    folder = Path(tempfile.mkdtemp(prefix="opencircle-bench-"))
    for name in ("postgres", "valkey"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    postgres, valkey = (
        PostgresServer(directory=folder / "postgres"),
        ValkeyServer(directory=folder / "valkey"),
    )
    postgres.start()
    valkey.start()
    try:
        yield postgres.create_database("sessions"), valkey
    finally:
        postgres.stop()
        valkey.stop()
        shutil.rmtree(folder)
