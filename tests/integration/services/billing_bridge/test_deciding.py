from typing import Any

import pytest

from services.billing_bridge.models import charge_history
from services.billing_bridge.schemas import Progress, Worklist
from shared.events.catalogue import SESSION_RETRACTED
from shared.events.staff import Role
from shared.testing.corrections import retraction_of
from shared.testing.records import OTHER_CLINIC, a_patient, a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.scripted_receiver import (
    answering,
    hanging_up,
    scripted_receiver,
)

NOWHERE = "http://127.0.0.1:9/charges"
NOT_CONNECTED = "No billing system webhook is connected. It goes when one is."
NO_CODE = "The template has neither a CCode nor an HCode."


async def groups(billing: Billing) -> list[tuple[str, str, int, bool]]:
    answer = Worklist.model_validate_json((await billing.ask("/worklist")).content)
    return [(one.status, one.reason, one.charges, one.goes_by_itself) for one in answer.groups]


async def together(billing: Billing, deed: str, **wanted: Any) -> Progress:
    content = {"reason": "As the biller says."} | wanted
    answer = await billing.ask(f"/worklist/{deed}", method="POST", content=content)
    assert answer.status_code == 200, answer.text
    return Progress.model_validate_json(answer.content)


async def group_of(billing: Billing, reason: str) -> str:
    listed = (await billing.ask("/worklist")).json()["groups"]
    return str(next(one["group"] for one in listed if one["reason"] == reason))


@pytest.mark.rule("BILL-3", "BILL-7")
async def test_charges_without_a_connection_say_so_and_go_by_themselves_when_there_is_one(
    billing: Billing,
) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=2, absent=0))
    assert await groups(billing) == [("pending", NOT_CONNECTED, 2, False)]
    listed = (await billing.ask("/charges")).json()["items"]
    assert {one["reason"] for one in listed} == {NOT_CONNECTED}
    async with scripted_receiver(answering(201)) as receiver:
        await billing.connect(receiver.url)
        assert await groups(billing) == []
        await billing.push()
    assert await billing.statuses() == ["accepted"] * 2


@pytest.mark.rule("BILL-7")
async def test_a_paused_connection_says_why_its_charges_wait_until_it_is_resumed(billing: Billing) -> None:
    await billing.one_charge(NOWHERE)
    why = {"reason": "They move house."}
    paused = await billing.ask("/connections/webhook/pause", method="POST", content=why)
    assert (paused.json()["active"], paused.json()["paused_because"]) == (False, "They move house.")
    told = "The connection is paused: They move house. It goes when the connection is resumed."
    assert await groups(billing) == [("pending", told, 1, False)]
    resumed = await billing.ask("/connections/webhook/resume", method="POST")
    assert (resumed.json()["active"], await groups(billing)) == (True, [])


async def test_only_a_connection_that_is_there_is_paused(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    answer = await billing.ask("/connections/webhook/pause", method="POST", content={"reason": "Why not."})
    assert answer.status_code == 404


@pytest.mark.rule("BILL-5")
async def test_an_unknown_charge_whose_address_changed_does_not_say_that_it_is_sent_again(
    billing: Billing,
) -> None:
    async with scripted_receiver(hanging_up) as receiver:
        await billing.one_charge(receiver.url, deduplicates=True)
        await billing.push()
        before = await billing.shown()
        assert "It is sent again with the same key." in before["reason"]
        await billing.connect(NOWHERE, deduplicates=True)
    reason = (await billing.shown())["reason"]
    assert "with the same key" not in reason
    assert reason.endswith("it is not sent again. A person has to look it up.")
    ((_, _, _, goes_by_itself),) = await groups(billing)
    assert not goes_by_itself


@pytest.mark.rule("BILL-7")
async def test_what_differs_by_counts_alone_is_one_group(billing: Billing) -> None:
    await billing.connect(NOWHERE)
    short = tuple(a_patient(number, minutes=10 + number) for number in range(3))
    await billing.hear(
        a_session_record(participants=short, billing=webhook_billing(minimum_minutes=20)),
        a_session_record(present=2, absent=0, billing=webhook_billing(codes=())),
    )
    assert await groups(billing) == [
        ("held", "… minutes are under the minimum of 20.", 3, False),
        ("held", NO_CODE, 2, False),
    ]


@pytest.mark.rule("BILL-7", "PERM-8")
async def test_a_group_is_released_alone_and_each_charge_is_audited_for_its_patient(billing: Billing) -> None:
    await billing.connect(NOWHERE)
    short = tuple(a_patient(number, minutes=10) for number in range(2))
    await billing.hear(
        a_session_record(participants=short, billing=webhook_billing(minimum_minutes=20)),
        a_session_record(present=1, absent=0, billing=webhook_billing(codes=())),
    )
    group = await group_of(billing, "… minutes are under the minimum of 20.")
    assert (await together(billing, "release", group=group)).decided == 2
    assert sorted(await billing.statuses()) == ["held", "pending", "pending"]
    audited = {row.patient_id for row in await billing.audit() if row.action == "charge.released"}
    assert {one.patient_id for one in short} <= audited


@pytest.mark.rule("BILL-7")
async def test_all_are_released_but_those_that_no_person_may_send_and_these_are_named(
    billing: Billing,
) -> None:
    await billing.connect(NOWHERE)
    short = (a_patient(0, minutes=10),)
    await billing.hear(
        a_session_record(participants=short, billing=webhook_billing(minimum_minutes=20)),
        a_session_record(present=1, absent=0, billing=webhook_billing(codes=())),
    )
    progress = await together(billing, "release")
    (skipped,) = progress.skipped
    assert progress.decided == 1
    assert skipped.detail.startswith("This charge can't be billed as it is: it has no code.")


@pytest.mark.rule("BILL-7")
async def test_a_large_group_is_decided_in_steps_that_meet_every_charge_once(billing: Billing) -> None:
    await billing.connect(NOWHERE)
    await billing.hear(a_session_record(present=5, absent=0, billing=webhook_billing(codes=())))
    group = await group_of(billing, NO_CODE)
    steps = [await together(billing, "cancel", group=group, limit=2)]
    while (after := steps[-1].next) is not None:
        steps.append(await together(billing, "cancel", group=group, after=str(after), limit=2))
    assert [step.decided for step in steps] == [2, 2, 1]
    assert await billing.statuses() == ["reversed"] * 5


@pytest.mark.rule("BILL-6", "BILL-7")
async def test_a_cancelled_charge_is_never_pushed_and_its_history_says_why(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await billing.one_charge(receiver.url)
        assert (await billing.decide("cancel", reason="Billed by hand.")).json()["status"] == "reversed"
        await billing.push()
        assert receiver.received == []
    history = await billing.opened(charge_history)
    assert [(row.status, row.reason) for row in history][1:] == [("reversed", "Cancelled: Billed by hand.")]


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize("retracted", [False, True])
async def test_an_unknown_charge_that_was_found_is_accepted_or_reversed_if_its_session_is_void(
    billing: Billing, *, retracted: bool
) -> None:
    async with scripted_receiver(hanging_up, answering(200)) as receiver:
        await billing.connect(receiver.url)
        record = a_session_record(present=1, absent=0)
        await billing.hear(record)
        await billing.push()
        if retracted:
            await billing.hear(retraction_of(record), event_type=SESSION_RETRACTED)
        assert (await billing.decide("confirm", reason="It is in their list.")).status_code == 200
        await billing.push()
        assert len(receiver.keys) == (2 if retracted else 1)
    assert await billing.statuses() == ["reversed" if retracted else "accepted"]


@pytest.mark.rule("BILL-5")
async def test_only_an_unknown_charge_can_be_confirmed(billing: Billing) -> None:
    await billing.one_charge(NOWHERE)
    answer = await billing.decide("confirm")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "This charge is pending; only these can be confirmed: unknown.",
    )


@pytest.mark.rule("PERM-8")
async def test_the_worklist_is_of_ones_own_instance_and_for_billers(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=1), instance_id=OTHER_CLINIC)
    assert await groups(billing) == []
    assert (await together(billing, "cancel")).decided == 0
    await billing.hire(Role.THERAPIST, user_id=a_patient(0).patient_id)
    refused = await billing.ask("/worklist", user_id=a_patient(0).patient_id)
    assert refused.status_code == 403
