from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing_bridge.codes.terms import units_for
from services.billing_bridge.domain import ClaimForm, charges_for, never_billable
from shared.events.record import Attendance, BillingCode, CodeKind, LocationFacts, SessionRecord, UnitRule
from shared.testing.records import a_patient, a_session_record, webhook_billing

EIGHT_MINUTE_RULE = UnitRule(by="time", minutes_per_unit=15, minutes_to_round_up=8)


def a_code(kind: CodeKind = CodeKind.CCODE, code: str = "90853", **changes: Any) -> BillingCode:
    facts: dict[str, Any] = {
        "kind": kind,
        "code": code,
        "description": "Group psychotherapy",
        "effective_on": date(2020, 1, 1),
        "ends_on": None,
    }
    return BillingCode(**facts | changes)


def billed(*codes: BillingCode, minutes: int = 50, **billing: Any) -> SessionRecord:
    facts = webhook_billing(**({"codes": codes} if codes else {}), **billing)
    return a_session_record(participants=(a_patient(0, minutes=minutes),), billing=facts)


attendances = st.lists(st.sampled_from(Attendance), max_size=12)
claimed_codes = st.lists(
    st.builds(
        a_code,
        kind=st.sampled_from([CodeKind.CCODE, CodeKind.HCODE]),
        code=st.sampled_from(["90853", "H0005", "H0015"]),
        effective_on=st.sampled_from([date(2020, 1, 1), date(2030, 1, 1)]),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.rule("BILL-2")
@given(attendances=attendances, codes=claimed_codes)
def test_each_present_patient_is_charged_once_for_each_code_and_nobody_else(
    attendances: list[Attendance], codes: list[BillingCode]
) -> None:
    patients = tuple(a_patient(number, attendance=one) for number, one in enumerate(attendances))
    record = a_session_record(participants=patients, billing=webhook_billing(codes=tuple(codes)))
    forms = {CodeKind.CCODE: ClaimForm.PROFESSIONAL, CodeKind.HCODE: ClaimForm.INSTITUTIONAL}
    charged = [(charge.patient_id, charge.form, charge.code) for charge in charges_for(record)]
    present = [one.patient_id for one in patients if one.attendance is Attendance.PRESENT]
    expected = {(one, forms[code.kind], code.code) for one in present for code in codes}
    assert len(charged) == len(expected)
    assert set(charged) == expected


@pytest.mark.rule("BILL-2")
def test_reading_a_session_again_gives_the_same_charges() -> None:
    record = a_session_record()
    assert charges_for(record) == charges_for(record)


@pytest.mark.rule("BILL-2")
def test_minutes_are_the_patients_own() -> None:
    record = a_session_record(participants=(a_patient(0, minutes=50), a_patient(1, minutes=31)))
    assert [charge.minutes for charge in charges_for(record)] == [50, 31]


@pytest.mark.rule("SET-6")
def test_without_integrated_billing_no_charge_is_made() -> None:
    assert charges_for(a_session_record(billing=None)) == []


@pytest.mark.rule("BILL-1")
def test_a_per_diem_group_makes_no_charge_of_its_own() -> None:
    assert charges_for(a_session_record(billing=webhook_billing(mode="per_diem"))) == []


@pytest.mark.rule("BILL-1")
def test_an_hcode_goes_with_the_revenue_code_on_the_institutional_claim() -> None:
    (charge,) = charges_for(billed(a_code(CodeKind.HCODE, "H0015"), a_code(CodeKind.RCODE, "0905")))
    assert (charge.form, charge.code, charge.revenue_code) == (ClaimForm.INSTITUTIONAL, "H0015", "0905")
    assert charge.lacking is None


@pytest.mark.rule("BILL-9")
@pytest.mark.parametrize(
    ("minutes", "units"),
    [(0, 0), (7, 0), (8, 1), (15, 1), (22, 1), (23, 2), (37, 2), (38, 3), (52, 3), (53, 4)],
)
def test_the_eight_minute_rule(minutes: int, units: int) -> None:
    assert units_for(EIGHT_MINUTE_RULE, minutes=minutes) == units


@pytest.mark.rule("BILL-9")
@given(
    per_unit=st.integers(1, 120),
    round_up=st.none() | st.integers(1, 120),
    minutes=st.integers(0, 600),
    more=st.integers(0, 100),
)
def test_more_minutes_never_make_fewer_units(
    per_unit: int, round_up: int | None, minutes: int, more: int
) -> None:
    rule = UnitRule(by="time", minutes_per_unit=per_unit, minutes_to_round_up=round_up)
    fewer, greater = units_for(rule, minutes=minutes), units_for(rule, minutes=minutes + more)
    assert 0 <= fewer <= greater
    assert minutes // per_unit <= fewer <= minutes // per_unit + 1


@pytest.mark.rule("BILL-9")
def test_by_session_is_one_unit_whatever_the_minutes() -> None:
    assert units_for(UnitRule(by="session"), minutes=5) == 1


@pytest.mark.rule("BILL-3")
@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (billed(a_code(effective_on=date(2027, 1, 1))), "90853 is not effective on 2026-03-10."),
        (billed(a_code(ends_on=date(2026, 3, 9))), "90853 is not effective on 2026-03-10."),
        (billed(a_code(CodeKind.HCODE, "H0015")), "The template has no RCode for its HCode."),
        (billed(a_code(CodeKind.RCODE, "0905")), "The template has an RCode and no HCode to go with it."),
        (billed(minutes=19, minimum_minutes=20), "19 minutes are under the minimum of 20."),
        (billed(minutes=7, units=EIGHT_MINUTE_RULE), "7 minutes make no unit."),
        (billed(units=UnitRule(by="time")), "The template bills by time and has no minutes per unit."),
    ],
    ids=["not yet", "no more", "no revenue code", "no service code", "too short", "no unit", "no rule"],
)
def test_what_is_missing_is_said_and_the_charge_is_made(record: SessionRecord, reason: str) -> None:
    assert [charge.lacking for charge in charges_for(record)] == [reason]


@pytest.mark.rule("BILL-3")
def test_a_template_without_codes_makes_a_held_charge() -> None:
    record = a_session_record(present=1, absent=0, billing=webhook_billing(codes=()))
    (charge,) = charges_for(record)
    assert charge.lacking == "The template has neither a CCode nor an HCode."
    assert never_billable(charge) == "it has no code"


@pytest.mark.rule("BILL-3")
def test_a_code_that_succeeds_itself_is_not_held() -> None:
    old, new = a_code(ends_on=date(2025, 12, 31)), a_code(effective_on=date(2026, 1, 1))
    (charge,) = charges_for(billed(old, new))
    assert charge.lacking is None


@pytest.mark.rule("BILL-3")
@pytest.mark.parametrize(("zone", "day"), [("America/Chicago", 9), ("UTC", 10), ("Pacific/Auckland", 10)])
def test_the_date_of_service_is_the_date_at_the_location(zone: str, day: int) -> None:
    evening = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)
    place = a_session_record().location.model_dump() | {"time_zone": zone}
    record = a_session_record(
        location=LocationFacts(**place), started_at=evening, ended_at=evening + timedelta(hours=1)
    )
    assert {charge.service_date for charge in charges_for(record)} == {date(2026, 3, day)}


def test_a_charge_knows_who_rendered_the_service_and_how_many_were_there() -> None:
    charge = charges_for(a_session_record(present=3, absent=2))[0]
    assert (charge.provider_name, charge.provider_npi) == ("Margaret Chen", "1234567893")
    assert charge.group_size == 3
