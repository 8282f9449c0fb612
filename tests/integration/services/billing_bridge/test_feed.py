"""The feed of changed charges: each change is met, whatever commits in whichever order."""

from typing import Any

import pytest
from sqlalchemy import update

from services.billing_bridge.models import charge_status
from shared.events.staff import Role
from shared.testing.records import a_session_record
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.scripted_receiver import scripted_receiver


async def follow(billing: Billing, since: str, *, limit: int = 200) -> tuple[list[dict[str, Any]], str]:
    page = (await billing.ask(f"/charges?changed_since={since}&limit={limit}")).json()
    return page["items"], page["next"]


@pytest.mark.rule("BILL-10")
async def test_the_feed_gives_each_charge_once_and_again_when_it_changes(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await billing.connect(receiver.url)
        await billing.hear(a_session_record(present=5, absent=0))
        first, place = await follow(billing, "", limit=3)
        second, place = await follow(billing, place)
        nothing, place = await follow(billing, place)
        assert nothing == []
        await billing.push()
        third, _ = await follow(billing, place)
    assert [len(one) for one in (first, second, third)] == [3, 2, 5]
    assert {one["charge_id"] for one in first + second} == {one["charge_id"] for one in third}
    assert {one["status"] for one in third} == {"accepted"}


@pytest.mark.rule("BILL-10")
async def test_a_change_that_commits_late_is_met_although_a_later_one_was_read(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=2, absent=0))
    _, place = await follow(billing, "")
    late, other = [one.charge_id for one in await billing.charges()]
    async with billing.database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            pytest.skip("One writer at a time: nothing commits late.")
        changing = update(charge_status).values(feed_number=None)
        await connection.execute(changing.where(charge_status.c.charge_id == late))
        why = {"reason": "Meanwhile."}
        await billing.ask(f"/charges/{other}/hold", method="POST", content=why)
        meanwhile, place = await follow(billing, place)
        await connection.commit()
    after, _ = await follow(billing, place)
    assert [one["charge_id"] for one in meanwhile + after] == [str(other), str(late)]


@pytest.mark.parametrize("query", ["changed_since=x", "changed_since=&status=held", "changed_since=WyJhIl0"])
async def test_a_place_that_was_never_given_is_refused(billing: Billing, query: str) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    answer = await billing.ask(f"/charges?{query}")
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 1)
