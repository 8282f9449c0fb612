from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.sessions.documentation.models import ANNOTATION
from services.sessions.metadata import LEDGER, TRAIL
from shared.events.catalogue import SESSION_ANNOTATED, SESSION_COMPLETED, parse
from shared.events.record import SessionRecord
from tests.integration.services.sessions.clinic import BILLING, STAFF, Clinic

TEXT = "Called back: is well. \u2014 \u9673\u00e9 \U0001f642"


async def _annotate(
    clinic: Clinic, session_id: UUID, *, by: str = "Margaret", text: Any = TEXT, number: int = 0, **rest: Any
) -> httpx2.Response:
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[number]}/annotations"
    return await clinic.ask(by, "POST", path, json={"text": text}, **rest)


async def _completed(clinic: Clinic, **template: Any) -> UUID:
    session_id = await clinic.documented(**template)
    assert (await clinic.sign(session_id)).json() == {"status": "completed"}
    return session_id


async def _records(clinic: Clinic) -> list[tuple[str, SessionRecord]]:
    return [(one.type, parse(one.body, one.type).data) for one in await clinic.rows(LEDGER.event)]


@pytest.mark.rule("SIGN-5")
async def test_an_annotation_is_shown_with_its_patient_alone_as_it_was_written(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    clinic.clock.forward(days=1)
    added = await _annotate(clinic, session_id)
    assert added.status_code == 201
    first, *others = (await clinic.session(session_id))["roster"]
    (shown,) = first["annotations"]
    facts = (shown["text"], shown["printed_name"], shown["credentials"], shown["meaning"], shown["signed_at"])
    assert facts == (TEXT, "Margaret Chen", "LCSW", "annotator", "2026-03-11T14:00:00Z")
    assert shown == added.json()
    assert [one["annotations"] for one in others] == [[], []]


@pytest.mark.rule("SIGN-5")
async def test_annotations_of_one_note_are_listed_oldest_first(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    for text in ("One.", "Two.", "Three."):
        await _annotate(clinic, session_id, text=text)
    await _annotate(clinic, session_id, text="Another's.", number=1)
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/annotations"
    items = (await clinic.do("Ruth", "GET", path))["items"]
    assert [one["text"] for one in items] == ["One.", "Two.", "Three."]


@pytest.mark.rule("DIST-3", "SIGN-5")
async def test_another_patients_name_in_an_annotation_is_changed_or_acknowledged(clinic: Clinic) -> None:
    session_id, other = await _completed(clinic), clinic.patients[1]
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/annotations"
    body = {"text": f"Sat beside {other.first_name.upper()}."}
    refused = await clinic.ask("Margaret", "POST", path, json=body)
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"]) == (409, "#/text")
    assert other.first_name.upper() not in refused.text
    assert await clinic.rows(ANNOTATION) == []
    taken = await clinic.ask("Margaret", "POST", path, json={**body, "acknowledged": [error["id"]]})
    assert taken.status_code == 201
    assert "note.annotated_with_names_acknowledged" in {one.action for one in await clinic.rows(TRAIL)}


@pytest.mark.rule("DIST-3", "SIGN-5")
async def test_an_acknowledgement_is_of_one_text(clinic: Clinic) -> None:
    session_id, other = await _completed(clinic), clinic.patients[1]
    refused = await _annotate(clinic, session_id, text=f"Sat beside {other.first_name}.")
    (error,) = refused.json()["errors"]
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/annotations"
    body = {"text": f"Sat behind {other.first_name}.", "acknowledged": [error["id"]]}
    assert (await clinic.ask("Margaret", "POST", path, json=body)).status_code == 409


@pytest.mark.rule("SIGN-5", "DIST-5")
async def test_the_event_repeats_the_completed_record_with_all_annotations(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    await _annotate(clinic, session_id, text="One.")
    await _annotate(clinic, session_id, text="Two.", number=1)
    (_, completed), (_, first), (kind, second) = await _records(clinic)
    assert kind == SESSION_ANNOTATED
    assert [first.model_copy(update={"annotations": ()}), second.model_copy(update={"annotations": ()})] == [
        completed,
        completed,
    ]
    assert [one.text for one in first.annotations] == ["One."]
    assert [(one.text, one.patient_id) for one in second.annotations] == [
        ("One.", clinic.patient_ids[0]),
        ("Two.", clinic.patient_ids[1]),
    ]


@pytest.mark.rule("SIGN-5", "BILL-6")
async def test_the_event_repeats_the_record_whatever_has_changed_since(closed_clinic: Clinic) -> None:
    clinic = closed_clinic
    await clinic.open(integrated_billing="webhook")
    session_id = await _completed(clinic, billing=BILLING)
    changed = clinic.patient(0, last_name="Renamed", mrn="MRN-NEW")
    await clinic.admit(changed)
    template_id = (await clinic.session(session_id))["template_id"]
    await clinic.do("Ada", "DELETE", f"/v1/templates/{template_id}", headers={"If-Match": '"1"'})
    await _annotate(clinic, session_id)
    (_, completed), (_, annotated) = await _records(clinic)
    assert annotated.model_copy(update={"annotations": ()}) == completed


@pytest.mark.rule("SIGN-5", "PERM-1", "PERM-7", "PERM-8")
async def test_leaders_and_admins_annotate_and_nobody_else(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    statuses = {name: (await _annotate(clinic, session_id, by=name)).status_code for name in STAFF}
    assert statuses == {name: 201 if name in {"Margaret", "Ada", "Rosa"} else 403 for name in STAFF}


@pytest.mark.rule("SIGN-5")
async def test_the_reviewer_who_signed_annotates(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(session_id, by="Ivy")
    await clinic.sign(session_id, by="Ruth")
    assert (await _annotate(clinic, session_id, by="Ruth")).status_code == 201


@pytest.mark.rule("SIGN-5")
async def test_only_what_is_completed_is_annotated(clinic: Clinic) -> None:
    planned = await clinic.planned(leaders=["Ivy"])
    in_progress = await clinic.documented(by="Ivy", leaders=["Ivy"])
    in_review = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(in_review, by="Ivy")
    for session_id in (planned, in_progress, in_review):
        assert (await _annotate(clinic, session_id, by="Ivy")).status_code == 409
    assert await clinic.rows(ANNOTATION) == []


@pytest.mark.rule("SIGN-5", "DOC-6")
async def test_what_was_retracted_is_not_annotated(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    here = f"/v1/group-sessions/{session_id}"
    await clinic.do("Ada", "POST", f"{here}/deletion", json={"reason": "The wrong group"})
    assert (await _annotate(clinic, session_id)).status_code == 409
    await clinic.do("Ada", "POST", f"{here}/restoration")
    assert (await _annotate(clinic, session_id)).status_code == 409
    await clinic.sign(session_id)
    assert (await _annotate(clinic, session_id)).status_code == 201
    (_, latest), (_, annotated) = (await _records(clinic))[-2:]
    assert annotated.documentation_id == latest.documentation_id


@pytest.mark.rule("SIGN-5")
async def test_annotations_stay_with_the_documentation_that_they_were_added_to(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    await _annotate(clinic, session_id)
    here = f"/v1/group-sessions/{session_id}"
    await clinic.do("Ada", "POST", f"{here}/deletion", json={"reason": "The wrong group"})
    await clinic.do("Ada", "POST", f"{here}/restoration")
    roster = (await clinic.session(session_id))["roster"]
    assert [one["annotations"] for one in roster] == [[], [], []]
    assert len(await clinic.rows(ANNOTATION)) == 1


@pytest.mark.rule("SIGN-5")
async def test_who_was_not_on_the_roster_has_no_note_to_annotate(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    path = f"/v1/group-sessions/{session_id}/roster/{uuid4()}/annotations"
    assert (await clinic.ask("Margaret", "POST", path, json={"text": TEXT})).status_code == 404
    assert (await clinic.ask("Margaret", "GET", path)).status_code == 404


@pytest.mark.rule("SIGN-5", "SIGN-4")
async def test_annotating_needs_a_fresh_log_in(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    six_minutes_ago = clinic.clock() - timedelta(minutes=6)
    assert (await _annotate(clinic, session_id, auth_time=six_minutes_ago)).status_code == 401
    assert await clinic.rows(ANNOTATION) == []


@pytest.mark.rule("SIGN-5")
@pytest.mark.parametrize("text", ["", " \n\t", "a\x00b", "x" * 50_001, None, 7])
async def test_what_is_no_text_is_refused(clinic: Clinic, text: Any) -> None:
    session_id = await _completed(clinic)
    answer = await _annotate(clinic, session_id, text=text)
    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, ["#/text"])


@pytest.mark.rule("SIGN-5")
async def test_half_of_a_surrogate_pair_is_refused(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/annotations"
    answer = await clinic.ask("Margaret", "POST", path, content=b'{"text": "a\\ud800b"}')
    assert answer.status_code == 422


@pytest.mark.rule("SIGN-5", "PERM-8")
async def test_annotating_and_reading_are_in_the_trail_with_the_patient(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    await _annotate(clinic, session_id)
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/annotations"
    await clinic.ask("Nora", "GET", path)
    await clinic.do("Ada", "GET", path)
    trail = [(one.action, one.patient_id, one.outcome) for one in await clinic.rows(TRAIL)][-3:]
    patient_id = clinic.patient_ids[0]
    route = "/v1/group-sessions/{session_id}/roster/{patient_id}/annotations"
    assert trail == [
        ("note.annotated", patient_id, "allowed"),
        (f"GET {route}"[:80], patient_id, "refused"),
        ("annotations.seen", patient_id, "allowed"),
    ]


async def test_the_etag_of_a_session_tells_that_something_was_added(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    path = f"/v1/group-sessions/{session_id}"
    before = (await clinic.ask("Margaret", "GET", path)).headers["etag"]
    await _annotate(clinic, session_id)
    assert (await clinic.ask("Margaret", "GET", path)).headers["etag"] != before


@pytest.mark.rule("SIGN-5")
async def test_an_annotation_sent_twice_with_one_key_is_added_once(clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    headers = {"Idempotency-Key": "one"}
    answers = [await _annotate(clinic, session_id, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert [one for one, _ in await _records(clinic)] == [SESSION_COMPLETED, SESSION_ANNOTATED]


async def test_another_customer_annotates_nothing_here(clinic: Clinic, other_clinic: Clinic) -> None:
    session_id = await _completed(clinic)
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/annotations"
    assert (await other_clinic.ask("Ada", "POST", path, json={"text": TEXT})).status_code == 404
