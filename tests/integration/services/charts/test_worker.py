"""The worker as a process, with a real broker: what no other test would notice is how it starts and stops."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis.asyncio
from kombu import Connection
from sqlalchemy import func, select

from services.charts.models import chart_note
from shared.database.transactions import Database
from shared.messaging.broker import Broker, Outgoing
from shared.messaging.celery_application import new_celery_application
from shared.messaging.messages import DELIVER_TASK, RECEIPTS_TASK, Parcel, Receipts, Verdict
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.testing.records import a_parcel, a_session_record, enveloped
from tests.support.databases import OpenDatabase
from tests.support.proxy import Proxy
from tests.support.servers import LOOPBACK, ValkeyServer

PATIENCE_SECONDS = 20.0
SENT = 30


@dataclass(frozen=True, kw_only=True)
class RunningWorker:
    process: subprocess.Popen[bytes]
    database: Database
    broker_url: str
    keys: KeyRing
    folder: Path

    def send(self, sealed: object, *, task: str = DELIVER_TASK) -> None:
        broker = Broker(application=new_celery_application(name="test", broker_url=self.broker_url))
        with closing(broker.application):
            broker.send([Outgoing(queue="charts", task=task, sealed=sealed)])  # type: ignore[arg-type]

    def deliver(self, parcel: Parcel) -> None:
        self.send(self.keys.seal(parcel.model_dump(mode="json"), purpose=DELIVER_TASK))

    async def receipts(self) -> Receipts:
        sealed = await asyncio.to_thread(self._take_from, "sessions.receipts")
        return Receipts.model_validate(self.keys.unseal(sealed, purpose=RECEIPTS_TASK))

    def _take_from(self, queue: str) -> str:
        with Connection(self.broker_url) as connection, closing(connection.SimpleQueue(queue)) as messages:
            message = messages.get(timeout=PATIENCE_SECONDS)
            message.ack()
            arguments: list[Any] = message.payload[0]
            return str(arguments[0])

    async def count_notes(self) -> int:
        async with self.database.engine.connect() as connection:
            return int((await connection.execute(select(func.count()).select_from(chart_note))).scalar_one())

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text()

    def stop(self) -> float:
        """Tells how many seconds it took."""
        asked = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_SECONDS)
        return time.monotonic() - asked


@pytest_asyncio.fixture
async def database(open_database: OpenDatabase) -> Database:
    return await open_database("charts")


@pytest.fixture
def worker(database: Database, broker_url: str, tmp_path: Path) -> Iterator[RunningWorker]:
    with running_worker(database, broker_url, tmp_path, line=broker_url) as worker:
        yield worker


@contextmanager
def running_worker(
    database: Database, broker_url: str, tmp_path: Path, *, line: str
) -> Iterator[RunningWorker]:
    """Run a worker that reaches the broker by `line`."""
    ring = new_key_ring()
    settings = {
        "OPENCIRCLE_ENVIRONMENT": "embedded",
        "OPENCIRCLE_BROKER_URL": line,
        "OPENCIRCLE_MESSAGE_KEYS": ring,
        "OPENCIRCLE_ISSUER": "https://issuer.test",
        "OPENCIRCLE_TOKEN_KEYS": "unused",
        "OPENCIRCLE_ALIVE_FILE": str(tmp_path / "alive"),
        "OPENCIRCLE_CHARTS_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
    }
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.charts.worker"],
            env=os.environ | settings,
            stdout=log,
            stderr=log,
        )
    yield RunningWorker(
        process=process,
        database=database,
        broker_url=broker_url,
        keys=KeyRing.parse(ring),
        folder=tmp_path,
    )
    process.kill()
    process.wait()


@pytest.mark.rule("DIST-1")
async def test_a_sealed_parcel_becomes_notes_and_receipts(worker: RunningWorker) -> None:
    parcel = a_parcel([enveloped(a_session_record(present=8, absent=2))])
    worker.deliver(parcel)
    receipts = (await worker.receipts()).receipts
    assert [(one.delivery_id, one.verdict) for one in receipts] == [
        (parcel.deliveries[0].delivery_id, Verdict.APPLIED)
    ]
    assert await worker.count_notes() == 10


@pytest.mark.rule("DIST-5")
async def test_a_parcel_that_comes_twice_is_answered_twice_and_filed_once(worker: RunningWorker) -> None:
    parcel = a_parcel([enveloped(a_session_record(present=8, absent=2))])
    worker.deliver(parcel)
    worker.deliver(parcel)
    assert await worker.receipts() == await worker.receipts()
    assert await worker.count_notes() == 10


async def test_refused_messages_are_logged_without_content_and_stop_nothing(worker: RunningWorker) -> None:
    parcel = a_parcel([enveloped(a_session_record(present=1, absent=0, topic="Forged topic"))])
    other_ring = KeyRing.parse(new_key_ring())
    worker.send(other_ring.seal(parcel.model_dump(mode="json"), purpose=DELIVER_TASK))
    worker.send(parcel.model_dump(mode="json"))
    worker.send("Forged topic")
    worker.send("Forged topic", task="opencircle.unheard_of")
    worker.deliver(a_parcel([enveloped(a_session_record(present=2, absent=0))]))
    await worker.receipts()
    assert await worker.count_notes() == 2
    assert worker.log.count('"code": "message.refused"') == 3
    assert "Forged topic" not in worker.log


async def test_an_idle_worker_stops_softly_within_two_seconds(
    database: Database, broker_url: str, tmp_path: Path
) -> None:
    took: list[float] = []
    # The machine may be busy with other tests once; a worker that waits for something waits each time.
    while not took or (min(took) >= 2 and len(took) < 3):
        with running_worker(database, broker_url, tmp_path, line=broker_url) as worker:
            worker.deliver(a_parcel([enveloped(a_session_record(present=1, absent=0))]))
            await worker.receipts()
            took.append(worker.stop())
            assert worker.process.returncode == 0
    assert min(took) < 2


async def test_a_worker_that_is_stopped_ends_what_it_has_begun_and_hands_back_the_rest(
    worker: RunningWorker,
) -> None:
    for _ in range(SENT):
        worker.deliver(a_parcel([enveloped(a_session_record(present=2, absent=0))]))
    await worker.receipts()
    worker.stop()
    assert worker.process.returncode == 0
    with redis.Redis.from_url(worker.broker_url) as broker:
        answered, waiting = 1 + broker.llen("sessions.receipts"), broker.llen("charts")
        assert (answered + waiting, broker.hlen("unacked")) == (SENT, 0)
    assert await worker.count_notes() == 2 * answered


async def test_a_worker_whose_acknowledgement_failed_ends_so_that_it_is_started_anew(
    database: Database, broker_url: str, valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    if database.engine.dialect.name != "sqlite":
        pytest.skip("Its one write lock makes the task wait for us.")
    proxy = Proxy(host=LOOPBACK, port=valkey_server.port)
    async with proxy.serving(), redis.asyncio.Redis.from_url(broker_url) as broker:
        line = broker_url.replace(f":{proxy.port}", f":{proxy.listens_on}")
        with running_worker(database, broker_url, tmp_path, line=line) as worker:
            async with database.writing_for_all():
                worker.deliver(a_parcel([enveloped(a_session_record(present=1, absent=0))]))
                await until(lambda: broker.hlen("unacked"))
                proxy.break_off()
            await until(lambda: logged(worker, "Couldn't ack"))
            proxy.mend()
            await until(lambda: logged(worker, '"code": "worker.deaf"'))
            await until(lambda: ended(worker))


async def until(done: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        while not await done():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def logged(worker: RunningWorker, text: str) -> bool:
    return text in worker.log


async def ended(worker: RunningWorker) -> bool:
    return worker.process.poll() is not None


async def test_a_worker_shows_that_it_lives(worker: RunningWorker) -> None:
    worker.deliver(a_parcel([enveloped(a_session_record(present=1, absent=0))]))
    await worker.receipts()
    assert time.time() - (worker.folder / "alive").stat().st_mtime < PATIENCE_SECONDS
