from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from shared.database.transactions import Database
from shared.messaging.ledger import claim_due, record_receipts
from shared.messaging.measuring import measure_ledger
from shared.messaging.messages import Receipt, Verdict
from shared.observability.metrics import DELIVERIES_UNFINISHED, OLDEST_OPEN_DELIVERY, RELAY_LAG
from tests.integration.shared.messaging.conftest import SteppedClock, ledger, publish_a_session

CHARTS = {"service": "tested", "consumer": "charts"}


@pytest.fixture(autouse=True)
def _no_metrics_of_others() -> Iterator[None]:
    yield
    for gauge in (DELIVERIES_UNFINISHED, OLDEST_OPEN_DELIVERY, RELAY_LAG):
        gauge.clear()


async def measured(database: Database, clock: SteppedClock) -> tuple[float | None, ...]:
    await measure_ledger(database, ledger, service="tested", clock=clock)
    return (
        REGISTRY.get_sample_value("opencircle_deliveries_unfinished", CHARTS | {"state": "open"}),
        REGISTRY.get_sample_value("opencircle_oldest_open_delivery_seconds", CHARTS),
        REGISTRY.get_sample_value("opencircle_relay_lag_seconds", CHARTS),
    )


async def test_what_waits_is_measured_until_it_is_applied(database: Database, clock: SteppedClock) -> None:
    await publish_a_session(database, at=clock())
    clock.step(30)
    await publish_a_session(database, at=clock())
    assert await measured(database, clock) == (2, 30, 30)
    async with database.writing_for_all() as db:
        claimed = await claim_due(db, ledger, now=clock(), ring_again_after_seconds=(60,))
    clock.step(10)
    # Rung for, so the relay is not late, but nobody has applied it.
    assert await measured(database, clock) == (2, 40, 0)
    async with database.writing_for_all() as db:
        receipts = [Receipt(delivery_id=one.delivery.delivery_id, verdict=Verdict.APPLIED) for one in claimed]
        await record_receipts(db, ledger, receipts, now=clock())
    assert await measured(database, clock) == (0, 0, 0)
