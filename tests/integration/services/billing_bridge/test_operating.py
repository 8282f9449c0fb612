import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import httpx2
import pytest
from rich.console import Console

from services.billing_bridge.operating import Operator, RefusedError
from shared.events.staff import Role
from shared.testing.records import CLINIC, MARGARET, a_patient, a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing

NO_CODE = "The template has neither a CCode nor an HCode."


class Person:
    """A Super Admin at the command line, and what is on the screen."""

    def __init__(self, operator: Operator, screen: io.StringIO) -> None:
        self.operator, self.screen = operator, screen

    @property
    def read(self) -> str:
        return " ".join(self.screen.getvalue().split())


@asynccontextmanager
async def at_the_command_line(billing: Billing, *, role: Role = Role.SUPER_ADMIN) -> AsyncIterator[Person]:
    await billing.hire(role)
    screen = io.StringIO()
    token = billing.issuer.token_for(MARGARET, instance_id=CLINIC)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=billing.application),
        base_url="http://billing",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield Person(Operator(client=client, console=Console(file=screen, width=250)), screen)


async def two_groups(billing: Billing) -> None:
    short = tuple(a_patient(number, minutes=10) for number in range(2))
    await billing.hear(
        a_session_record(participants=short, billing=webhook_billing(minimum_minutes=20)),
        a_session_record(present=1, absent=0, billing=webhook_billing(codes=())),
    )


@pytest.mark.rule("BILL-7")
async def test_the_worklist_is_shown_by_reason(billing: Billing) -> None:
    async with at_the_command_line(billing) as person:
        await person.operator.show_worklist()
        assert person.read == "Nothing waits for a person."
        await two_groups(billing)
        await person.operator.show_worklist()
        assert NO_CODE in person.read
        assert "… minutes are under the minimum of 20." in person.read


@pytest.mark.rule("BILL-7")
async def test_a_decision_about_all_says_what_it_did_and_what_stays(billing: Billing) -> None:
    async with at_the_command_line(billing) as person:
        await two_groups(billing)
        await person.operator.decide_together("release", group=None, reason="Agreed with the payer.")
        assert "release: 2 charges, 1 stay as they are." in person.read
        assert "it has no code" in person.read


@pytest.mark.rule("BILL-7")
async def test_one_charge_is_decided(billing: Billing) -> None:
    async with at_the_command_line(billing) as person:
        await billing.hear(a_session_record(present=1, absent=0))
        (one,) = await billing.charges()
        await person.operator.decide_one("hold", one.charge_id, reason="Wait.")
        assert person.read == f"{one.charge_id} is held."


@pytest.mark.rule("BILL-10")
async def test_days_are_reconciled_and_each_difference_is_shown(billing: Billing) -> None:
    async with at_the_command_line(billing) as person:
        await billing.hear(a_session_record(present=2, absent=0))
        first, last = date(2026, 3, 9), date(2026, 3, 10)
        assert await person.operator.reconcile(since=first, until=last) == 3
        assert "filing_unknown" in person.read
        assert person.read.count("not_acknowledged") == 2


@pytest.mark.rule("BILL-7")
async def test_a_report_is_shown_and_saved_for_its_owner_alone(billing: Billing, tmp_path: Path) -> None:
    async with at_the_command_line(billing) as person:
        await billing.hear(a_session_record(present=2, absent=0))
        await person.operator.show_report({"status": "pending"})
        assert "90853" in person.read
        await person.operator.save("/report.csv", {}, to=tmp_path / "charges.csv")
    assert (tmp_path / "charges.csv").read_text().count("90853") == 2
    assert (tmp_path / "charges.csv").stat().st_mode & 0o077 == 0


@pytest.mark.rule("BILL-1")
async def test_a_faulty_import_is_told_by_line_and_column(billing: Billing) -> None:
    async with at_the_command_line(billing) as person:
        with pytest.raises(RefusedError, match="line:2/effective_on"):
            await person.operator.import_codes(
                b"kind,code,description,effective_on\nccode,90853,Group,soon\n"
            )


@pytest.mark.rule("PERM-8")
async def test_who_may_not_bill_may_not_at_the_command_line_either(billing: Billing) -> None:
    async with at_the_command_line(billing, role=Role.THERAPIST) as person:
        with pytest.raises(RefusedError, match="This needs one of"):
            await person.operator.show_worklist()
