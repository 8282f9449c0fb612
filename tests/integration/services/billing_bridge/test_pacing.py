"""The pace of connections, on both databases, against a receiver that does what it is told."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.billing_bridge.claims import LEASE, claim_due
from services.billing_bridge.models import charge_status
from services.billing_bridge.waiting import BEHIND
from shared.events.catalogue import SESSION_RETRACTED
from shared.testing.corrections import retraction_of
from shared.testing.records import CLINIC, a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import NOON, Billing
from tests.integration.services.billing_bridge.scripted_receiver import (
    ScriptedReceiver,
    answering,
    hanging_up,
    scripted_receiver,
)


async def paced(billing: Billing, receiver: ScriptedReceiver, *, charges: int = 5, **pacing: Any) -> None:
    """Connects at a pace and hears of one session with so many patients."""
    await billing.connect(receiver.url, pacing=pacing)
    await billing.hear(a_session_record(present=charges, absent=0))


async def begin(billing: Billing, *, at_most: int = 10, **rules: Any) -> int:
    async with billing.database.writing_for([CLINIC]) as db:
        return len(await claim_due(db, now=billing.watch.now, at_most=at_most, **rules))


def window(billing: Billing, *, begins: int) -> dict[str, str]:
    """An hour's window that begins so many hours from now."""
    start = billing.watch.now + timedelta(hours=begins)
    return {"window_from": f"{start:%H:%M}", "window_until": f"{start + timedelta(hours=1):%H:%M}"}


@pytest.mark.rule("BILL-4")
async def test_no_more_are_under_way_than_the_connection_allows_however_many_pushers(
    billing: Billing,
) -> None:
    async with scripted_receiver() as receiver:
        await paced(billing, receiver, at_most_at_once=2)
        assert [await begin(billing) for _ in range(3)] == [2, 0, 0]


@pytest.mark.rule("BILL-4")
async def test_each_end_makes_room_for_the_next(billing: Billing) -> None:
    open_at_once: list[int] = [0, 0]

    async def counting(writer: asyncio.StreamWriter) -> None:
        open_at_once[0] += 1
        open_at_once[1] = max(open_at_once)
        await asyncio.sleep(0.02)
        open_at_once[0] -= 1
        await answering(201)(writer)

    async with scripted_receiver(*[counting] * 8) as receiver:
        await paced(billing, receiver, charges=8, at_most_at_once=2)
        await asyncio.gather(billing.push(), billing.push())
        await billing.push()
    assert (await billing.statuses(), open_at_once[1] <= 2) == (["accepted"] * 8, True)


@pytest.mark.rule("BILL-4")
async def test_a_pace_per_minute_lets_the_next_go_when_its_time_has_come(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await paced(billing, receiver, per_minute=2)
        await billing.push()
        sent = [len(receiver.received)]
        for _ in range(4):
            billing.watch.forward(seconds=15)
            await billing.push()
            sent.append(len(receiver.received))
    assert sent == [1, 1, 2, 2, 3]


@pytest.mark.rule("BILL-4")
async def test_nothing_is_sent_while_the_window_is_closed_and_the_worklist_says_so(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        hours = window(billing, begins=2)
        await billing.connect(receiver.url, pacing=hours)
        await billing.hear(a_session_record(present=5, absent=0))
        await billing.push()
        (group,) = (await billing.ask("/worklist")).json()["groups"]
        assert (receiver.received, group["charges"], group["goes_by_itself"]) == ([], 5, True)
        assert group["reason"] == "Charges go from {window_from} to {window_until} (UTC).".format(**hours)
        billing.watch.forward(hours=2)
        await billing.push()
    assert await billing.statuses() == ["accepted"] * 5


@pytest.mark.rule("BILL-4")
async def test_a_daily_charge_waits_for_its_time_and_its_further_tries_do_not(billing: Billing) -> None:
    async with scripted_receiver(answering(429)) as receiver:
        billing.watch.now = NOON
        at = f"{NOON + timedelta(hours=1):%H:%M}"
        await paced(billing, receiver, charges=1, mode="daily", daily_at=at)
        await billing.push()
        assert receiver.received == []
        assert (await billing.shown())["reason"] == f"Charges go daily at {at} (UTC)."
        billing.watch.forward(hours=1)
        await billing.push()
        billing.watch.forward(seconds=6)
        await billing.push()
    assert (await billing.statuses(), len(receiver.received)) == (["accepted"], 2)


@pytest.mark.rule("BILL-4", "BILL-7")
async def test_a_breaker_opens_and_one_message_tries_the_line(billing: Billing) -> None:
    async with scripted_receiver(*[answering(429)] * 4) as receiver:
        await paced(billing, receiver, charges=8, at_most_at_once=1, opens_after=3)
        await billing.push()
        (shown,) = (await billing.ask("/connections")).json()["connections"]
        assert (len(receiver.received), shown["failures"], shown["probe_at"] is None) == (3, 3, False)
        groups = (await billing.ask("/worklist")).json()["groups"]
        assert all(one["reason"].endswith("one message at a time tries it.") for one in groups)
        billing.watch.forward(seconds=61)
        assert await begin(billing) == 1
        assert await begin(billing) == 0


@pytest.mark.rule("BILL-4")
async def test_a_probe_that_fails_keeps_it_open_and_one_that_is_taken_closes_it(billing: Billing) -> None:
    async with scripted_receiver(*[answering(429)] * 4) as receiver:
        await paced(billing, receiver, charges=8, at_most_at_once=1, opens_after=3)
        sent = []
        for _ in range(3):
            await billing.push()
            sent.append(len(receiver.received))
            billing.watch.forward(seconds=61)
    assert sent == [3, 4, 12]
    assert await billing.statuses() == ["accepted"] * 8


@pytest.mark.rule("BILL-4", "BILL-5")
async def test_a_probe_whose_pusher_died_is_followed_by_another(billing: Billing) -> None:
    async with scripted_receiver(answering(429)) as receiver:
        await paced(billing, receiver, charges=3, at_most_at_once=1, opens_after=1)
        await billing.push()
        billing.watch.forward(seconds=61)
        assert await begin(billing) == 1
        billing.watch.forward(seconds=LEASE.total_seconds() + 1)
        assert await begin(billing) == 0
        await billing.pusher.recover()
        billing.watch.forward(seconds=61)
        assert await begin(billing) == 1


@pytest.mark.rule("BILL-4")
async def test_a_patient_s_later_charge_waits_for_an_earlier_one_where_the_order_counts(
    billing: Billing,
) -> None:
    first = a_session_record(present=2, absent=0)
    second = first.model_copy(
        update={name: a_session_record().model_dump()[name] for name in ("session_id", "documentation_id")}
    )
    async with scripted_receiver(hanging_up) as receiver:
        await billing.connect(receiver.url)
        await billing.hear(first)
        await billing.hear(second)
        assert await begin(billing, ordered=["webhook"]) == 2
        assert await begin(billing, ordered=["webhook"]) == 0
        assert await begin(billing) == 2


@pytest.mark.rule("BILL-4")
async def test_the_worklist_and_the_charge_say_that_it_waits_for_an_earlier_one(billing: Billing) -> None:
    first = a_session_record(present=1, absent=0, billing=webhook_billing(system="hl7"))
    second = first.model_copy(
        update={name: a_session_record().model_dump()[name] for name in ("session_id", "documentation_id")}
    )
    await billing.connect("mllp://127.0.0.1:9", system="hl7")
    await billing.hear(first)
    await billing.hear(second)
    shown = (await billing.ask("/charges")).json()["items"]
    assert sorted([one["reason"] or "" for one in shown]) == ["", BEHIND]
    (group,) = (await billing.ask("/worklist")).json()["groups"]
    assert (group["reason"], group["charges"], group["goes_by_itself"]) == (BEHIND, 1, True)


@pytest.mark.rule("BILL-4", "BILL-6")
async def test_a_reversal_goes_before_the_patient_s_next_charge(billing: Billing) -> None:
    first = a_session_record(present=1, absent=0)
    second = first.model_copy(
        update={name: a_session_record().model_dump()[name] for name in ("session_id", "documentation_id")}
    )
    async with scripted_receiver() as receiver:
        await billing.connect(receiver.url)
        await billing.hear(first)
        await billing.push()
        await billing.hear(retraction_of(first), event_type=SESSION_RETRACTED)
        await billing.hear(second)
        billing.watch.forward(seconds=30)
        assert await begin(billing, ordered=["webhook"]) == 1
        rows = await billing.rows(select(charge_status.c.reversing, charge_status.c.status))
    assert sorted(map(tuple, rows)) == [(False, "pending"), (True, "sent")]


@pytest.mark.parametrize(
    ("pacing", "pointer"),
    [
        ({"mode": "daily"}, "#/pacing"),
        ({"daily_at": "18:00"}, "#/pacing"),
        ({"window_from": "08:00"}, "#/pacing"),
        ({"window_from": "08:00", "window_until": "08:00"}, "#/pacing"),
        ({"window_from": "8 am", "window_until": "18:00"}, "#/pacing/window_from"),
        ({"zone": "Mars/Olympus"}, "#/pacing/zone"),
        ({"per_minute": 0}, "#/pacing/per_minute"),
        ({"speed": 1}, "#/pacing/speed"),
    ],
)
async def test_a_pace_that_does_not_fit_is_refused_where_it_stands(
    billing: Billing, pacing: dict[str, object], pointer: str
) -> None:
    await billing.connect("https://billing.example/charges")
    content = {"url": "https://billing.example/charges", "pacing": pacing}
    answer = await billing.ask("/connections/webhook", method="PUT", content=content)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_pace_is_shown_with_what_was_left_out(billing: Billing) -> None:
    wanted = {"mode": "daily", "daily_at": "18:30", "zone": "America/New_York", "per_minute": 30}
    shown = (await billing.connect("https://billing.example/charges", pacing=wanted)).json()["pacing"]
    assert shown == wanted | {
        "window_from": None,
        "window_until": None,
        "at_most_at_once": None,
        "opens_after": 10,
        "probes_after_seconds": 60,
    }
