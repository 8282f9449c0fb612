from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, event

from services.sessions.documentation.models import SIGNATURE
from services.sessions.metadata import LEDGER
from shared.events.catalogue import SESSION_COMPLETED, parse
from shared.events.record import Attendance, SessionRecord
from tests.integration.services.sessions.clinic import BILLING, Clinic


async def _published_record(clinic: Clinic) -> SessionRecord:
    (published,) = [one for one in await clinic.rows(LEDGER.event) if one.type == SESSION_COMPLETED]
    record: SessionRecord = parse(published.body, published.type).data
    return record


@contextmanager
def _no_commit(clinic: Clinic) -> Iterator[None]:
    def fail(_: Connection) -> None:
        raise ConnectionError

    engine: Any = clinic.database.engine.sync_engine
    event.listen(engine, "commit", fail)
    yield
    event.remove(engine, "commit", fail)


@pytest.mark.rule("DIST-1")
async def test_completion_publishes_one_event_and_owes_it_to_each_subscriber(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    (published,) = await clinic.rows(LEDGER.event)
    assert (published.type, UUID(published.subject)) == (SESSION_COMPLETED, session_id)
    deliveries = await clinic.everything(LEDGER.delivery)
    assert sorted(one.consumer for one in deliveries) == ["billing_bridge", "charts", "printing"]
    assert {(one.event_id, one.state, one.rings) for one in deliveries} == {(published.id, "open", 0)}


async def test_nothing_is_left_when_the_commit_fails(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    shown = {"document_sha256": await clinic.shown_sha256(session_id)}
    with _no_commit(clinic):
        assert (await clinic.sign(session_id, json=shown)).status_code == 500
    left = [await clinic.everything(table) for table in (LEDGER.event, LEDGER.delivery, SIGNATURE)]
    assert left == [[], [], []]
    assert (await clinic.session(session_id))["status"] == "in_progress"


async def test_after_a_failed_commit_the_signature_is_made_anew(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    shown = {"document_sha256": await clinic.shown_sha256(session_id)}
    with _no_commit(clinic):
        await clinic.sign(session_id, json=shown)
    assert (await clinic.sign(session_id)).status_code == 201
    assert len(await clinic.rows(LEDGER.event)) == 1


async def test_a_refused_signature_publishes_nothing(clinic: Clinic) -> None:
    session_id = await clinic.started()
    await clinic.sign(session_id)
    assert await clinic.everything(LEDGER.delivery) == []


@pytest.mark.rule("DIST-1", "DOC-3")
async def test_the_record_holds_each_patients_own_minutes_and_note(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    early, stayed, absent = clinic.patient_ids
    mark = {"patient_id": str(early), "attendance": "present", "minutes": 20, "version": 2}
    path = f"/v1/group-sessions/{session_id}/attendance"
    await clinic.do("Margaret", "PUT", path, json={"marks": [mark]})
    await clinic.sign(session_id)
    told = {one.patient_id: one for one in (await _published_record(clinic)).participants}
    assert {one: (told[one].attendance, told[one].minutes, told[one].individual_note) for one in told} == {
        early: (Attendance.PRESENT, 20, "Note number 0."),
        stayed: (Attendance.PRESENT, 50, "Note number 1."),
        absent: (Attendance.ABSENT, 0, None),
    }


@pytest.mark.rule("DIST-1")
async def test_the_record_holds_what_all_share(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    record = await _published_record(clinic)
    assert (record.group.title, record.topic, record.description) == (
        "Process Group",
        "Coping with cravings",
        "Urge surfing.",
    )
    assert record.ended_at - record.started_at == timedelta(minutes=50)
    assert record.location.time_zone == "America/Chicago"
    assert [leader.printed_name for leader in record.leaders] == ["Margaret Chen"]
    assert record.version == (await clinic.session(session_id))["version"]


@pytest.mark.rule("SET-6")
async def test_without_a_billing_system_the_record_holds_no_billing(clinic: Clinic) -> None:
    await clinic.sign(await clinic.documented())
    assert (await _published_record(clinic)).billing is None


@pytest.mark.rule("SET-6", "BILL-1")
async def test_the_record_holds_the_billing_of_its_template(closed_clinic: Clinic) -> None:
    await closed_clinic.open(integrated_billing="webhook")
    await closed_clinic.sign(await closed_clinic.documented(billing=BILLING))
    billing = (await _published_record(closed_clinic)).billing
    assert billing is not None
    assert billing.model_dump(mode="json") == {"system": "webhook", **BILLING}


@pytest.mark.rule("SET-6")
async def test_billing_that_was_switched_off_is_not_in_the_record(closed_clinic: Clinic) -> None:
    await closed_clinic.open(integrated_billing="webhook")
    session_id = await closed_clinic.documented(billing=BILLING)
    await closed_clinic.do("Ada", "PATCH", "/v1/settings", json={"integrated_billing": None})
    await closed_clinic.sign(session_id)
    assert (await _published_record(closed_clinic)).billing is None


async def test_granting_access_tells_every_service_that_keeps_it(clinic: Clinic) -> None:
    path = f"/v1/directory/staff/{clinic.id_of('Nora')}/access"
    await clinic.do("Ada", "PUT", path, json={"roles": ["therapist"]})
    deliveries = await clinic.everything(LEDGER.delivery)
    assert sorted(one.consumer for one in deliveries) == ["billing_bridge", "charts", "printing"]
