import csv
import io
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.billing_bridge.schemas import Reconciliation, Report
from shared.events.catalogue import SESSION_RETRACTED
from shared.events.filing import FiledDocumentation
from shared.events.record import Attendance, SessionRecord
from shared.events.staff import Role
from shared.identifiers import new_id
from shared.testing.corrections import retraction_of
from shared.testing.records import a_patient, a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.scripted_receiver import answering, scripted_receiver

DAY = "2026-03-10"


class Charts:
    """Charts that have filed what they were given."""

    def __init__(self, *records: SessionRecord) -> None:
        self.filed_notes = [
            FiledDocumentation(
                documentation_id=record.documentation_id,
                session_id=record.session_id,
                present=tuple(
                    one.patient_id for one in record.participants if one.attendance is Attendance.PRESENT
                ),
                entered_in_error=False,
            )
            for record in records
        ]

    async def filed(
        self, _instance_id: UUID, documentation_ids: Any, *, on: date
    ) -> tuple[FiledDocumentation, ...]:
        assert on == date(2026, 3, 10)
        self.asked_for = set(documentation_ids)
        return tuple(self.filed_notes)


async def reconciled(billing: Billing, charts: Any = None, *, on: str = DAY) -> Reconciliation:
    if charts:
        billing.application.state.filed_notes = charts
    answer = await billing.ask(f"/reconciliation?on={on}")
    assert answer.status_code == 200, answer.text
    return Reconciliation.model_validate_json(answer.content)


@pytest.mark.rule("BILL-10")
async def test_a_day_on_which_all_is_filed_charged_and_acknowledged_has_no_difference(
    billing: Billing,
) -> None:
    record = a_session_record(present=3, absent=1)
    reported = a_session_record(present=2, billing=webhook_billing(mode="per_diem"))
    async with scripted_receiver(*[answering(201)] * 3) as receiver:
        await billing.connect(receiver.url)
        await billing.hear(record, reported, a_session_record(present=1, billing=None))
        await billing.push()
    unbilled = (await billing.ask(f"/reconciliation?on={DAY}")).json()["lines"]
    charts = Charts(record, reported)
    ids = {one["documentation_id"] for one in unbilled} - {
        str(record.documentation_id), str(reported.documentation_id),
    }  # fmt: skip
    charts.filed_notes.append(
        FiledDocumentation(
            documentation_id=UUID(ids.pop()),
            session_id=new_id(),
            present=(a_patient(0).patient_id,),
            entered_in_error=False,
        )
    )
    day = await reconciled(billing, charts)
    assert (day.sessions, day.present, day.filed, day.charges, day.acknowledged) == (3, 6, 6, 3, 3)
    assert day.differences == 0


@pytest.mark.rule("BILL-10")
async def test_each_difference_is_named_and_linked(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    record, never_heard = a_session_record(present=2, absent=0), a_session_record(present=1, absent=0)
    await billing.hear(record)
    charts = Charts(record, never_heard)
    charts.filed_notes[0] = charts.filed_notes[0].model_copy(
        update={"present": charts.filed_notes[0].present[:1]}
    )
    day = await reconciled(billing, charts)
    mine, other = day.lines
    assert next((one.kind.value, one.patient_id) for one in mine.differences) == (
        "not_filed",
        record.participants[1].patient_id,
    )
    waiting = [one for one in mine.differences if one.kind.value == "not_acknowledged"]
    assert {one.charge_id for one in waiting} == {row.charge_id for row in await billing.charges()}
    assert "No billing system webhook is connected." in waiting[0].detail
    assert (other.session_id, [one.kind.value for one in other.differences]) == (
        never_heard.session_id,
        ["not_heard"],
    )


@pytest.mark.rule("BILL-10")
async def test_a_void_session_is_in_order_when_its_charges_are_reversed(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    record = a_session_record(present=2, absent=0)
    await billing.hear(record)
    await billing.hear(retraction_of(record), event_type=SESSION_RETRACTED)
    charts = Charts(record)
    (line,) = (await reconciled(billing, charts)).lines
    assert [one.kind.value for one in line.differences] == ["void_not_marked"]
    charts.filed_notes[0] = charts.filed_notes[0].model_copy(update={"entered_in_error": True})
    (line,) = (await reconciled(billing, charts)).lines
    assert (line.acknowledged, line.differences) == (2, [])


@pytest.mark.rule("BILL-10")
async def test_charts_that_can_not_be_asked_are_a_difference(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=1, absent=0))
    (line,) = (await reconciled(billing)).lines
    assert (line.filed, line.differences[0].kind.value) == (None, "filing_unknown")


@pytest.mark.rule("BILL-10")
async def test_another_day_has_nothing_of_this_one(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=1))
    assert (await reconciled(billing, on="2026-03-11")).lines == []


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@pytest.mark.rule("BILL-10")
async def test_the_reconciliation_as_csv_has_a_row_for_each_difference(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=2, absent=0))
    lines = read_csv((await billing.ask(f"/reconciliation.csv?on={DAY}")).content)
    assert [one["difference"] for one in lines] == ["filing_unknown", "not_acknowledged", "not_acknowledged"]


@pytest.mark.rule("BILL-7")
async def test_the_report_totals_units_and_minutes_by_code_and_status(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(
        a_session_record(present=2), a_session_record(present=3, billing=webhook_billing(codes=()))
    )
    totals = Report.model_validate_json((await billing.ask("/report")).content).totals
    told = [(one.code, one.status.value, one.charges, one.patients, one.units, one.minutes) for one in totals]
    assert told == [("", "held", 3, 3, 3, 150), ("90853", "pending", 2, 2, 2, 100)]


@pytest.mark.rule("BILL-7")
@pytest.mark.parametrize(
    ("query", "charges"),
    [
        (f"patient_id={a_patient(1).patient_id}", 1),
        (f"since={DAY}&until={DAY}", 2),
        ("since=2026-03-11", 0),
        ("until=2026-03-09", 0),
        ("status=held", 0),
        ("code=90853&system=webhook", 2),
    ],
)
async def test_the_report_is_of_what_is_asked_for(billing: Billing, query: str, charges: int) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(present=2))
    totals = (await billing.ask(f"/report?{query}")).json()["totals"]
    assert sum(one["charges"] for one in totals) == charges
    assert len(read_csv((await billing.ask(f"/report.csv?{query}")).content)) == charges


@pytest.mark.rule("BILL-7")
async def test_the_report_as_csv_can_be_no_formula_and_is_kept_by_no_cache(billing: Billing) -> None:
    await billing.hire(Role.SUPER_ADMIN)
    await billing.hear(a_session_record(participants=(a_patient(0, mrn="=1+1"),)))
    answer = await billing.ask("/report.csv")
    (line,) = read_csv(answer.content)
    assert (line["mrn"], line["service_date"], line["status"]) == ("'=1+1", DAY, "pending")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize(
    "path", ["/report", "/report.csv", f"/reconciliation?on={DAY}", f"/reconciliation.csv?on={DAY}"]
)
async def test_reports_are_for_billers_alone(billing: Billing, path: str) -> None:
    await billing.hire(Role.THERAPIST)
    assert (await billing.ask(path)).status_code == 403
