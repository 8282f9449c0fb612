from typing import Any

import pytest

from shared.events.catalogue import SESSION_RETRACTED
from shared.testing.corrections import retraction_of
from shared.testing.records import a_session_record
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.connectors.speakers import (
    ACCEPT,
    FAIL,
    FOUND,
    HANG_UP,
    NOT_FOUND,
    WEBHOOK,
    OtherSide,
    other_side,
)


async def an_unknown_charge(billing: Billing, side: OtherSide) -> None:
    settings = {"status_url": side.url.replace("/charges", "/status")}
    await billing.one_charge(side.url, secret=WEBHOOK.secret, settings=settings)
    await billing.push()
    assert (await billing.shown())["status"] == "unknown"


async def a_minute_later(billing: Billing) -> dict[str, Any]:
    billing.watch.forward(seconds=61)
    await billing.push()
    return await billing.shown()


def methods(side: OtherSide) -> list[bytes]:
    return [request.split()[0] for request in side.received]


@pytest.mark.rule("BILL-5")
async def test_what_the_other_side_has_is_accepted_and_not_sent_again(billing: Billing) -> None:
    async with other_side(WEBHOOK, HANG_UP, FOUND) as side:
        await an_unknown_charge(billing, side)
        shown = await a_minute_later(billing)
    assert (shown["status"], shown["receipt_id"]) == ("accepted", "R-7")
    assert methods(side) == [b"POST", b"GET"]
    assert f"/status/{shown['charge_id']} ".encode() in side.received[1]


@pytest.mark.rule("BILL-5")
async def test_what_it_does_not_have_is_sent_again(billing: Billing) -> None:
    async with other_side(WEBHOOK, HANG_UP, NOT_FOUND, ACCEPT) as side:
        await an_unknown_charge(billing, side)
        shown = await a_minute_later(billing)
    assert (shown["status"], methods(side)) == ("accepted", [b"POST", b"GET", b"POST"])
    assert [one["kind"] for one in shown["pushes"]] == ["charge", "look_up", "charge"]


@pytest.mark.rule("BILL-5")
async def test_without_a_word_it_stays_unknown_and_nothing_is_sent(billing: Billing) -> None:
    async with other_side(WEBHOOK, HANG_UP, FAIL) as side:
        await an_unknown_charge(billing, side)
        shown = await a_minute_later(billing)
    assert (shown["status"], methods(side)) == ("unknown", [b"POST", b"GET"])


@pytest.mark.rule("BILL-5")
async def test_a_question_that_could_not_be_asked_is_no_answer(billing: Billing) -> None:
    async with other_side(WEBHOOK, HANG_UP) as side:
        await an_unknown_charge(billing, side)
    shown = await a_minute_later(billing)
    assert (shown["status"], shown["pushes"][1]["verdict"]) == ("unknown", "unknown")


@pytest.mark.rule("BILL-5", "BILL-7")
async def test_what_will_be_looked_up_is_not_shown_as_waiting_for_a_person(billing: Billing) -> None:
    async with other_side(WEBHOOK, HANG_UP) as side:
        await an_unknown_charge(billing, side)
        (group,) = (await billing.ask("/worklist")).json()["groups"]
    assert group["goes_by_itself"]
    assert group["reason"].endswith("It is looked up at the other side.")


@pytest.mark.rule("BILL-5", "BILL-6")
@pytest.mark.parametrize(
    ("answers", "asked"),
    [((FOUND, ACCEPT), [b"POST", b"GET", b"POST"]), ((NOT_FOUND,), [b"POST", b"GET"])],
    ids=["there", "not there"],
)
async def test_an_unknown_charge_that_is_retracted_is_looked_up_first(
    billing: Billing, answers: tuple[Any, ...], asked: list[bytes]
) -> None:
    record = a_session_record(present=1, absent=0)
    async with other_side(WEBHOOK, HANG_UP, *answers) as side:
        settings = {"status_url": side.url.replace("/charges", "/status")}
        await billing.connect(side.url, secret=WEBHOOK.secret, settings=settings)
        await billing.hear(record)
        await billing.push()
        await billing.hear(retraction_of(record), event_type=SESSION_RETRACTED)
        billing.watch.forward(seconds=60)
        shown = await a_minute_later(billing)
    assert (shown["status"], methods(side)) == ("reversed", asked)
