import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from shared.database.transactions import Database
from shared.events.catalogue import SESSION_COMPLETED, subscribers
from shared.messaging.ledger import (
    RETRY_AFTER_SECONDS,
    Claimed,
    claim_due,
    count_deliveries,
    hand_back,
    record_receipts,
)
from shared.messaging.messages import Receipt, Verdict
from tests.integration.shared.messaging.conftest import SteppedClock, deliveries, ledger, publish_a_session

RING_AGAIN = (5.0, 15.0)


async def claim(database: Database, clock: SteppedClock) -> list[Claimed]:
    async with database.writing_for_all() as connection:
        claimed = await claim_due(connection, ledger, now=clock(), ring_again_after_seconds=RING_AGAIN)
    return [one for one in claimed if one.consumer == "charts"]


async def receipt(
    database: Database, clock: SteppedClock, verdict: Verdict, ids: Sequence[UUID], reason: str | None = None
) -> None:
    receipts = [Receipt(delivery_id=one, verdict=verdict, reason=reason) for one in ids]
    async with database.writing_for_all() as connection:
        await record_receipts(connection, ledger, receipts, now=clock())


async def the_id(database: Database) -> UUID:
    (owed,) = await deliveries(database)
    return UUID(str(owed.id))


async def test_what_is_claimed_is_not_claimed_again(database: Database, clock: SteppedClock) -> None:
    await publish_a_session(database)
    assert len(await claim(database, clock)) == 1
    assert await claim(database, clock) == []


async def test_nothing_is_claimed_before_it_is_due(database: Database, clock: SteppedClock) -> None:
    await publish_a_session(database, at=clock() + timedelta(seconds=1))
    assert await claim(database, clock) == []
    clock.step(1)
    assert len(await claim(database, clock)) == 1


async def test_without_a_receipt_it_is_due_again_by_the_schedule(
    database: Database, clock: SteppedClock
) -> None:
    await publish_a_session(database)
    rings = []
    for wait in (0, 5, 15, 15):
        clock.step(wait - 0.001)
        assert wait == 0 or await claim(database, clock) == []
        clock.step(0.001)
        rings += [one.delivery.ring for one in await claim(database, clock)]
    assert rings == [1, 2, 3, 4]


async def test_a_receipt_closes_a_delivery(database: Database, clock: SteppedClock) -> None:
    await publish_a_session(database)
    await claim(database, clock)
    await receipt(database, clock, Verdict.APPLIED, [await the_id(database)])
    clock.step(3600)
    assert await claim(database, clock) == []
    (owed,) = await deliveries(database)
    assert (owed.state, owed.reason) == ("receipted", None)


@pytest.mark.parametrize("verdict", [Verdict.APPLIED, Verdict.TRANSIENT, Verdict.PERMANENT])
async def test_a_late_receipt_changes_nothing(
    database: Database, clock: SteppedClock, verdict: Verdict
) -> None:
    await publish_a_session(database)
    await receipt(database, clock, Verdict.APPLIED, [await the_id(database)])
    before = await deliveries(database)
    clock.step(60)
    await receipt(database, clock, verdict, [await the_id(database)], "Late at x.py:1")
    assert await deliveries(database) == before


async def test_a_passing_failure_is_retried_by_schedule_and_then_parked(
    database: Database, clock: SteppedClock
) -> None:
    await publish_a_session(database)
    for seconds in RETRY_AFTER_SECONDS:
        assert len(await claim(database, clock)) == 1
        await receipt(database, clock, Verdict.TRANSIENT, [await the_id(database)], "TimeoutError at x.py:1")
        clock.step(seconds)
    await claim(database, clock)
    await receipt(database, clock, Verdict.TRANSIENT, [await the_id(database)], "TimeoutError at x.py:1")
    (owed,) = await deliveries(database)
    assert (owed.state, owed.failures, owed.reason) == (
        "parked",
        len(RETRY_AFTER_SECONDS) + 1,
        "TimeoutError at x.py:1",
    )


async def test_a_lasting_failure_parks_at_once(database: Database, clock: SteppedClock) -> None:
    await publish_a_session(database)
    await claim(database, clock)
    await receipt(database, clock, Verdict.PERMANENT, [await the_id(database)], "ValueError at x.py:1")
    clock.step(1_000_000)
    assert await claim(database, clock) == []
    assert [(one.state, one.reason) for one in await deliveries(database)] == [
        ("parked", "ValueError at x.py:1")
    ]


async def test_a_parked_delivery_that_was_applied_after_all_is_closed(
    database: Database, clock: SteppedClock
) -> None:
    await publish_a_session(database)
    await receipt(database, clock, Verdict.PERMANENT, [await the_id(database)], "ValueError at x.py:1")
    await receipt(database, clock, Verdict.APPLIED, [await the_id(database)])
    assert [(one.state, one.reason) for one in await deliveries(database)] == [("receipted", None)]


async def test_what_the_broker_did_not_take_is_due_at_once_and_counts_as_no_ring(
    database: Database, clock: SteppedClock
) -> None:
    await publish_a_session(database)
    await claim(database, clock)
    async with database.writing_for_all() as connection:
        await hand_back(connection, ledger, [await the_id(database)], now=clock())
    assert [one.delivery.ring for one in await claim(database, clock)] == [1]


async def test_receipts_of_many_deliveries_go_to_their_own(database: Database, clock: SteppedClock) -> None:
    for _ in range(4):
        await publish_a_session(database)
    first, second, third, fourth = sorted(one.delivery.delivery_id for one in await claim(database, clock))
    receipts = [
        Receipt(delivery_id=first, verdict=Verdict.APPLIED),
        Receipt(delivery_id=second, verdict=Verdict.PERMANENT, reason="ValueError at x.py:1"),
        Receipt(delivery_id=third, verdict=Verdict.TRANSIENT, reason="TimeoutError at x.py:2"),
    ]
    async with database.writing_for_all() as connection:
        await record_receipts(connection, ledger, receipts, now=clock())
    assert {one.id: (one.state, one.reason) for one in await deliveries(database)} == {
        first: ("receipted", None),
        second: ("parked", "ValueError at x.py:1"),
        third: ("open", "TimeoutError at x.py:2"),
        fourth: ("open", None),
    }


async def test_unfinished_deliveries_are_counted_by_consumer_and_state(
    database: Database, clock: SteppedClock
) -> None:
    for _ in range(3):
        await publish_a_session(database)
    ids = [one.delivery.delivery_id for one in await claim(database, clock)]
    await receipt(database, clock, Verdict.APPLIED, ids[:1])
    await receipt(database, clock, Verdict.PERMANENT, ids[1:2], "ValueError at x.py:1")
    async with database.writing_for_all() as connection:
        counts = await count_deliveries(connection, ledger)
    assert counts == {
        ("charts", "open"): 1,
        ("charts", "parked"): 1,
        ("billing_bridge", "open"): 3,
        ("printing", "open"): 3,
    }


async def test_relays_at_once_never_claim_the_same_delivery(database: Database, clock: SteppedClock) -> None:
    for _ in range(20):
        await publish_a_session(database)
    claims = await asyncio.gather(*(claim(database, clock) for _ in range(4)))
    ids = [one.delivery.delivery_id for claimed in claims for one in claimed]
    assert len(ids) == len(set(ids)) == 20


async def test_a_relay_does_not_wait_for_what_another_holds(database: Database, clock: SteppedClock) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    await publish_a_session(database)
    async with database.writing_for_all() as connection:
        held = await claim_due(connection, ledger, now=clock(), ring_again_after_seconds=RING_AGAIN)
        assert {one.consumer for one in held} == set(subscribers(SESSION_COMPLETED))
        async with asyncio.timeout(5):
            assert await claim(database, clock) == []
