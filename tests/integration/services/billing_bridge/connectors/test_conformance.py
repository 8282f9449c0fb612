"""What every connector must do, whatever it speaks: a new one is one more line in `SPEAKERS` or `DROPS`."""

import logging
from collections.abc import Mapping
from contextlib import suppress

import pytest

from services.billing_bridge.connector import (
    Connector,
    Destination,
    LooksUp,
    NothingSentError,
    OutcomeUnknownError,
)
from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.domain import Charge
from services.billing_bridge.outcomes import Verdict
from services.billing_bridge.outside import Outside
from shared.testing.records import a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.connectors.drops import DROPS, Drop, SftpDrop
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
)

Charges = list[Charge]
MEANS = {
    ACCEPT: Verdict.ACCEPTED,
    LATE: Verdict.ACCEPTED,
    REJECT: Verdict.REJECTED,
    BUSY: Verdict.NOT_TAKEN,
}
Remote = Speaker | SftpDrop
REMOTES: Mapping[str, Remote] = {**SPEAKERS, "sftp": SftpDrop()}
ALL: Mapping[str, Speaker | Drop] = {**SPEAKERS, **DROPS}

of_each = pytest.mark.parametrize("speaker", ALL.values(), ids=ALL)
of_each_remote = pytest.mark.parametrize("speaker", REMOTES.values(), ids=REMOTES)
"""Those that are reached over a network."""
of_each_drop = pytest.mark.parametrize("drop", DROPS.values(), ids=DROPS)


def of_each_that_can(*acts: str) -> pytest.MarkDecorator:
    """Run with each other side that can do so, once for each act."""
    given = [(name, speaker, act) for act in acts for name, speaker in REMOTES.items() if act in speaker.acts]
    return pytest.mark.parametrize(
        ("speaker", "act"), [pytest.param(speaker, act, id=f"{act}-{name}") for name, speaker, act in given]
    )


def connector_of(speaker: Speaker | Drop, outside: Outside) -> Connector:
    return CONNECTORS[speaker.system].open(outside)


def content_of(request: bytes) -> bytes:
    """A request without its HTTP header, which holds the attempt's own time and signature."""
    return request.rpartition(b"\r\n\r\n")[2]


def test_every_connector_is_here() -> None:
    assert {one.system for one in ALL.values()} == set(CONNECTORS)


@of_each
@pytest.mark.rule("BILL-4")
async def test_an_acceptance_is_told_with_the_other_sides_name(
    speaker: Speaker | Drop, outside: Outside, charges: Charges
) -> None:
    async with speaker.open(outside) as side:
        outcome = await connector_of(speaker, outside).push(charges, side.destination)
    assert (outcome.verdict, outcome.receipt_id) == (Verdict.ACCEPTED, speaker.receipt_of(charges))


@of_each_that_can(REJECT, BUSY, LATE)
@pytest.mark.rule("BILL-4")
async def test_an_answer_means_what_it_says(
    speaker: Remote, outside: Outside, charges: Charges, act: str
) -> None:
    async with speaker.open(outside, act) as side:
        outcome = await connector_of(speaker, outside).push(charges, side.destination)
    assert outcome.verdict is MEANS[act]


@of_each_that_can(FAIL, HANG_UP, HANG)
@pytest.mark.rule("BILL-5")
async def test_without_a_clear_answer_the_outcome_is_unknown(
    speaker: Remote, outside: Outside, charges: Charges, act: str
) -> None:
    async with speaker.open(outside, act) as side:
        try:
            outcome = await connector_of(speaker, outside).push(charges, side.destination)
            assert outcome.verdict is Verdict.UNKNOWN
        except OutcomeUnknownError:
            pass
        assert len(side.received) == 1


@of_each_remote
@pytest.mark.rule("BILL-5")
async def test_where_nobody_listens_nothing_was_sent(
    speaker: Remote, outside: Outside, charges: Charges
) -> None:
    nobody = Destination(
        url=f"{speaker.scheme}://127.0.0.1:9/x", secret=speaker.secret, settings=speaker.settings
    )
    with pytest.raises(NothingSentError):
        await connector_of(speaker, outside).push(charges, nobody)


@of_each_that_can(POUR)
async def test_of_an_endless_answer_little_is_read_and_it_is_no_acceptance(
    speaker: Remote, outside: Outside, charges: Charges, act: str
) -> None:
    async with speaker.open(outside, act) as side:
        try:
            outcome = await connector_of(speaker, outside).push(charges, side.destination)
            assert outcome.verdict is Verdict.UNKNOWN
            assert len(outcome.answer or "") <= 2048
        except OutcomeUnknownError:
            pass


@of_each
@pytest.mark.rule("BILL-5")
async def test_the_same_charge_is_the_same_content_and_another_is_not(
    speaker: Speaker | Drop, outside: Outside, charges: Charges
) -> None:
    connector, contents = connector_of(speaker, outside), []
    async with speaker.open(outside, speaker.sends_again_after) as side:
        for send in (connector.push, connector.push, connector.reverse):
            with suppress(OutcomeUnknownError):
                await send(charges, side.destination)
            contents.append(content_of(side.received[-1]))
    first, again, reversal = contents
    assert first == again
    assert first != reversal


@of_each_that_can(ACCEPT, REJECT)
@pytest.mark.rule("BILL-6")
async def test_a_reversal_is_answered_like_a_charge(
    speaker: Remote, outside: Outside, charges: Charges, act: str
) -> None:
    connector = connector_of(speaker, outside)
    async with speaker.open(outside, ACCEPT, act) as side:
        outcomes = [await connector.reverse(charges, side.destination) for _ in range(2)]
    assert [one.verdict for one in outcomes] == [Verdict.ACCEPTED, MEANS[act]]


@of_each_remote
async def test_after_a_broken_connection_the_next_charge_goes_over_a_new_one(
    speaker: Remote, outside: Outside, charges: Charges
) -> None:
    connector = connector_of(speaker, outside)
    async with speaker.open(outside, HANG_UP) as side:
        with pytest.raises(OutcomeUnknownError):
            await connector.push(charges, side.destination)
        outcome = await connector.push(charges, side.destination)
    assert (outcome.verdict, side.connections) == (Verdict.ACCEPTED, 2)


@of_each_that_can(REJECT, BUSY, FAIL)
@pytest.mark.rule("BILL-5")
async def test_after_any_answer_but_acceptance_the_same_charge_goes_over_a_new_connection(
    speaker: Remote, outside: Outside, charges: Charges, act: str
) -> None:
    """A second answer to the first attempt would else be taken for the answer to the next."""
    connector = connector_of(speaker, outside)
    async with speaker.open(outside, act) as side:
        with suppress(OutcomeUnknownError):
            await connector.push(charges, side.destination)
        await connector.push(charges, side.destination)
    assert side.connections == 2


@of_each_remote
async def test_no_answer_can_be_taken_for_another_pushs(
    speaker: Remote, outside: Outside, charges: Charges
) -> None:
    """A line is kept where answers name what they answer; else each push has its own."""
    connector = connector_of(speaker, outside)
    async with speaker.open(outside) as side:
        for _ in range(3):
            await connector.push(charges, side.destination)
    # What lies there already is left as it is.
    received = 1 if speaker.lays_down else 3
    assert (len(side.received), side.connections) == (received, 1 if speaker.keeps_line else 3)


@of_each_that_can(REJECT, FAIL)
async def test_no_secret_and_no_patient_is_in_a_text_of_ours(
    speaker: Remote, outside: Outside, charges: Charges, act: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with speaker.open(outside, act) as side:
        try:
            told = repr(await connector_of(speaker, outside).push(charges, side.destination))
        except OutcomeUnknownError as error:
            told = repr(error)
        texts = f"{side.destination!r} {told} {caplog.text}"
    hidden = [text for text in (speaker.secret, *charges[0].identifiers) if text]
    assert [text for text in hidden if text in texts] == []


@of_each_remote
async def test_in_production_nothing_goes_out_in_the_clear(
    speaker: Remote, outside: Outside, charges: Charges
) -> None:
    outside.embedded = False
    async with speaker.open(outside) as side:
        with pytest.raises(NothingSentError, match="must begin with"):
            await connector_of(speaker, outside).push(charges, side.in_the_clear)
    assert side.received == []


@of_each_remote
async def test_an_address_of_our_own_network_is_not_connected_to(
    speaker: Remote, outside: Outside, charges: Charges
) -> None:
    outside.networks = type(outside.networks).parse("", embedded=False)
    async with speaker.open(outside) as side:
        with pytest.raises(NothingSentError, match="not public"):
            await connector_of(speaker, outside).push(charges, side.destination)
    assert side.connections == 0


@of_each_drop
@pytest.mark.rule("BILL-4", "BILL-6")
async def test_a_file_appears_whole_with_its_totals_and_once_and_a_reversal_is_another(
    drop: Drop, outside: Outside, charges: Charges
) -> None:
    connector = connector_of(drop, outside)
    async with drop.open(outside) as side:
        for _ in range(2):
            await connector.push(charges, side.destination)
            assert side.names == ["csv", "totals.json"]
        await connector.reverse(charges, side.destination)
        assert side.names == ["csv", "csv", "totals.json", "totals.json"]
        assert str(charges[0].charge_id) in side.received[0].decode()


@of_each_drop
@pytest.mark.rule("BILL-5")
async def test_a_file_is_found_while_it_lies_there_and_may_have_been_fetched_once_it_is_gone(
    drop: Drop, outside: Outside, charges: Charges
) -> None:
    connector = connector_of(drop, outside)
    assert isinstance(connector, LooksUp)
    async with drop.open(outside) as side:
        await connector.push(charges, side.destination)
        there = await connector.look_up(charges, side.destination, reversing=False)
        for one in side.folder.iterdir():
            one.unlink()
        gone = await connector.look_up(charges, side.destination, reversing=False)
    assert (there.verdict, gone.verdict) == (Verdict.ACCEPTED, Verdict.UNKNOWN)


@of_each_drop
@pytest.mark.rule("BILL-4")
async def test_all_that_is_due_is_one_file(drop: Drop, billing: Billing) -> None:
    async with drop.open(billing.outside) as side:
        there = side.destination
        secret = {"secret": there.secret} if there.secret else {}
        await billing.connect(there.url, system=drop.system, settings=there.settings, **secret)
        await billing.hear(*(a_session_record(billing=webhook_billing(system=drop.system)) for _ in range(3)))
        await billing.push()
        assert side.names == ["csv", "totals.json"]
    assert await billing.statuses() == ["accepted"] * 24
