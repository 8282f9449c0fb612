import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from services.billing_bridge.models import connection
from services.billing_bridge.schemas import ChargePage, Connections, Counts, WholeCharge
from shared.events.staff import Feature, Role
from shared.testing.records import MARGARET, OTHER_CLINIC, TUESDAY, a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.scripted_receiver import answering, scripted_receiver

NOWHERE = "http://127.0.0.1:9/charges"
OTHER_ROLES = sorted(set(Role) - {Role.SUPER_ADMIN})
READS = ["/charges", "/counts", "/connections"]


async def _every_page(billing: Billing, query: str) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await billing.ask(f"/charges?{query}" + (f"&cursor={cursor}" if cursor else ""))).json()
        seen += page["items"]
        cursor = page["next"]
    return seen


@pytest.mark.rule("BILL-7")
@pytest.mark.parametrize("status", ["", "&status=pending"])
async def test_the_report_is_paged_without_gaps_or_doubles(billing: Billing, status: str) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(*(a_session_record(present=3, absent=1) for _ in range(3)))
    seen = await _every_page(billing, f"limit=4{status}")
    stored = {str(row.charge_id) for row in await billing.charges()}
    assert len(seen) == 9
    assert {one["charge_id"] for one in seen} == stored


@pytest.mark.rule("BILL-7")
async def test_the_report_is_of_one_patient_session_or_status_if_asked(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    first, second = a_session_record(present=2), a_session_record(present=3)
    held = a_session_record(present=1, billing=webhook_billing(codes=()))
    await billing.hear(first, second, held)
    patient_id = first.participants[0].patient_id
    by = [f"patient_id={patient_id}", f"session_id={second.session_id}", "status=held", "status=accepted"]
    assert [len(await _every_page(billing, query)) for query in by] == [3, 3, 1, 0]


@pytest.mark.rule("BILL-7")
async def test_charges_are_counted_by_status(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=2), a_session_record(billing=webhook_billing(codes=())))
    counts = Counts.model_validate_json((await billing.ask("/counts")).content).counts
    assert {status.value: count for status, count in counts.items() if count} == {"pending": 2, "held": 8}


async def test_what_is_served_is_what_the_api_describes(billing: Billing) -> None:
    shown = await billing.one_charge(NOWHERE)
    await billing.push()
    WholeCharge.model_validate_json((await billing.ask(f"/charges/{shown['charge_id']}")).content)
    ChargePage.model_validate_json((await billing.ask("/charges")).content)
    Connections.model_validate_json((await billing.ask("/connections")).content)


async def test_a_charge_carries_its_version_and_is_kept_by_no_cache(billing: Billing) -> None:
    shown = await billing.one_charge(NOWHERE)
    answer = await billing.ask(f"/charges/{shown['charge_id']}")
    assert (answer.headers["etag"], answer.headers["cache-control"]) == ('"1"', "no-store")


@pytest.mark.rule("BILL-7", "PERM-7", "PERM-8")
@pytest.mark.parametrize("role", OTHER_ROLES)
async def test_no_other_role_sees_billing_and_the_refusal_is_audited(billing: Billing, role: Role) -> None:
    await billing.hire(role)
    for path in READS:
        answer = await billing.ask(path)
        assert answer.status_code == 403
        assert "manage_billing" in answer.json()["detail"]
    assert [entry.outcome for entry in await billing.audit()] == ["refused"] * len(READS)


@pytest.mark.rule("BILL-7")
async def test_manage_billing_needs_no_role(billing: Billing) -> None:
    await billing.hire(features=frozenset({Feature.MANAGE_BILLING}))
    assert [(await billing.ask(path)).status_code for path in READS] == [200] * 3


@pytest.mark.rule("PERM-8")
async def test_reading_a_charge_is_audited_with_its_patient(billing: Billing) -> None:
    shown = await billing.one_charge(NOWHERE)
    entry = (await billing.audit())[-1]
    assert (entry.user_id, entry.action, entry.subject) == (MARGARET, "charge.read", shown["charge_id"])
    assert (str(entry.patient_id), entry.outcome) == (shown["patient_id"], "allowed")


@pytest.mark.rule("BILL-7")
async def test_holding_and_releasing_are_in_the_history_with_who_and_why(billing: Billing) -> None:
    await billing.one_charge(NOWHERE)
    await billing.decide("hold", reason="Payer asks for the plan.")
    await billing.decide("release", reason="Plan was sent.")
    history = (await billing.shown())["history"]
    assert [(one["status"], one["reason"], one["user_id"]) for one in history] == [
        ("pending", None, None),
        ("held", "Payer asks for the plan.", str(MARGARET)),
        ("pending", "Plan was sent.", str(MARGARET)),
    ]


@pytest.mark.rule("BILL-5", "BILL-7")
async def test_an_accepted_charge_can_be_neither_held_nor_released(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
        answers = [await billing.decide(deed) for deed in ("hold", "release")]
        await billing.push()
        assert len(receiver.received) == 1
    assert [answer.status_code for answer in answers] == [409, 409]


@pytest.mark.rule("BILL-3")
async def test_a_charge_without_a_code_can_not_be_released(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=1, absent=0, billing=webhook_billing(codes=())))
    answer = await billing.decide("release")
    assert (answer.status_code, await billing.statuses()) == (409, ["held"])
    assert "it has no code" in answer.json()["detail"]


async def test_a_rejected_charge_is_released_under_its_old_key(billing: Billing) -> None:
    async with scripted_receiver(answering(400)) as receiver:
        await billing.one_charge(receiver.url)
        await billing.push()
        await billing.decide("release")
        await billing.push()
        assert receiver.keys == [(await billing.shown())["charge_id"]] * 2


async def test_another_instances_charge_does_not_exist(billing: Billing) -> None:
    shown = await billing.one_charge(NOWHERE)
    await billing.hire(Role.SUPER_ADMIN, user_id=(stranger := uuid4()), instance_id=OTHER_CLINIC)
    path = f"/charges/{shown['charge_id']}"
    asked: dict[str, Any] = {"user_id": stranger, "instance_id": OTHER_CLINIC}
    reasoned: dict[str, Any] = {"method": "POST", "content": {"reason": "Mine now."}, **asked}
    answers = [await billing.ask(path, **asked)]
    answers += [await billing.ask(f"{path}/{deed}", **reasoned) for deed in ("hold", "release")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert (await billing.ask("/charges", **asked)).json() == {"items": [], "next": None}
    assert (await billing.ask("/connections", **asked)).json() == {"connections": []}
    assert await billing.statuses() == ["pending"]


async def test_a_secret_is_shown_once_and_never_again(billing: Billing) -> None:
    secret = (await billing.connect(NOWHERE)).json()["secret"]
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    later = [await billing.ask("/connections"), await billing.connect(NOWHERE, deduplicates=True)]
    assert [answer for answer in later if secret in answer.text] == []
    (row,) = await billing.rows(select(connection))
    assert secret not in repr(row)


async def test_a_secret_that_is_given_is_never_shown(billing: Billing) -> None:
    secret = "whsec_" + "QUJD" * 8
    answer = await billing.connect(NOWHERE, secret=secret)
    assert answer.json()["secret"] is None
    assert secret not in answer.text


async def test_changing_a_connection_keeps_its_secret(billing: Billing) -> None:
    await billing.connect(NOWHERE)
    before = (await billing.rows(select(connection)))[0].sealed_secret
    await billing.connect(NOWHERE, active=False)
    assert (await billing.rows(select(connection)))[0].sealed_secret == before


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"url": "http://billing.example/"}, "#/url"),
        ({"url": NOWHERE, "secret": "hunter2"}, "#/secret"),
        ({"url": NOWHERE, "secrte": "x"}, "#/secrte"),
    ],
)
async def test_what_can_not_be_used_is_refused_without_being_quoted(
    billing: Billing, content: dict[str, str], pointer: str
) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    answer = await billing.ask("/connections/webhook", method="PUT", content=content)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert "hunter2" not in answer.text


@pytest.mark.rule("SET-6")
async def test_a_system_without_a_connector_is_refused_by_name(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    answer = await billing.ask("/connections/acme", method="PUT", content={"url": NOWHERE})
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "There is no connector of this name; there are: avea, batch, cmd, hl7, sftp, webhook.",
    )


async def test_charges_of_an_earlier_day_come_first(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=1), a_session_record(present=1))
    made = [one["made_at"] for one in await _every_page(billing, "limit=1")]
    assert made == sorted(made)
    assert made[0].startswith((TUESDAY + timedelta(hours=1)).date().isoformat())
