import asyncio
from collections.abc import Iterator

import pytest
import redis

from shared.database.engine import create_engine
from shared.database.transactions import Database
from shared.messaging.bells import SweepOnly
from shared.messaging.broker import Broker, BrokerUnavailableError
from shared.messaging.celery_application import new_celery_application
from shared.messaging.relay import Relay
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.testing.databases import database_on
from tests.integration.shared.messaging.conftest import SteppedClock, deliveries, ledger, publish_a_session
from tests.support.servers import LOOPBACK, ValkeyServer, free_port


def relay_on(broker_url: str, database: Database, clock: SteppedClock) -> Relay:
    return Relay(
        service="sessions",
        database=database,
        ledger=ledger,
        broker=Broker(application=new_celery_application(name="test", broker_url=broker_url)),
        keys=KeyRing.parse(new_key_ring()),
        clock=clock,
    )


@pytest.fixture
def relay(broker_url: str, database: Database, clock: SteppedClock) -> Iterator[Relay]:
    relay = relay_on(broker_url, database, clock)
    yield relay
    relay.broker.application.close()


@pytest.fixture
def queues(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url) as client:
        yield client


async def test_what_is_owed_is_in_each_consumers_queue(
    relay: Relay, database: Database, queues: redis.Redis
) -> None:
    for _ in range(3):
        await publish_a_session(database)
    assert await relay.ring_due() == 9
    assert [queues.llen(one) for one in ("charts", "billing_bridge", "printing")] == [1, 1, 1]


async def test_the_broker_is_shown_no_patient(relay: Relay, database: Database, queues: redis.Redis) -> None:
    await publish_a_session(database, topic="Coping with cravings")
    await relay.ring_due()
    (message,) = queues.lrange("charts", 0, -1)
    assert b"sealed" in message
    assert b"cravings" not in message


async def test_nothing_owed_sends_nothing(relay: Relay, queues: redis.Redis) -> None:
    assert await relay.ring_due() == 0
    assert queues.llen("charts") == 0


@pytest.mark.rule("DIST-6")
async def test_it_rings_again_when_no_receipt_came(
    relay: Relay, database: Database, clock: SteppedClock, queues: redis.Redis
) -> None:
    await publish_a_session(database)
    await relay.ring_due()
    clock.step(4.9)
    assert await relay.ring_due() == 0
    clock.step(0.1)
    assert await relay.ring_due() == 3
    assert queues.llen("charts") == 2


@pytest.mark.rule("DIST-6")
async def test_what_a_wiped_broker_lost_is_rung_again(
    relay: Relay, database: Database, clock: SteppedClock, queues: redis.Redis
) -> None:
    await publish_a_session(database)
    await relay.ring_due()
    queues.flushall()
    clock.step(5)
    await relay.ring_due()
    assert queues.llen("charts") == 1


async def test_a_clock_that_was_a_day_ahead_has_nothing_wait_for_a_day(
    relay: Relay, database: Database, clock: SteppedClock
) -> None:
    await publish_a_session(database)
    clock.step(86_400)
    await relay.ring_due()
    ahead = clock()
    clock.step(-86_400)
    assert await relay.ring_due() == 0
    assert await relay.keep_to_the_clock(ahead) == clock()
    assert await relay.ring_due() == 3


@pytest.mark.rule("DIST-6")
async def test_without_a_broker_everything_stays_owed(database: Database, clock: SteppedClock) -> None:
    relay = relay_on(f"redis://{LOOPBACK}:{free_port()}/0", database, clock)
    await publish_a_session(database)
    with pytest.raises(BrokerUnavailableError):
        await relay.ring_due()
    assert [(one.state, one.rings, one.next_ring_at) for one in await deliveries(database)] == [
        ("open", 0, clock())
    ]
    relay.broker.application.close()


async def test_it_stops_when_told_to(relay: Relay, database: Database) -> None:
    await publish_a_session(database)
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(SweepOnly(), stop))
    # Another process would be told by the ledger too, and can only look.
    while not [one for one in await deliveries(database) if one.rings]:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    stop.set()
    async with asyncio.timeout(5):
        await running


async def test_it_outlives_a_database_that_cannot_be_reached(broker_url: str, clock: SteppedClock) -> None:
    nowhere = create_engine(f"postgresql+asyncpg://postgres@{LOOPBACK}:{free_port()}/nowhere")
    relay = relay_on(broker_url, database_on(nowhere), clock)
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(SweepOnly(), stop))
    await asyncio.sleep(0.3)
    assert not running.done()
    stop.set()
    async with asyncio.timeout(5):
        await running
    relay.broker.application.close()
