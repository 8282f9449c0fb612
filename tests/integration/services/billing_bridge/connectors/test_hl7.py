"""HL7 as an independent listener hears it, and as whole pushes."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import hl7
import pytest
from hl7.mllp import HL7StreamReader, HL7StreamWriter, start_hl7_server
from sqlalchemy import select

from services.billing_bridge.connector import Destination, NothingSentError
from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.domain import Charge
from services.billing_bridge.hl7 import mllp as lines
from services.billing_bridge.models import charge_status, connection
from services.billing_bridge.outcomes import Verdict
from services.billing_bridge.outside import Outside
from shared.events.catalogue import SESSION_RETRACTED
from shared.events.record import BillingCode, CodeKind, SessionRetracted
from shared.testing.records import TUESDAY, a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.connectors.certificates import Authority
from tests.integration.services.billing_bridge.connectors.speakers import (
    LATE,
    REJECT,
    TWICE,
    Held,
    ack,
    hl7_over_mllp,
    mllp,
    other_side,
)


@dataclass
class Listener:
    """The `hl7` library's own MLLP server."""

    url: str = ""
    codes: list[str] = field(default_factory=list)
    heard: list[hl7.Message] = field(default_factory=list)
    held: Held = field(default_factory=Held)

    async def serve(self, reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        with self.held.until_the_end(writer):
            while not writer.is_closing():
                message = await reader.readmessage()
                self.heard.append(message)
                code = self.codes.pop(0) if self.codes else "AA"
                writer.writemessage(message.create_ack(ack_code=code))
                await writer.drain()


@contextlib.asynccontextmanager
async def listener(*codes: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Listener]:
    one = Listener(codes=list(codes))
    server = await start_hl7_server(one.serve, "127.0.0.1", 0, ssl=tls, encoding="utf-8")
    port = server.sockets[0].getsockname()[1]
    one.url = f"{'mllps' if tls else 'mllp'}://127.0.0.1:{port}"
    try:
        yield one
    finally:
        server.close()
        await one.held.let_go()


def a_session_of_two_codes(system: str = "hl7", **changes: Any) -> Any:
    codes = tuple(
        BillingCode(
            kind=CodeKind.CCODE,
            code=code,
            description=f"Service {code}",
            effective_on=TUESDAY.date(),
            ends_on=None,
        )
        for code in ("90853", "90849")
    )
    billing = webhook_billing(system=system, codes=codes)
    return a_session_record(present=2, absent=0, billing=billing, **changes)


@pytest.mark.rule("BILL-4")
async def test_an_independent_listener_hears_one_message_for_each_patient(billing: Billing) -> None:
    async with listener() as heard:
        await billing.connect(heard.url, system="hl7")
        await billing.hear(a_session_of_two_codes())
        await billing.push()
    assert await billing.statuses() == ["accepted"] * 4
    assert [len(one.segments("FT1")) for one in heard.heard] == [2, 2]
    assert len({str(one.segment("PID")(3)) for one in heard.heard}) == 2


@pytest.mark.rule("BILL-4", "BILL-5")
async def test_each_charge_of_a_message_has_its_own_attempt_and_all_name_the_message(
    billing: Billing,
) -> None:
    async with listener() as heard:
        await billing.connect(heard.url, system="hl7")
        await billing.hear(a_session_of_two_codes())
        await billing.push()
    shown = [(await billing.ask(f"/charges/{one.charge_id}")).json() for one in await billing.charges()]
    messages = [one["pushes"][0]["message_id"] for one in shown]
    assert [len(one["pushes"]) for one in shown] == [1] * 4
    assert sorted(messages.count(one) for one in set(messages)) == [2, 2]


@pytest.mark.rule("BILL-4")
async def test_two_pushers_never_part_a_message(billing: Billing) -> None:
    async with listener() as heard:
        await billing.connect(heard.url, system="hl7")
        await billing.hear(*(a_session_of_two_codes() for _ in range(4)))
        await asyncio.gather(billing.push(), billing.push())
        await billing.push()
    assert await billing.statuses() == ["accepted"] * 16
    assert [len(one.segments("FT1")) for one in heard.heard] == [2] * 8


@pytest.mark.rule("BILL-6")
async def test_a_retracted_session_is_reversed_in_one_message_for_each_patient(billing: Billing) -> None:
    record = a_session_of_two_codes()
    async with listener() as heard:
        await billing.connect(heard.url, system="hl7")
        await billing.hear(record)
        await billing.push()
        retracted = SessionRetracted(
            session_id=record.session_id,
            documentation_id=record.documentation_id,
            version=2,
            reason="Deleted.",
            printed_name="Margaret Chen",
            retracted_at=TUESDAY,
            retracted_by=record.leaders[0].user_id,
        )
        await billing.hear(retracted, event_type=SESSION_RETRACTED)
        billing.watch.forward(minutes=5)
        await billing.push()
    assert await billing.statuses() == ["reversed"] * 4
    assert [[str(line(6)) for line in one.segments("FT1")] for one in heard.heard[2:]] == [["CD"] * 2] * 2


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("AA", Verdict.ACCEPTED),
        ("AE", Verdict.REJECTED),
        ("AR", Verdict.REJECTED),
        ("CA", Verdict.ACCEPTED),
        ("CE", Verdict.REJECTED),
        ("CR", Verdict.REJECTED),
    ],
)
async def test_a_code_means_what_the_profile_says(
    outside: Outside, charges: list[Charge], code: str, verdict: Verdict
) -> None:
    async with listener(code) as heard:
        destination = Destination(url=heard.url, secret="")
        outcome = await CONNECTORS["hl7"].open(outside).push(charges, destination)
    assert outcome.verdict is verdict
    assert outcome.reason is None or code in outcome.reason


APPLICATION = {"profile": {"acknowledgement": "application"}}


@pytest.mark.rule("BILL-4", "BILL-5")
@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        (("CA", "AA"), Verdict.ACCEPTED),
        (("CA", "AE"), Verdict.REJECTED),
        (("CE",), Verdict.REJECTED),
    ],
)
async def test_in_enhanced_mode_the_applications_answer_comes_after_the_receipt(
    outside: Outside, charges: list[Charge], codes: tuple[str, ...], verdict: Verdict
) -> None:
    speaker = hl7_over_mllp("hl7")
    answers = {"all": lambda one: b"".join(mllp(ack(one, code)) for code in codes)}
    both = type(speaker)(**vars(speaker) | {"answers": {**speaker.answers, **answers}})
    async with other_side(both, "all") as side:
        destination = Destination(url=side.url, secret="", settings=APPLICATION)
        outcome = await CONNECTORS["hl7"].open(outside).push(charges, destination)
    assert outcome.verdict is verdict
    assert b"|AL|AL||UNICODE UTF-8" in side.received[0]


async def test_a_second_answer_to_one_message_is_not_taken_for_the_next_ones(
    outside: Outside, charges: list[Charge]
) -> None:
    connector = CONNECTORS["hl7"].open(outside)
    async with other_side(hl7_over_mllp("hl7"), TWICE, REJECT) as side:
        first = await connector.push(charges, side.destination)
        second = await connector.reverse(charges, side.destination)
    assert (first.verdict, second.verdict) == (Verdict.ACCEPTED, Verdict.REJECTED)


@pytest.mark.rule("BILL-4")
async def test_over_tls_the_listener_is_held_to_its_name_and_authority(
    outside: Outside, charges: list[Charge], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    connector = CONNECTORS["hl7"].open(outside)
    async with listener(tls=authority.server_side()) as heard:
        trusting = Destination(url=heard.url, secret="", settings={"trusted_ca": authority.pem})
        assert (await connector.push(charges, trusting)).verdict is Verdict.ACCEPTED
        with pytest.raises(NothingSentError):
            await connector.push(charges, Destination(url=heard.url, secret=""))
    assert len(heard.heard) == 1


async def test_a_listener_that_asks_who_we_are_is_shown_the_connections_certificate(
    outside: Outside, charges: list[Charge], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    async with listener(tls=authority.server_side(asks_clients=True)) as heard:
        destination = Destination(
            url=heard.url,
            secret="",
            settings={"trusted_ca": authority.pem},
            client_certificate=authority.client_certificate,
        )
        outcome = await CONNECTORS["hl7"].open(outside).push(charges, destination)
    assert outcome.verdict is Verdict.ACCEPTED
    assert authority.client_certificate not in repr(destination)


async def test_what_a_partner_would_misread_is_rejected_and_nothing_is_sent(
    outside: Outside, charges: list[Charge]
) -> None:
    async with listener() as heard:
        wrong = [replace(charges[0], description="Group (adult)")]
        outcome = await CONNECTORS["avea"].open(outside).push(wrong, Destination(url=heard.url, secret=""))
    assert (outcome.verdict, heard.heard) == (Verdict.REJECTED, [])
    assert "parenthesis" in (outcome.reason or "")


async def test_a_profile_is_checked_when_it_is_set(billing: Billing) -> None:
    await billing.connect("mllps://billing.example:2575", system="hl7")
    settings = {"profile": {"fields": {"FT1-2": "{patient_name}"}}}
    content = {"url": "mllps://billing.example:2575", "settings": settings}
    answer = await billing.ask("/connections/hl7", method="PUT", content=content)
    assert answer.status_code == 422
    assert "patient_name" in answer.text


@pytest.mark.rule("BILL-5")
async def test_a_system_that_claims_every_message_can_not_be_set_to_deduplicate(billing: Billing) -> None:
    await billing.connect("mllps://cmd.example", system="cmd")
    content = {"url": "mllps://cmd.example", "deduplicates": True}
    answer = await billing.ask("/connections/cmd", method="PUT", content=content)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/deduplicates")


@pytest.mark.rule("BILL-4")
async def test_messages_that_wait_long_for_our_own_line_cost_no_try_and_open_no_breaker(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "TURN_SECONDS", 0.01)
    async with other_side(hl7_over_mllp("hl7"), *[LATE] * 3) as side:
        await billing.connect(side.url, system="hl7")
        await billing.hear(a_session_record(present=3, absent=0, billing=webhook_billing(system="hl7")))
        await billing.pusher.push_all_due()
    rows = await billing.opened(charge_status)
    assert {(row.status, row.tries) for row in rows} == {("accepted", 1)}
    assert max(row.attempts for row in rows) > 1
    assert (await billing.rows(select(connection.c.failures)))[0].failures == 0
