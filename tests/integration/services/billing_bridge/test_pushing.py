import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook

from services.billing_bridge.claims import LEASE, Pushed, claim_due, close
from services.billing_bridge.models import connection, push_attempt, push_result
from services.billing_bridge.outcomes import Outcome, Verdict
from shared.observability.tracing import trace_id_of
from shared.testing.records import CLINIC, OTHER_CLINIC, a_parcel, a_session_record, enveloped
from tests.integration.services.billing_bridge.conftest import Billing, RunningReceiver
from tests.integration.services.billing_bridge.scripted_receiver import (
    answering,
    hanging_up,
    pouring,
    saying_half,
    scripted_receiver,
)

CLOSED_PORT = "http://127.0.0.1:9/charges"


def told(shown: dict[str, Any]) -> list[str]:
    return [change["status"] for change in shown["history"]]


@pytest.mark.rule("BILL-4")
async def test_a_charge_is_accepted_once_and_its_receipt_is_kept(
    billing: Billing, receiver: RunningReceiver
) -> None:
    await billing.one_charge(receiver.url, secret=receiver.secret)
    await billing.push()
    await billing.push()
    shown, (taken,) = await billing.shown(), await receiver.get("charges")
    assert (taken["key"], taken["receipt_id"]) == (shown["charge_id"], shown["receipt_id"])
    assert told(shown) == ["pending", "sent", "accepted"]
    assert await receiver.get("counts") == {
        "accepted": 1,
        "reversed": 0,
        "duplicates": 0,
        "conflicts": 0,
        "refused": 0,
    }


@pytest.mark.rule("BILL-4")
async def test_a_receiver_with_another_secret_refuses_and_the_charge_is_rejected(
    billing: Billing, receiver: RunningReceiver
) -> None:
    await billing.one_charge(receiver.url)
    await billing.push()
    shown = await billing.shown()
    assert (shown["status"], shown["reason"]) == ("rejected", "The receiver answered 401.")
    assert (await receiver.get("counts"))["refused"] == 1


@pytest.mark.rule("BILL-4", "BILL-5")
async def test_fifty_charges_arrive_once_each_from_three_pushers(
    billing: Billing, receiver: RunningReceiver
) -> None:
    await billing.connect(receiver.url, secret=receiver.secret)
    await billing.hear(*(a_session_record(present=10, absent=1) for _ in range(5)))
    await asyncio.gather(*(billing.push() for _ in range(3)))
    assert await billing.statuses() == ["accepted"] * 50
    assert await receiver.get("counts") == {
        "accepted": 50,
        "reversed": 0,
        "duplicates": 0,
        "conflicts": 0,
        "refused": 0,
    }


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize("status", [425, 429])
async def test_what_is_answered_but_not_taken_is_sent_again_with_the_same_key(
    billing: Billing, status: int
) -> None:
    async with scripted_receiver(answering(status, retry_after="7")) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
        billing.watch.forward(seconds=6.9)
        await billing.push()
        assert (await billing.shown())["status"] == "pending"
        billing.watch.forward(seconds=0.2)
        await billing.push()
        assert told(await billing.shown()) == ["pending", "sent", "pending", "sent", "accepted"]
        assert len(set(receiver.keys)) == 1
        assert receiver.received[0].body == receiver.received[1].body


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize("status", [408, 500, 504])
async def test_a_receiver_that_failed_may_have_booked_it_and_is_not_asked_twice(
    billing: Billing, status: int
) -> None:
    async with scripted_receiver(answering(status)) as receiver:
        await billing.connect(receiver.url, deduplicates=False)
        await billing.hear(a_session_record(present=1, absent=0))
        for _ in range(3):
            await billing.push()
            billing.watch.forward(days=1)
        assert len(receiver.received) == 1
    assert (await billing.shown())["status"] == "unknown"


@pytest.mark.rule("BILL-4")
async def test_a_rejection_is_final_and_its_answer_is_kept(billing: Billing) -> None:
    async with scripted_receiver(answering(400, {"error": "no such payer"})) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
        billing.watch.forward(days=30)
        await billing.push()
        (attempt,) = (await billing.shown())["pushes"]
    assert (attempt["verdict"], attempt["http_status"]) == ("rejected", 400)
    assert json.loads(attempt["answer"]) == {"error": "no such payer"}


async def test_a_redirect_is_not_followed(billing: Billing) -> None:
    async with scripted_receiver() as elsewhere:
        async with scripted_receiver(answering(307, location=elsewhere.url)) as receiver:
            await billing.one_charge(receiver.url)
            await billing.push()
        assert elsewhere.received == []
    assert (await billing.shown())["status"] == "rejected"


@pytest.mark.rule("BILL-5")
async def test_the_key_is_the_charge_and_the_signature_is_the_attempts_own(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        secret = (await billing.connect(receiver.url)).json()["secret"]
        await billing.hear(a_session_record(present=1, absent=0))
        await billing.push()
    (received,), shown = receiver.received, await billing.shown()
    Webhook(secret).verify(received.body, dict(received.headers))
    assert received.headers["webhook-id"] == received.headers["idempotency-key"] == shown["charge_id"]
    assert received.headers["webhook-timestamp"] == str(int(billing.watch.now.timestamp()))


@pytest.mark.rule("BILL-4")
async def test_a_receiver_that_is_down_gets_it_later(billing: Billing) -> None:
    shown = await billing.one_charge(CLOSED_PORT)
    await billing.push()
    shown = await billing.shown()
    assert (shown["status"], shown["reason"]) == ("pending", "Nothing was sent: ConnectError.")


@pytest.mark.rule("BILL-5")
async def test_after_a_broken_connection_a_receiver_that_deduplicates_gets_the_same_key_again(
    billing: Billing,
) -> None:
    async with scripted_receiver(hanging_up) as receiver:
        await billing.one_charge(receiver.url, deduplicates=True)
        await billing.push()
        assert (await billing.shown())["status"] == "unknown"
        billing.watch.forward(seconds=6)
        await billing.push()
        assert told(await billing.shown()) == ["pending", "sent", "unknown", "sent", "accepted"]
        assert len(receiver.keys) == 2
        assert len(set(receiver.keys)) == 1


@pytest.mark.rule("BILL-5")
async def test_after_a_broken_connection_any_other_receiver_gets_nothing_until_a_person_decides(
    billing: Billing,
) -> None:
    async with scripted_receiver(hanging_up) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
        billing.watch.forward(days=30)
        await billing.push()
        assert len(receiver.received) == 1
        assert (await billing.shown())["status"] == "unknown"
        await billing.decide("release", reason="They say they don't have it.")
        await billing.push()
        assert (await billing.shown())["status"] == "accepted"


@pytest.mark.rule("BILL-5")
async def test_an_unknown_charge_that_is_not_taken_stays_unknown(billing: Billing) -> None:
    async with scripted_receiver(hanging_up, answering(503)) as receiver:
        await billing.one_charge(receiver.url, deduplicates=True)
        await billing.push()
        billing.watch.forward(seconds=6)
        await billing.push()
        assert told(await billing.shown()) == ["pending", "sent", "unknown", "sent", "unknown"]


@pytest.mark.rule("BILL-5")
async def test_an_unknown_charge_is_not_sent_to_another_address(billing: Billing) -> None:
    async with scripted_receiver(hanging_up) as receiver, scripted_receiver() as another:
        await billing.one_charge(receiver.url, deduplicates=True)
        await billing.push()
        await billing.connect(another.url, deduplicates=True)
        billing.watch.forward(days=1)
        await billing.push()
        assert another.received == []


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize("deduplicates", [True, False])
async def test_a_pusher_killed_between_its_attempt_and_its_end_leaves_an_unknown_outcome(
    billing: Billing, deduplicates: bool
) -> None:
    async with scripted_receiver() as receiver:
        await billing.one_charge(receiver.url, deduplicates=deduplicates)
        async with billing.database.writing_for([CLINIC]) as db:
            assert len(await claim_due(db, now=billing.watch.now, at_most=10)) == 1
        await billing.push()
        assert receiver.received == []
        billing.watch.forward(seconds=LEASE.total_seconds() + 1)
        await billing.pusher.recover()
        shown = await billing.shown()
        assert (shown["status"], shown["pushes"][0]["ended_at"]) == ("unknown", None)
        billing.watch.forward(seconds=6)
        await billing.push()
        assert len(receiver.received) == (1 if deduplicates else 0)


@pytest.mark.rule("BILL-5")
async def test_a_pusher_that_wakes_up_after_its_lease_sends_nothing(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await billing.one_charge(receiver.url)
        pusher = billing.pusher
        await pusher.turn()
        billing.watch.forward(seconds=LEASE.total_seconds())
        await pusher.finish()
        assert receiver.received == []


@pytest.mark.rule("BILL-5")
async def test_a_late_result_counts_unless_a_newer_attempt_has_begun(billing: Billing) -> None:
    await billing.one_charge(CLOSED_PORT, deduplicates=True)
    async with billing.database.writing_for([CLINIC]) as db:
        (claimed,) = await claim_due(db, now=billing.watch.now, at_most=10)
    billing.watch.forward(seconds=LEASE.total_seconds() + 1)
    await billing.pusher.recover()
    accepted = Outcome(verdict=Verdict.ACCEPTED, receipt_id="R-7", http_status=200)
    late = Pushed(claimed=claimed, outcome=accepted, ended_at=billing.watch.now)
    async with billing.database.writing_for([CLINIC]) as db:
        await close(db, [late], now=billing.watch.now, chance=0)
    assert ((await billing.shown())["status"], (await billing.shown())["receipt_id"]) == ("accepted", "R-7")
    billing.watch.forward(days=1)
    async with billing.database.writing_for([CLINIC]) as db:
        assert await claim_due(db, now=billing.watch.now, at_most=10) == []


@pytest.mark.rule("BILL-5")
async def test_the_attempt_is_committed_before_the_first_byte(billing: Billing) -> None:
    seen: list[int] = []

    async def look(writer: asyncio.StreamWriter) -> None:
        seen.append(len(await billing.rows(select(push_attempt))))
        await answering(200)(writer)

    async with scripted_receiver(look) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
    assert seen == [1]


async def test_an_acceptance_counts_although_its_body_breaks_off(billing: Billing) -> None:
    async with scripted_receiver(saying_half) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
    assert (await billing.shown())["status"] == "accepted"


async def test_of_a_long_answer_two_kilobytes_are_kept(billing: Billing) -> None:
    async with scripted_receiver(pouring) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
    (result,) = await billing.opened(push_result)
    assert (result.verdict, result.answer) == ("accepted", "x" * 2048)


async def test_an_address_that_is_gone_pauses_its_connection(billing: Billing) -> None:
    async with scripted_receiver(answering(410)) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
        await billing.hear(a_session_record(present=1, absent=0))
        await billing.push()
        assert len(receiver.received) == 1
    (row,) = await billing.rows(select(connection))
    assert (row.active, row.paused_because) == (
        False,
        "The receiver answered that this address is gone (410).",
    )


async def test_ten_failures_hold_a_charge(billing: Billing) -> None:
    async with scripted_receiver(*[answering(429)] * 10) as receiver:
        await billing.one_charge(receiver.url)
        for _ in range(12):
            await billing.push()
            billing.watch.forward(days=1)
        assert len(receiver.received) == 10
    shown = await billing.shown()
    assert (shown["status"], shown["reason"]) == (
        "held",
        "Not taken in 10 attempts. Last: The receiver answered 429.",
    )


async def test_charges_without_a_connection_wait(billing: Billing) -> None:
    await billing.hear(a_session_record(present=1, absent=0))
    await billing.push()
    assert await billing.statuses() == ["pending"]


async def test_charges_go_to_their_own_instances_system_alone(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await billing.connect(receiver.url)
        await billing.hear(a_session_record(present=1, absent=0), instance_id=OTHER_CLINIC)
        await billing.push()
        assert receiver.received == []


async def test_http_in_the_database_is_not_sent_to_in_production(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await billing.one_charge(receiver.url)
        async with billing.database.writing_for_all() as db:
            await db.execute(update(connection).values(url="http://billing.example/charges"))
        await billing.push()
    assert "must begin with https" in (await billing.shown())["reason"]


async def test_a_held_charge_is_not_pushed(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await billing.one_charge(receiver.url)
        await billing.decide("hold")
        await billing.push()
        assert receiver.received == []


async def test_a_push_continues_the_trace_of_the_signature(billing: Billing) -> None:
    signed = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    envelope = enveloped(a_session_record(present=1, absent=0)).model_copy(update={"traceparent": signed})
    async with scripted_receiver() as receiver:
        await billing.connect(receiver.url)
        await billing.consuming.receive(a_parcel([envelope]))
        await billing.push()
    (sent,) = receiver.received
    assert trace_id_of(sent.headers["traceparent"]) == trace_id_of(signed)
    assert sent.headers["traceparent"] != signed
