import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

from services.billing_bridge.claims import LEASE
from services.billing_bridge.connector import Destination, OutcomeUnknownError
from services.billing_bridge.connectors.batch.connector import BatchConnector
from services.billing_bridge.domain import Charge
from services.billing_bridge.models import charge_status
from services.billing_bridge.outside import Outside
from shared.testing.records import CLINIC, a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing


def files_of(tmp_path: Path) -> list[str]:
    return sorted(one.suffix for one in (tmp_path / "files" / str(CLINIC) / "daily").iterdir())


@pytest.mark.rule("BILL-5")
async def test_a_file_that_was_laid_down_before_a_crash_is_found_and_not_written_again(
    billing: Billing, tmp_path: Path
) -> None:
    await billing.connect("folder:daily", system="batch")
    await billing.hear(a_session_record(billing=webhook_billing(system="batch")))
    await billing.push()
    async with billing.database.writing_for_all() as db:
        await db.execute(
            update(charge_status).values(status="unknown", uncertain=True, next_attempt_at=billing.watch.now)
        )
    await billing.push()
    shown = (await billing.ask(f"/charges/{(await billing.charges())[0].charge_id}")).json()
    assert [one["kind"] for one in shown["pushes"]] == ["charge", "look_up"]
    assert (shown["status"], files_of(tmp_path)) == ("accepted", [".csv", ".json"])


@pytest.mark.rule("BILL-5")
async def test_of_a_file_that_could_not_be_finished_nobody_knows(
    outside: Outside, charges: list[Charge]
) -> None:
    assert outside.folder is not None
    outside.folder.write_text("where the folder should be")
    there = Destination(instance_id=CLINIC, url="folder:daily", secret="")
    with pytest.raises(OutcomeUnknownError):
        await BatchConnector(outside).push(charges, there)


@pytest.mark.parametrize(
    "url", ["folder:../other", "folder:", "file:///etc", "folder:A", "https://x.example"]
)
async def test_no_other_place_can_be_named(billing: Billing, url: str) -> None:
    await billing.connect("folder:daily", system="batch")
    answer = await billing.ask("/connections/batch", method="PUT", content={"url": url})
    assert answer.status_code == 422


@pytest.mark.rule("BILL-5", "BILL-6")
async def test_of_two_unknown_files_each_is_found_though_a_charge_of_one_was_decided_since(
    billing: Billing,
) -> None:
    await billing.connect("folder:daily", system="batch")
    for _ in range(2):
        await billing.hear(a_session_record(present=2, absent=0, billing=webhook_billing(system="batch")))
        dying = billing.pusher
        await dying.turn()
        await asyncio.wait(dying._under_way)
    billing.watch.forward(seconds=LEASE.total_seconds() + 1)
    await billing.pusher.recover()
    decided = (await billing.charges())[0].charge_id
    await billing.ask(f"/charges/{decided}/cancel", method="POST", content={"reason": "By hand."})
    billing.watch.forward(minutes=2)
    await billing.push()
    statuses = {row.charge_id: row.status for row in await billing.opened(charge_status)}
    others = {status for charge_id, status in statuses.items() if charge_id != decided}
    assert (statuses[decided], others) == ("reversed", {"accepted"})
