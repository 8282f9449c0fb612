import json
from datetime import date
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing_bridge.models import charge, charge_status
from shared.events.preview import (
    PREVIEW_PATH,
    REQUEST_PURPOSE,
    BillingPreview,
    PreviewRequest,
)
from shared.events.record import Attendance, BillingCode, CodeKind, SessionRecord, UnitRule
from shared.events.staff import Role
from shared.messaging.sealing import KeyRing, UnsealableError, new_key_ring
from shared.testing.records import CLINIC, a_patient, a_session_record, webhook_billing
from shared.web.sealed import answer_purpose
from tests.integration.services.billing_bridge.conftest import Billing


async def _post(billing: Billing, body: Any) -> httpx2.Response:
    """Ask as a service does: without a token."""
    transport = httpx2.ASGITransport(app=billing.application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://billing") as client:
        return await client.post(PREVIEW_PATH, json=body)


def _sealed(record: SessionRecord, keys: KeyRing, *, purpose: str = REQUEST_PURPOSE) -> str:
    request = PreviewRequest(instance_id=CLINIC, record=record)
    return keys.seal(request.model_dump(mode="json"), purpose=purpose)


async def _previewed(billing: Billing, record: SessionRecord) -> BillingPreview:
    sealed = _sealed(record, billing.message_keys)
    answer = await _post(billing, {"sealed": sealed})
    assert answer.status_code == 200, answer.text
    opened = billing.message_keys.unseal(
        answer.json()["sealed"], purpose=answer_purpose(REQUEST_PURPOSE, sealed)
    )
    return BillingPreview.model_validate(opened)


SMALL_GROUPS = {
    "kind": "ccode",
    "code": "90853",
    "description": "Group psychotherapy of few",
    "effective_on": "2020-01-01",
    "largest_group": 2,
}

_CODES = st.lists(
    st.builds(
        BillingCode,
        kind=st.sampled_from(CodeKind),
        code=st.sampled_from(["90853", "H0015", "0905"]),
        description=st.just("Group psychotherapy"),
        effective_on=st.sampled_from([date(2020, 1, 1), date(2030, 1, 1)]),
        ends_on=st.sampled_from([None, date(2025, 1, 1)]),
    ),
    max_size=4,
)
_BILLING = st.builds(
    webhook_billing,
    mode=st.sampled_from(["ancillary", "ancillary", "per_diem"]),
    codes=_CODES.map(tuple),
    modifiers=st.sampled_from([(), ("HQ",), ("HQ", "95")]),
    units=st.builds(
        UnitRule,
        by=st.sampled_from(["session", "time"]),
        minutes_per_unit=st.none() | st.integers(1, 60),
        minutes_to_round_up=st.none() | st.integers(1, 60),
    ),
    minimum_minutes=st.integers(0, 60),
)
_PATIENTS = st.lists(st.tuples(st.sampled_from(Attendance), st.integers(0, 120)), max_size=5)


@st.composite
def _records(draw: st.DrawFn) -> SessionRecord:
    patients = tuple(
        a_patient(number, attendance=attendance, minutes=minutes)
        for number, (attendance, minutes) in enumerate(draw(_PATIENTS))
    )
    record = a_session_record(participants=patients, billing=draw(st.none() | _BILLING))
    return record if draw(st.booleans()) else record.model_copy(update={"leaders": ()})


def _examples() -> list[SessionRecord]:
    """Draw records first: a property can't await the database of this test's event loop."""
    drawn = [a_session_record(present=2, absent=1)]

    @settings(max_examples=40, database=None, suppress_health_check=list(HealthCheck))
    @given(_records())
    def draw(record: SessionRecord) -> None:
        drawn.append(record)

    draw()
    return drawn


_LINE = ("form", "code", "description", "revenue_code", "place_of_service", "units", "minutes")


def _line(one: Any) -> tuple[Any, ...]:
    # As a row keeps them, modifiers are JSON.
    modifiers = json.loads(one.modifiers) if isinstance(one.modifiers, str) else one.modifiers
    return *(getattr(one, name) for name in _LINE), tuple(modifiers)


async def _made(billing: Billing) -> list[tuple[Any, ...]]:
    stands = {row.charge_id: row for row in await billing.opened(charge_status)}
    return [
        (row.documentation_id, row.patient_id, its.status, its.reason, *_line(row))
        for row in await billing.opened(charge)
        for its in [stands[row.charge_id]]
    ]


def _told(preview: BillingPreview) -> list[tuple[Any, ...]]:
    return [
        (
            preview.documentation_id,
            patient.patient_id,
            "held" if one.held_because else "pending",
            one.held_because,
            *_line(one),
        )
        for patient in preview.patients
        for one in patient.charges
    ]


@pytest.mark.rule("BILL-8", "BILL-9")
@pytest.mark.parametrize("catalogue", [False, True])
async def test_the_preview_is_what_the_event_makes_of_the_same_record(
    billing: Billing, *, catalogue: bool
) -> None:
    if catalogue:
        await billing.hire(Role.SUPER_ADMIN)
        assert (await billing.ask("/codes", method="POST", content=SMALL_GROUPS)).status_code == 201
    records = _examples()
    told = [line for one in records for line in _told(await _previewed(billing, one))]
    await billing.hear(*records)
    made = await _made(billing)
    assert (len(made), set(made)) == (len(told), set(told))
    assert made


@pytest.mark.rule("BILL-8")
async def test_every_present_patient_is_in_the_preview_and_no_absent_one(billing: Billing) -> None:
    record = a_session_record(present=3, absent=2)
    preview = await _previewed(billing, record)
    assert [one.patient_id for one in preview.patients] == [one.patient_id for one in record.participants[:3]]
    assert (preview.instance_id, preview.documentation_id) == (CLINIC, record.documentation_id)


@pytest.mark.rule("BILL-8")
async def test_a_preview_stores_nothing(billing: Billing) -> None:
    await _previewed(billing, a_session_record())
    assert [await billing.charges(), await billing.audit()] == [[], []]


async def test_who_has_no_key_is_refused(billing: Billing) -> None:
    sealed = _sealed(a_session_record(), KeyRing.parse(new_key_ring()))
    assert (await _post(billing, {"sealed": sealed})).status_code == 403


async def test_what_was_sealed_for_a_queue_is_no_request(billing: Billing) -> None:
    sealed = _sealed(a_session_record(), billing.message_keys, purpose="opencircle.deliver")
    assert (await _post(billing, {"sealed": sealed})).status_code == 403


async def test_an_answer_is_no_answer_to_another_request(billing: Billing) -> None:
    record = a_session_record()
    first, second = (_sealed(record, billing.message_keys) for _ in range(2))
    answer = (await _post(billing, {"sealed": first})).json()["sealed"]
    with pytest.raises(UnsealableError):
        billing.message_keys.unseal(answer, purpose=answer_purpose(REQUEST_PURPOSE, second))


async def test_the_answer_shows_nothing_to_who_has_no_key(billing: Billing) -> None:
    record = a_session_record()
    answer = await _post(billing, {"sealed": _sealed(record, billing.message_keys)})
    assert not any(str(one.patient_id) in answer.text for one in record.participants)


async def test_what_is_no_record_is_malformed_and_not_quoted(billing: Billing) -> None:
    sealed = billing.message_keys.seal({"record": {"topic": "Anna Okafor"}}, purpose=REQUEST_PURPOSE)
    answer = await _post(billing, {"sealed": sealed})
    assert (answer.status_code, "Anna" in answer.text) == (422, False)


async def test_a_request_has_a_size(billing: Billing) -> None:
    assert (await _post(billing, {"sealed": "k1." + "A" * 1_000_001})).status_code == 422
    assert (await _post(billing, {"sealed": "k1." + "A" * 2_000_001})).status_code == 413
