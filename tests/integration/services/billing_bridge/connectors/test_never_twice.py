"""The cut-and-kill table: at each point of a push the connection breaks or the pusher dies (BILL-5).

Whatever happens, a receiver that recognises no key hears of a charge once at most, and one that does
hears the same content again until the charge is known to be there. Where files are laid down, a look at
the folder tells; a file that is gone may have been fetched. `avea` and `cmd` are `hl7` with other profiles,
so they have no rows of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.billing_bridge.claims import LEASE, claim_due
from services.billing_bridge.outside import Outside
from shared.testing.records import CLINIC, a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.connectors.drops import (
    CUT_TOTALS,
    CUT_WRITING,
    DROPS,
    Folder,
    SftpSide,
)
from tests.integration.services.billing_bridge.connectors.speakers import (
    CUT,
    HANG_UP,
    WEBHOOK,
    OtherSide,
    hl7_over_mllp,
    other_side,
)

Side = OtherSide | Folder | SftpSide
Fate = Callable[[Billing, Side], Awaitable[None]]


async def killed_before_the_first_byte(billing: Billing, side: Side) -> None:
    async with billing.database.writing_for([CLINIC]) as db:
        assert len(await claim_due(db, now=billing.watch.now, at_most=10)) == 1


async def cut_at_the_first_byte(billing: Billing, side: Side) -> None:
    await _cut(billing, side, CUT)


async def cut_after_the_last_byte(billing: Billing, side: Side) -> None:
    await _cut(billing, side, HANG_UP)


async def cut_while_it_is_written(billing: Billing, side: Side) -> None:
    await _cut(billing, side, CUT_WRITING)


async def cut_between_the_file_and_its_totals(billing: Billing, side: Side) -> None:
    await _cut(billing, side, CUT_TOTALS)


async def _cut(billing: Billing, side: Side, act: str) -> None:
    assert not isinstance(side, Folder)
    side.script.append(act)
    await billing.push()


async def killed_between_the_answer_and_its_commit(billing: Billing, side: Side) -> None:
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
        await _come_back(billing)
    shown = await billing.shown()
    if deduplicates:
        assert (shown["status"], len(side.received)) == ("accepted", begun + 1)
    else:
        assert (shown["status"], len(side.received)) == ("unknown", begun)
        assert shown["next_attempt_at"] is None
        assert "A person has to look it up" in shown["reason"]


async def _come_back(billing: Billing) -> None:
    billing.watch.forward(seconds=LEASE.total_seconds() + 1)
    await billing.pusher.recover()
    billing.watch.forward(seconds=10)
    await billing.push()
    billing.watch.forward(days=30)
    await billing.push()


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize(
    ("system", "fate", "status"),
    [
        ("batch", killed_before_the_first_byte, "unknown"),
        ("batch", killed_between_the_answer_and_its_commit, "accepted"),
        ("sftp", killed_before_the_first_byte, "unknown"),
        ("sftp", cut_while_it_is_written, "accepted"),
        ("sftp", cut_after_the_last_byte, "accepted"),
        ("sftp", cut_between_the_file_and_its_totals, "accepted"),
        ("sftp", killed_between_the_answer_and_its_commit, "accepted"),
    ],
)
async def test_a_file_lies_there_once_or_a_person_looks_for_it(
    billing: Billing, outside: Outside, system: str, fate: Fate, status: str
) -> None:
    async with DROPS[system].open(outside) as side:
        there = side.destination
        await billing.connect(there.url, system=system, secret=there.secret, settings=there.settings)
        await billing.hear(a_session_record(present=1, absent=0, billing=webhook_billing(system=system)))
        await fate(billing, side)
        await _come_back(billing)
        names = side.names if side.folder.exists() else []
    assert (await billing.shown())["status"] == status
    assert names == (["csv", "totals.json"] if status == "accepted" else [])
