"""The cut-and-kill table: at each point of a push the connection breaks or the pusher dies (BILL-5).

Whatever happens, a receiver that recognises no key hears of a charge once at most, and one that does
hears the same content again until the charge is known to be there. `avea` and `cmd` are `hl7` with other
profiles, so they have no rows of their own; files are in `test_batch`.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.billing_bridge.claims import LEASE, claim_due
from shared.testing.records import CLINIC, a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.connectors.speakers import (
    CUT,
    HANG_UP,
    WEBHOOK,
    OtherSide,
    hl7_over_mllp,
    other_side,
)

Fate = Callable[[Billing, OtherSide], Awaitable[None]]


async def killed_before_the_first_byte(billing: Billing, side: OtherSide) -> None:
    async with billing.database.writing_for([CLINIC]) as db:
        assert len(await claim_due(db, now=billing.watch.now, at_most=10)) == 1


async def cut_at_the_first_byte(billing: Billing, side: OtherSide) -> None:
    side.script.append(CUT)
    await billing.push()


async def cut_after_the_last_byte(billing: Billing, side: OtherSide) -> None:
    side.script.append(HANG_UP)
    await billing.push()


async def killed_between_the_answer_and_its_commit(billing: Billing, side: OtherSide) -> None:
    dying = billing.pusher
    await dying.turn()
    await asyncio.wait(dying._under_way)


FATES: list[Fate] = [
    killed_before_the_first_byte,
    cut_at_the_first_byte,
    cut_after_the_last_byte,
    killed_between_the_answer_and_its_commit,
]
SPEAKERS = {"webhook": WEBHOOK, "hl7": hl7_over_mllp("hl7")}


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.__name__)
@pytest.mark.parametrize("system", SPEAKERS)
@pytest.mark.parametrize("deduplicates", [False, True], ids=["forgetful receiver", "receiver with keys"])
async def test_never_twice(billing: Billing, system: str, fate: Fate, deduplicates: bool) -> None:
    async with other_side(SPEAKERS[system]) as side:
        await billing.connect(side.url, system=system, deduplicates=deduplicates)
        await billing.hear(a_session_record(present=1, absent=0, billing=webhook_billing(system=system)))
        await fate(billing, side)
        begun = len(side.received)
        billing.watch.forward(seconds=LEASE.total_seconds() + 1)
        await billing.pusher.recover()
        billing.watch.forward(seconds=10)
        await billing.push()
        billing.watch.forward(days=30)
        await billing.push()
    shown = await billing.shown()
    if deduplicates:
        assert (shown["status"], len(side.received)) == ("accepted", begun + 1)
    else:
        assert (shown["status"], len(side.received)) == ("unknown", begun)
        assert shown["next_attempt_at"] is None
        assert "A person has to look it up" in shown["reason"]
