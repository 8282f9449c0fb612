from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from services.billing_bridge.claims import LEASE, claim_due
from services.billing_bridge.models import charge_history, charge_status
from shared.events.catalogue import SESSION_ANNOTATED, SESSION_COMPLETED, SESSION_RETRACTED
from shared.events.record import SessionRecord
from shared.testing.corrections import an_annotation, annotated, documented_again, retraction_of
from shared.testing.records import CLINIC, OTHER_CLINIC, a_parcel, a_session_record, enveloped
from tests.integration.services.billing_bridge.conftest import Billing, RunningReceiver
from tests.integration.services.billing_bridge.scripted_receiver import (
    answering,
    hanging_up,
    scripted_receiver,
)


async def one_session(billing: Billing, url: str, **changes: Any) -> SessionRecord:
    await billing.connect(url, **changes)
    record = a_session_record(present=1, absent=0)
    await billing.hear(record)
    return record


async def retract(billing: Billing, record: SessionRecord) -> None:
    """Hear of it, with the standing watch set past the worker's own clock."""
    await billing.hear(retraction_of(record), event_type=SESSION_RETRACTED)
    billing.watch.forward(seconds=30)


@pytest.mark.rule("SIGN-5", "BILL-2")
async def test_an_annotation_changes_no_charge_and_makes_them_if_it_comes_first(billing: Billing) -> None:
    record = a_session_record(present=2, absent=0)
    added = annotated(record, an_annotation(record.participants[0].patient_id))
    await billing.hear(added, event_type=SESSION_ANNOTATED)
    made = await billing.charges()
    await billing.hear(record)
    assert (len(made), await billing.charges()) == (2, made)


@pytest.mark.rule("BILL-6")
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("together", [True, False])
async def test_what_was_never_sent_is_reversed_and_never_pushed_in_whatever_order_it_is_told(
    billing: Billing, order: tuple[int, ...], together: bool
) -> None:
    record = a_session_record(present=2, absent=0)
    added = annotated(record, an_annotation(record.participants[0].patient_id))
    told = [
        enveloped(record),
        enveloped(added, event_type=SESSION_ANNOTATED),
        enveloped(retraction_of(record), event_type=SESSION_RETRACTED),
    ]
    events = [told[place] for place in order] * 2
    async with scripted_receiver() as receiver:
        await billing.connect(receiver.url)
        for parcel in [events] if together else [[one] for one in events]:
            await billing.consuming.receive(a_parcel(parcel))
        await billing.push()
        assert receiver.received == []
    assert await billing.statuses() == ["reversed"] * 2
    reasons = [row.reason for row in await billing.opened(charge_history) if row.status == "reversed"]
    assert reasons == ["Its session was retracted. It was never taken, and is not sent any more."] * 2


@pytest.mark.rule("BILL-6")
async def test_what_was_accepted_is_reversed_there_once_and_by_its_own_key(
    billing: Billing, receiver: RunningReceiver
) -> None:
    record = await one_session(billing, receiver.url, secret=receiver.secret)
    await billing.push()
    await retract(billing, record)
    await retract(billing, record)
    await billing.push()
    shown, taken = await billing.shown(), await receiver.get("charges")
    assert [one["key"] for one in taken] == [shown["charge_id"], f"{shown['charge_id']}-reversal"]
    assert (taken[1]["charge"]["kind"], taken[1]["charge"]["charge_id"]) == ("reversal", shown["charge_id"])
    assert [one["status"] for one in shown["history"]] == [
        "pending", "sent", "accepted", "pending", "sent", "reversed",
    ]  # fmt: skip
    assert [one["kind"] for one in shown["pushes"]] == ["charge", "reversal"]


@pytest.mark.rule("BILL-6")
@pytest.mark.parametrize("deduplicates", [True, False])
async def test_an_unknown_charge_is_reversed_only_where_the_receiver_deduplicates(
    billing: Billing, deduplicates: bool
) -> None:
    async with scripted_receiver(hanging_up) as receiver:
        record = await one_session(billing, receiver.url, deduplicates=deduplicates)
        await billing.push()
        await retract(billing, record)
        billing.watch.forward(days=1)
        await billing.push()
        assert await billing.statuses() == ["reversed" if deduplicates else "unknown"]
        if not deduplicates:
            await billing.decide("release", reason="They have it.")
            await billing.push()
            assert await billing.statuses() == ["reversed"]
        assert receiver.keys[1:] == [f"{receiver.keys[0]}-reversal"]


@pytest.mark.rule("BILL-6")
@pytest.mark.parametrize(
    ("answer", "keys", "status"),
    [(201, 2, "reversed"), (429, 1, "reversed"), (400, 1, "reversed"), (503, 1, "unknown")],
)
async def test_a_retraction_during_a_push_waits_for_its_end(
    billing: Billing, answer: int, keys: int, status: str
) -> None:
    record = a_session_record(present=1, absent=0)

    async def retracted_meanwhile(writer: Any) -> None:
        await retract(billing, record)
        assert await billing.statuses() == ["sent"]
        await answering(answer)(writer)

    async with scripted_receiver(retracted_meanwhile) as receiver:
        await billing.connect(receiver.url)
        await billing.hear(record)
        await billing.push()
        billing.watch.forward(days=1)
        await billing.push()
        assert (len(receiver.keys), await billing.statuses()) == (keys, [status])


@pytest.mark.rule("BILL-5", "BILL-6")
@pytest.mark.parametrize("deduplicates", [True, False])
async def test_a_pusher_killed_while_it_reverses_sends_the_same_key_again_or_waits(
    billing: Billing, deduplicates: bool
) -> None:
    async with scripted_receiver() as receiver:
        record = await one_session(billing, receiver.url, deduplicates=deduplicates)
        await billing.push()
        await retract(billing, record)
        async with billing.database.writing_for([CLINIC]) as db:
            (claimed,) = await claim_due(db, now=billing.watch.now, at_most=10)
        assert claimed.reversing
        billing.watch.forward(seconds=LEASE.total_seconds() + 1)
        await billing.pusher.recover()
        assert await billing.statuses() == ["unknown"]
        billing.watch.forward(seconds=6)
        await billing.push()
        assert await billing.statuses() == ["reversed" if deduplicates else "unknown"]
        assert len(receiver.received) == (2 if deduplicates else 1)


@pytest.mark.rule("BILL-6")
async def test_a_reversal_that_is_not_taken_is_tried_again_and_one_that_is_rejected_is_held(
    billing: Billing,
) -> None:
    async with scripted_receiver(answering(201), answering(429), answering(400)) as receiver:
        record = await one_session(billing, receiver.url)
        await billing.push()
        await retract(billing, record)
        await billing.push()
        assert await billing.statuses() == ["pending"]
        billing.watch.forward(days=1)
        await billing.push()
        shown = await billing.shown()
        assert (shown["status"], shown["reason"]) == (
            "held",
            "Its reversal was rejected. The receiver answered 400.",
        )
        await billing.decide("release")
        await billing.push()
        assert await billing.statuses() == ["reversed"]
        assert len({*receiver.keys[1:]}) == 1


@pytest.mark.rule("BILL-6")
async def test_no_reversal_goes_where_the_charge_has_never_been(billing: Billing) -> None:
    async with scripted_receiver() as receiver, scripted_receiver() as another:
        record = await one_session(billing, receiver.url)
        await billing.push()
        await billing.connect(another.url)
        await retract(billing, record)
        await billing.push()
        assert another.received == []


@pytest.mark.rule("BILL-6")
async def test_documented_again_makes_charges_that_name_what_they_replace(billing: Billing) -> None:
    record = a_session_record(present=2, absent=0)
    again = documented_again(record)
    later = enveloped(again)
    later = later.model_copy(update={"time": later.time.replace(day=12)})
    await billing.hear(record)
    await retract(billing, record)
    await billing.consuming.receive(a_parcel([later]))
    old = {one.patient_id: one.charge_id for one in await billing.charges() if one.replaces is None}
    new = {one.patient_id: one.replaces for one in await billing.charges() if one.replaces}
    assert new == old
    statuses = await billing.rows(select(charge_status.c.status).order_by(charge_status.c.made_at))
    assert [row.status for row in statuses] == ["reversed"] * 2 + ["pending"] * 2


@pytest.mark.rule("BILL-6")
async def test_a_retraction_of_another_instance_reverses_nothing(billing: Billing) -> None:
    record = a_session_record(present=1, absent=0)
    await billing.hear(record)
    await billing.hear(retraction_of(record), event_type=SESSION_RETRACTED, instance_id=OTHER_CLINIC)
    assert await billing.statuses() == ["pending"]


async def test_the_first_documentation_replaces_nothing(billing: Billing) -> None:
    await billing.hear(a_session_record(present=1, absent=0), event_type=SESSION_COMPLETED)
    assert [one.replaces for one in await billing.charges()] == [None]
