from typing import Any

import pytest
from sqlalchemy import update

from services.billing_bridge.models import charge_status
from services.billing_bridge.schemas import DisclosurePage
from shared.events.staff import Feature, Role
from shared.notices import NOTICE
from shared.testing.records import OTHER_CLINIC, a_session_record
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.scripted_receiver import answering, scripted_receiver


async def every_disclosure(billing: Billing, patient_id: Any) -> DisclosurePage:
    pages: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        path = f"/patients/{patient_id}/disclosures?limit=1" + (f"&cursor={cursor}" if cursor else "")
        page = DisclosurePage.model_validate_json((await billing.ask(path)).content)
        pages, cursor = [*pages, *page.items], page.next
    return DisclosurePage(items=pages, next=None)


@pytest.mark.rule("PERM-8")
async def test_every_attempt_is_accounted_for_to_its_patient_and_reading_that_is_audited(
    billing: Billing,
) -> None:
    record = a_session_record(present=2, absent=0)
    async with scripted_receiver(answering(429)) as receiver:
        await billing.connect(receiver.url)
        await billing.hear(record)
        await billing.push()
        billing.watch.forward(minutes=1)
        await billing.push()
    patients = [one.patient_id for one in record.participants]
    accounts = [(await every_disclosure(billing, patient_id)).items for patient_id in patients]
    assert sorted([item.verdict for item in account] for account in accounts) == [
        ["accepted"],
        ["not_taken", "accepted"],
    ]
    assert {(one.system, one.host, one.code) for account in accounts for one in account} == {
        ("webhook", "127.0.0.1", "90853")
    }
    read = [row for row in await billing.audit() if row.action == "disclosures.read"]
    assert {row.patient_id for row in read} == set(patients)


@pytest.mark.rule("BILL-7")
@pytest.mark.parametrize(
    ("roles", "features", "status"),
    [
        ([Role.RECORDS_ADMIN], [], 200),
        ([Role.THERAPIST], [Feature.MANAGE_BILLING], 200),
        ([Role.THERAPIST], [], 403),
    ],
)
async def test_who_keeps_the_records_may_see_what_was_disclosed(
    billing: Billing, roles: list[Role], features: list[Feature], status: int
) -> None:
    await billing.hire(*roles, features=frozenset(features))
    patient_id = a_session_record().participants[0].patient_id
    assert (await billing.ask(f"/patients/{patient_id}/disclosures")).status_code == status


async def test_another_clinics_disclosures_are_not_shown(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        charge = await billing.one_charge(receiver.url)
        await billing.push()
    await billing.hire(Role.SUPER_ADMIN, user_id=a_session_record().session_id, instance_id=OTHER_CLINIC)
    path = f"/patients/{charge['patient_id']}/disclosures"
    assert len((await billing.ask(path)).json()["items"]) == 1
    assert (await billing.ask(path, instance_id=OTHER_CLINIC)).status_code == 403


@pytest.mark.rule("BILL-5")
async def test_a_notice_accompanies_each_push_and_stays_as_it_was_at_the_first(billing: Billing) -> None:
    async with scripted_receiver(answering(429)) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
        await billing.connect(receiver.url, notice="Another notice.")
        billing.watch.forward(minutes=1)
        await billing.push()
    first, again = (one.body for one in receiver.received)
    assert NOTICE.encode() in first
    assert first == again


@pytest.mark.rule("BILL-5")
async def test_what_was_first_sent_before_there_were_notices_keeps_its_bytes(billing: Billing) -> None:
    async with scripted_receiver(answering(429)) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
        async with billing.database.writing_for_all() as db:
            await db.execute(update(charge_status).values(notice=None))
        billing.watch.forward(minutes=1)
        await billing.push()
    assert NOTICE.encode() not in receiver.received[1].body


async def test_a_clinic_that_is_no_part_2_program_can_leave_the_notice_out(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await billing.one_charge(receiver.url, notice="")
        await billing.push()
    assert b"notice" not in receiver.received[0].body
