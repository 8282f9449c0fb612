from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from services.billing_bridge.models import charge, charge_history, charge_status, push_attempt, push_result
from shared.events.catalogue import SESSION_COMPLETED, SESSION_REVIEWED
from shared.messaging.messages import Verdict
from shared.testing.records import (
    CLINIC,
    OTHER_CLINIC,
    a_parcel,
    a_session_record,
    enveloped,
    webhook_billing,
)
from tests.integration.services.billing_bridge.conftest import Billing


@pytest.mark.rule("BILL-2")
async def test_present_patients_are_charged_and_absent_ones_are_not(billing: Billing) -> None:
    record = a_session_record(present=5, absent=3)
    await billing.hear(record)
    present = {one.patient_id for one in record.participants[:5]}
    assert {one.patient_id for one in await billing.charges()} == present
    assert await billing.statuses() == ["pending"] * 5


@pytest.mark.rule("BILL-2")
async def test_a_redelivery_makes_no_second_charge(billing: Billing) -> None:
    envelope = enveloped(a_session_record(present=2, absent=0))
    for ring in (1, 1, 2):
        (receipt,) = await billing.consuming.receive(a_parcel([envelope], ring=ring))
        assert receipt.verdict is Verdict.APPLIED
    assert len(await billing.charges()) == 2
    assert len(await billing.rows(select(charge_history))) == 2


@pytest.mark.rule("BILL-2")
async def test_the_same_session_in_two_events_is_charged_once(billing: Billing) -> None:
    record = a_session_record(present=2, absent=0)
    both = [enveloped(record, event_type=kind) for kind in (SESSION_COMPLETED, SESSION_REVIEWED)]
    await billing.consuming.receive(a_parcel(both))
    assert len(await billing.charges()) == 2


@pytest.mark.rule("BILL-3")
async def test_what_is_missing_something_is_held_with_the_reason(billing: Billing) -> None:
    await billing.hear(a_session_record(present=1, absent=0, billing=webhook_billing(minimum_minutes=55)))
    (row,) = await billing.opened(charge_status)
    assert (row.status, row.reason) == ("held", "50 minutes are under the minimum of 55.")
    assert row.next_attempt_at is None


@pytest.mark.rule("SET-6")
async def test_without_integrated_billing_nothing_is_charged(billing: Billing) -> None:
    (receipt,) = await billing.hear(a_session_record(billing=None))
    assert (receipt.verdict, await billing.charges()) == (Verdict.APPLIED, [])


async def test_a_parcel_of_many_sessions_is_charged_whole(billing: Billing) -> None:
    await billing.hear(*(a_session_record(present=4, absent=0) for _ in range(20)))
    assert len(await billing.charges()) == 80


async def test_each_instance_has_its_own_charges(billing: Billing) -> None:
    await billing.hear(a_session_record(present=1), instance_id=CLINIC)
    await billing.hear(a_session_record(present=2), instance_id=OTHER_CLINIC)
    found = [row.instance_id for row in await billing.charges()]
    assert sorted(found, key=str) == sorted([CLINIC, OTHER_CLINIC, OTHER_CLINIC], key=str)


@pytest.mark.parametrize("table", [charge, charge_history, push_attempt, push_result], ids=str)
@pytest.mark.parametrize("change", [update, delete])
async def test_the_database_refuses_to_change_what_was_charged_and_tried(
    billing: Billing, table: Any, change: Any
) -> None:
    await billing.one_charge("http://127.0.0.1:9/charges")
    await billing.push()
    statement = change(table)
    statement = statement.values(instance_id=OTHER_CLINIC) if change is update else statement
    async with billing.database.engine.connect() as connection:
        assert (await connection.execute(select(table))).all()
        with pytest.raises(DBAPIError, match="never changed or deleted"):
            await connection.execute(statement)


async def test_every_charge_has_a_status(billing: Billing) -> None:
    await billing.hear(*(a_session_record() for _ in range(3)))
    orphans = text("SELECT count(*) FROM charge WHERE charge_id NOT IN (SELECT charge_id FROM charge_status)")
    assert (await billing.rows(orphans))[0][0] == 0
