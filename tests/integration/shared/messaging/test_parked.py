from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row

from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.messaging.ledger import claim_due, record_receipts
from shared.messaging.messages import Receipt, Verdict
from shared.messaging.parked import Deed, Which, delivery_shown, parked_groups, retry, skip
from shared.testing.records import CLINIC, TUESDAY
from tests.integration.shared.messaging.conftest import SteppedClock, deliveries, ledger, publish_a_session

DEED = Deed(by="operator ops", reason="Printed by hand.", at=TUESDAY)


async def park(database: Database, reasons: Sequence[str]) -> list[UUID]:
    """Publish a session for each reason, and have charts refuse it for good."""
    ids = []
    for reason in reasons:
        known = {row.id for row in await deliveries(database)}
        await publish_a_session(database)
        (new,) = {row.id for row in await deliveries(database)} - known
        receipt = Receipt(delivery_id=new, verdict=Verdict.PERMANENT, reason=reason)
        async with database.writing_for_all() as connection:
            await record_receipts(connection, ledger, [receipt], now=TUESDAY)
        ids.append(new)
    return ids


async def state_of(database: Database, delivery_id: UUID) -> Row[Any]:
    return next(row for row in await deliveries(database) if row.id == delivery_id)


async def test_parked_deliveries_are_grouped_by_reason_the_largest_group_first(database: Database) -> None:
    one, *others = await park(
        database, ["KeyError at a.py:1", "ValueError at b.py:2", "ValueError at b.py:2"]
    )
    async with database.reading(CLINIC) as db:
        groups = await parked_groups(db, ledger)
    assert [(group.reason, group.deliveries, set(group.examples)) for group in groups] == [
        ("ValueError at b.py:2", 2, set(others)),
        ("KeyError at a.py:1", 1, {one}),
    ]


async def test_another_instance_sees_and_decides_nothing(database: Database) -> None:
    (parked,) = await park(database, ["KeyError at a.py:1"])
    async with database.writing(new_id()) as db:
        assert await parked_groups(db, ledger) == []
        assert await delivery_shown(db, ledger, parked) is None
        assert await retry(db, ledger, Which(), DEED) == []
        assert await skip(db, ledger, Which(delivery_id=parked), DEED) == []


async def test_a_group_is_opened_again_as_if_it_had_never_been_rung(
    database: Database, clock: SteppedClock
) -> None:
    one, other = await park(database, ["KeyError at a.py:1", "ValueError at b.py:2"])
    async with database.writing(CLINIC) as db:
        group = next(
            group for group in await parked_groups(db, ledger) if group.reason.startswith("KeyError")
        )
        assert await retry(db, ledger, Which(group=group.id), DEED) == [one]
    async with database.writing_for_all() as connection:
        claimed = await claim_due(connection, ledger, now=TUESDAY, ring_again_after_seconds=[5])
    rings = {each.delivery.delivery_id: each.delivery.ring for each in claimed if each.consumer == "charts"}
    assert rings == {one: 1}
    assert (await state_of(database, other)).state == "parked"


async def test_what_was_left_out_is_never_rung_and_says_why(database: Database) -> None:
    (parked,) = await park(database, ["KeyError at a.py:1"])
    async with database.writing(CLINIC) as db:
        assert await skip(db, ledger, Which(), DEED) == [parked]
        shown = await delivery_shown(db, ledger, parked)
    assert shown is not None
    assert shown["state"] == "skipped"
    assert [(step["what"], step["by"], step["reason"]) for step in shown["timeline"]] == [
        ("published", None, None),
        ("parked", None, "KeyError at a.py:1"),
        ("skipped", "operator ops", "Printed by hand."),
    ]


async def test_what_was_left_out_can_be_opened_again_if_it_is_named(database: Database) -> None:
    (parked,) = await park(database, ["KeyError at a.py:1"])
    async with database.writing(CLINIC) as db:
        await skip(db, ledger, Which(), DEED)
        assert await retry(db, ledger, Which(), DEED) == []
        assert await retry(db, ledger, Which(delivery_id=parked), DEED) == [parked]


@pytest.mark.parametrize("failures", [8, 9])
async def test_a_passing_failure_is_a_step_and_the_ninth_parks(database: Database, failures: int) -> None:
    await publish_a_session(database)
    (row,) = await deliveries(database)
    receipt = Receipt(delivery_id=row.id, verdict=Verdict.TRANSIENT, reason="OSError at a.py:1")
    for _ in range(failures):
        async with database.writing_for_all() as connection:
            await record_receipts(connection, ledger, [receipt], now=TUESDAY)
    async with database.reading(CLINIC) as db:
        shown = await delivery_shown(db, ledger, row.id)
    assert shown is not None
    steps = [step["what"] for step in shown["timeline"]]
    assert steps == ["published", *["failed"] * 8, *["parked"] * (failures - 8)]
