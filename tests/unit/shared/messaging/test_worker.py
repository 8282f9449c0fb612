import asyncio
from typing import Any

import pytest
from celery import Celery

from shared.database.columns import new_metadata
from shared.database.engine import create_engine
from shared.messaging.broker import Broker
from shared.messaging.celery_application import new_celery_application
from shared.messaging.consuming import Consuming
from shared.messaging.messages import DELIVER_TASK, RECEIPTS_TASK
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.messaging.tables import inbox_tables, ledger_tables
from shared.messaging.worker import serve_deliveries, serve_receipts
from shared.observability.metrics import MESSAGES_REFUSED
from shared.testing.databases import database_on

KEYS = KeyRing.parse(new_key_ring())


@pytest.fixture
def told() -> list[str]:
    """The purposes of the messages that were refused."""
    return []


@pytest.fixture
def application(told: list[str]) -> Celery:
    """Serves both tasks on a broker and a database that are never reached."""
    application = new_celery_application(name="test", broker_url="redis://unused")
    database = database_on(create_engine("sqlite+aiosqlite:///unused/unused.sqlite3"))
    metadata = new_metadata()
    consuming = Consuming(consumer="charts", database=database, inbox=inbox_tables(metadata), handlers={})
    broker = Broker(application=application)

    async def tell(purpose: str) -> None:
        told.append(purpose)

    serve_deliveries(application, asyncio.run, consuming=consuming, keys=KEYS, broker=broker, refused=tell)
    serve_receipts(
        application, asyncio.run, database=database, ledger=ledger_tables(metadata), keys=KEYS, refused=tell
    )
    return application


def refused() -> float:
    return next(iter(MESSAGES_REFUSED.collect())).samples[0].value


FORGERIES = {
    "no sealed text": "hello",
    "another type": {"receipts_to": "sessions.receipts"},
    "nothing": None,
    "sealed for the other task": KEYS.seal({}, purpose="opencircle.other"),
}


@pytest.mark.parametrize("task", [DELIVER_TASK, RECEIPTS_TASK])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_message_is_counted_told_and_dropped(
    application: Celery, told: list[str], task: str, forgery: str
) -> None:
    before = refused()
    sealed: Any = FORGERIES[forgery]
    application.tasks[task](sealed)
    assert (refused(), told) == (before + 1, [task])


@pytest.mark.parametrize("task", [DELIVER_TASK, RECEIPTS_TASK])
def test_a_sealed_message_of_the_wrong_shape_is_counted_and_dropped(application: Celery, task: str) -> None:
    before = refused()
    application.tasks[task](KEYS.seal({"unexpected": 1}, purpose=task))
    assert refused() == before + 1
