"""A kept HTTP line is used again only where no answer can be taken for another charge's (BILL-5)."""

import asyncio

import pytest

from services.billing_bridge.connector import OutcomeUnknownError
from services.billing_bridge.connectors.webhook.connector import WebhookConnector
from services.billing_bridge.domain import Charge, charges_for
from services.billing_bridge.outcomes import Verdict
from services.billing_bridge.outside import Outside
from shared.testing.records import a_session_record
from tests.integration.services.billing_bridge.connectors.speakers import (
    BUSY,
    ECHOING,
    FAIL,
    HANG,
    REJECT,
    TWICE,
    http,
    other_side,
    read_http,
)

pytestmark = pytest.mark.rule("BILL-5")


@pytest.fixture
def connector(outside: Outside) -> WebhookConnector:
    return WebhookConnector(outside)


@pytest.fixture
def others() -> list[Charge]:
    return charges_for(a_session_record(present=1, absent=0))


@pytest.mark.parametrize("act", [REJECT, BUSY, FAIL, HANG])
async def test_only_a_clean_acceptance_leaves_a_line_that_is_used_again(
    connector: WebhookConnector, charges: list[Charge], others: list[Charge], act: str
) -> None:
    async with other_side(ECHOING, act) as side:
        try:
            await connector.push(charges, side.destination)
        except OutcomeUnknownError:
            assert act == HANG
        assert (await connector.push(others, side.destination)).verdict is Verdict.ACCEPTED
    assert side.connections == 2


async def test_a_second_answer_in_one_piece_with_the_first_is_not_the_next_charges(
    connector: WebhookConnector, charges: list[Charge], others: list[Charge]
) -> None:
    async with other_side(ECHOING, TWICE, HANG) as side:
        await connector.push(charges, side.destination)
        with pytest.raises(OutcomeUnknownError):
            await connector.push(others, side.destination)


async def test_a_second_answer_that_comes_after_the_line_is_in_use_again_is_not_the_next_charges(
    connector: WebhookConnector, charges: list[Charge], others: list[Charge]
) -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await read_http(reader)
        writer.write(http(201, to=first))
        await read_http(reader)
        # Of the first charge once more; the second is never booked.
        writer.write(http(201, to=first))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(late, "127.0.0.1", 0)
    async with other_side(ECHOING) as side:
        side.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/charges"
        await connector.push(charges, side.destination)
        with pytest.raises(OutcomeUnknownError, match="does not name the charge"):
            await connector.push(others, side.destination)
    server.close()


async def test_an_answer_without_a_name_is_no_word_where_names_are_promised(
    connector: WebhookConnector, charges: list[Charge]
) -> None:
    async with other_side(ECHOING) as side:
        side.speaker = type(side.speaker)(**vars(ECHOING) | {"answers": {"accept": lambda _: http(201)}})
        with pytest.raises(OutcomeUnknownError, match="does not name the charge"):
            await connector.push(charges, side.destination)
