"""What every connector must do, whatever it speaks: a new one is one more line in `SPEAKERS`."""

import logging
from contextlib import suppress

import pytest

from services.billing_bridge.connector import (
    Connector,
    Destination,
    NothingSentError,
    OutcomeUnknownError,
)
from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.domain import Charge
from services.billing_bridge.outcomes import Verdict
from services.billing_bridge.outside import Outside
from tests.integration.services.billing_bridge.connectors.speakers import (
    ACCEPT,
    BUSY,
    FAIL,
    HANG,
    HANG_UP,
    LATE,
    POUR,
    REJECT,
    SPEAKERS,
    Speaker,
    other_side,
)

pytestmark = pytest.mark.parametrize("speaker", SPEAKERS.values(), ids=SPEAKERS)
Charges = list[Charge]


def connector_of(speaker: Speaker, outside: Outside) -> Connector:
    return CONNECTORS[speaker.system].open(outside)


def content_of(request: bytes) -> bytes:
    """A request without its HTTP header, which holds the attempt's own time and signature."""
    return request.rpartition(b"\r\n\r\n")[2]


@pytest.mark.rule("BILL-4")
async def test_an_acceptance_is_told_with_the_other_sides_name(
    speaker: Speaker, outside: Outside, charges: Charges
) -> None:
    async with other_side(speaker) as side:
        outcome = await connector_of(speaker, outside).push(charges, side.destination)
    assert (outcome.verdict, outcome.receipt_id) == (Verdict.ACCEPTED, "R-7")


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize(
    ("act", "verdict"),
    [(REJECT, Verdict.REJECTED), (BUSY, Verdict.NOT_TAKEN), (LATE, Verdict.ACCEPTED)],
)
async def test_an_answer_means_what_it_says(
    speaker: Speaker, outside: Outside, charges: Charges, act: str, verdict: Verdict
) -> None:
    async with other_side(speaker, act) as side:
        outcome = await connector_of(speaker, outside).push(charges, side.destination)
    assert outcome.verdict is verdict


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize("act", [FAIL, HANG_UP, HANG])
async def test_without_a_clear_answer_the_outcome_is_unknown(
    speaker: Speaker, outside: Outside, charges: Charges, act: str
) -> None:
    async with other_side(speaker, act) as side:
        try:
            outcome = await connector_of(speaker, outside).push(charges, side.destination)
            assert outcome.verdict is Verdict.UNKNOWN
        except OutcomeUnknownError:
            pass
        assert len(side.received) == 1


@pytest.mark.rule("BILL-5")
async def test_where_nobody_listens_nothing_was_sent(
    speaker: Speaker, outside: Outside, charges: Charges
) -> None:
    nobody = Destination(
        url=f"{speaker.scheme}://127.0.0.1:9/x", secret=speaker.secret, settings=speaker.settings
    )
    with pytest.raises(NothingSentError):
        await connector_of(speaker, outside).push(charges, nobody)


async def test_of_an_endless_answer_little_is_read_and_it_is_no_acceptance(
    speaker: Speaker, outside: Outside, charges: Charges
) -> None:
    async with other_side(speaker, POUR) as side:
        try:
            outcome = await connector_of(speaker, outside).push(charges, side.destination)
            assert outcome.verdict is Verdict.UNKNOWN
            assert len(outcome.answer or "") <= 2048
        except OutcomeUnknownError:
            pass


@pytest.mark.rule("BILL-5")
async def test_the_same_charge_is_the_same_content_and_another_is_not(
    speaker: Speaker, outside: Outside, charges: Charges
) -> None:
    connector = connector_of(speaker, outside)
    async with other_side(speaker, BUSY, ACCEPT) as side:
        await connector.push(charges, side.destination)
        await connector.push(charges, side.destination)
        await connector.reverse(charges, side.destination)
    first, again, reversal = map(content_of, side.received)
    assert first == again
    assert first != reversal


@pytest.mark.rule("BILL-6")
async def test_a_reversal_is_answered_like_a_charge(
    speaker: Speaker, outside: Outside, charges: Charges
) -> None:
    connector = connector_of(speaker, outside)
    async with other_side(speaker, ACCEPT, REJECT) as side:
        outcomes = [await connector.reverse(charges, side.destination) for _ in range(2)]
    assert [one.verdict for one in outcomes] == [Verdict.ACCEPTED, Verdict.REJECTED]


async def test_after_a_broken_connection_the_next_charge_goes_over_a_new_one(
    speaker: Speaker, outside: Outside, charges: Charges
) -> None:
    connector = connector_of(speaker, outside)
    async with other_side(speaker, HANG_UP) as side:
        with pytest.raises(OutcomeUnknownError):
            await connector.push(charges, side.destination)
        outcome = await connector.push(charges, side.destination)
    assert (outcome.verdict, side.connections) == (Verdict.ACCEPTED, 2)


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize("act", [REJECT, BUSY, FAIL])
async def test_after_any_answer_but_acceptance_the_same_charge_goes_over_a_new_connection(
    speaker: Speaker, outside: Outside, charges: Charges, act: str
) -> None:
    """A second answer to the first attempt would else be taken for the answer to the next."""
    connector = connector_of(speaker, outside)
    async with other_side(speaker, act) as side:
        with suppress(OutcomeUnknownError):
            await connector.push(charges, side.destination)
        await connector.push(charges, side.destination)
    assert side.connections == 2


async def test_no_answer_can_be_taken_for_another_pushs(
    speaker: Speaker, outside: Outside, charges: Charges
) -> None:
    """A line is kept where answers name what they answer; else each push has its own."""
    connector = connector_of(speaker, outside)
    async with other_side(speaker) as side:
        for _ in range(3):
            await connector.push(charges, side.destination)
    assert (len(side.received), side.connections) == (3, 1 if speaker.keeps_line else 3)


async def test_no_secret_and_no_patient_is_in_a_text_of_ours(
    speaker: Speaker, outside: Outside, charges: Charges, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with other_side(speaker, REJECT) as side:
        outcome = await connector_of(speaker, outside).push(charges, side.destination)
        texts = f"{side.destination!r} {outcome!r} {caplog.text}"
    hidden = [text for text in (speaker.secret, charges[0].mrn) if text]
    assert [text for text in hidden if text in texts] == []


async def test_in_production_nothing_goes_out_in_the_clear(
    speaker: Speaker, outside: Outside, charges: Charges
) -> None:
    outside.embedded = False
    async with other_side(speaker) as side:
        with pytest.raises(NothingSentError, match="must begin with"):
            await connector_of(speaker, outside).push(charges, side.destination)
    assert side.received == []


async def test_an_address_of_our_own_network_is_not_connected_to(
    speaker: Speaker, outside: Outside, charges: Charges
) -> None:
    outside.networks = type(outside.networks).parse("", embedded=False)
    async with other_side(speaker) as side:
        with pytest.raises(NothingSentError, match="not public"):
            await connector_of(speaker, outside).push(charges, side.destination)
    assert side.connections == 0
