import pytest
from sqlalchemy import func, select

from shared.database.sealed_columns import EVENT
from shared.database.transactions import Database
from shared.events.catalogue import SESSION_COMPLETED, parse, subscribers
from shared.messaging.outbox import publish
from shared.testing.databases import opened_rows
from shared.testing.records import CLINIC, TUESDAY, a_session_record
from tests.integration.shared.messaging.conftest import deliveries, ledger, publish_a_session


async def test_each_subscriber_is_owed_one_delivery(database: Database) -> None:
    await publish_a_session(database)
    for consumer in subscribers(SESSION_COMPLETED):
        (owed,) = await deliveries(database, consumer=consumer)
        assert (owed.state, owed.rings, owed.failures, owed.next_ring_at) == ("open", 0, 0, TUESDAY)
    assert list(await deliveries(database, consumer="printing.render")) == []


async def test_the_published_body_is_the_whole_envelope(database: Database) -> None:
    await publish_a_session(database, topic="Relapse — السقوط 🌱")
    (event,) = await opened_rows(database, select(ledger.event), EVENT)
    envelope = parse(event.body, event.type)
    assert (envelope.id, envelope.instanceid, envelope.data.topic) == (
        event.id,
        CLINIC,
        "Relapse — السقوط 🌱",
    )


async def test_what_is_kept_of_an_event_shows_nothing_of_it(database: Database) -> None:
    await publish_a_session(database, topic="Relapse")
    async with database.engine.connect() as connection:
        (event,) = (await connection.execute(select(ledger.event))).all()
    assert event.body.startswith("z1.")
    assert "Relapse" not in event.body


async def test_nothing_is_published_by_a_transaction_that_is_rolled_back(database: Database) -> None:
    record = a_session_record()

    async def change_of_mind() -> None:
        async with database.writing(CLINIC) as db:
            await publish(
                db,
                ledger,
                source="sessions",
                event_type=SESSION_COMPLETED,
                subject=record.session_id,
                facts=record,
                at=TUESDAY,
            )
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_of_mind()
    async with database.engine.connect() as connection:
        count = (await connection.execute(select(func.count()).select_from(ledger.event))).scalar_one()
    assert (count, list(await deliveries(database))) == (0, [])
