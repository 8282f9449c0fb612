"""What is looked at is what is connected to: a name can't point elsewhere in between."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.billing_bridge.connector import Destination, NothingSentError
from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.domain import Charge
from services.billing_bridge.networks import LOOPBACK, Networks
from services.billing_bridge.outcomes import Verdict
from services.billing_bridge.outside import Outside
from tests.integration.services.billing_bridge.connectors.certificates import Authority
from tests.integration.services.billing_bridge.connectors.speakers import (
    WEBHOOK,
    Speaker,
    hl7_over_mllp,
    other_side,
)

SPEAKERS = {"webhook": WEBHOOK, "hl7": hl7_over_mllp("hl7")}


@pytest.mark.parametrize("speaker", SPEAKERS.values(), ids=SPEAKERS)
async def test_the_address_that_was_looked_at_is_the_one_connected_to_and_the_name_is_still_checked(
    speaker: Speaker, outside: Outside, charges: list[Charge], tmp_path: Path
) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    outside.networks = Networks(allowed=LOOPBACK, resolve=resolve)
    authority = Authority(tmp_path)
    connector = CONNECTORS[speaker.system].open(outside)
    async with other_side(speaker, tls=authority.server_side()) as side:

        def at(host: str) -> Destination:
            url = side.url.replace("127.0.0.1", host)
            settings = {**speaker.settings, "trusted_ca": authority.pem}
            return Destination(url=url, secret=speaker.secret, settings=settings)

        outcome = await connector.push(charges, at("billing.example"))
        with pytest.raises(NothingSentError):
            await connector.push(charges, at("another.example"))
    assert outcome.verdict is Verdict.ACCEPTED
    assert asked == ["billing.example", "another.example"]
    assert len(side.received) == 1


@pytest.mark.parametrize("speaker", SPEAKERS.values(), ids=SPEAKERS)
async def test_a_name_that_is_pointed_at_this_machine_after_it_was_set_is_not_connected_to(
    speaker: Speaker, outside: Outside, charges: list[Charge], tmp_path: Path
) -> None:
    async def rebound(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    outside.networks = Networks(resolve=rebound)
    async with other_side(speaker, tls=Authority(tmp_path).server_side()) as side:
        url = side.url.replace("127.0.0.1", "billing.example")
        destination = Destination(url=url, secret=speaker.secret, settings=speaker.settings)
        with pytest.raises(NothingSentError, match="not public"):
            await CONNECTORS[speaker.system].open(outside).push(charges, destination)
    assert side.connections == 0
