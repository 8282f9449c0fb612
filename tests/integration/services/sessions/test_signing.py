from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.sessions.directory.repository import store_access
from services.sessions.documentation.models import SIGNATURE
from services.sessions.metadata import LEDGER
from shared.events.catalogue import SESSION_COMPLETED, SESSION_REVIEWED, parse
from shared.events.staff import Feature, Role, StaffAccess
from shared.observability.tracing import trace_id_of
from tests.integration.services.sessions.clinic import STAFF, Clinic


async def _status(clinic: Clinic, session_id: UUID) -> str:
    return str((await clinic.session(session_id))["status"])


@pytest.mark.rule("SIGN-1", "SIGN-2")
async def test_the_only_leader_completes_the_session(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    assert (await clinic.sign(session_id)).json() == {"status": "completed"}
    assert await _status(clinic, session_id) == "completed"


@pytest.mark.rule("SIGN-1")
async def test_the_session_waits_for_the_second_leader(clinic: Clinic) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Tom"])
    assert (await clinic.sign(session_id)).json() == {"status": "in_progress"}
    assert (await clinic.sign(session_id, by="Tom")).json() == {"status": "completed"}
    meanings = [one["meaning"] for one in (await clinic.session(session_id))["signatures"]]
    assert sorted(meanings) == ["author", "co-author"]


@pytest.mark.rule("SIGN-4", "PERM-5")
async def test_nobody_changes_what_one_leader_has_signed(clinic: Clinic) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Tom"])
    await clinic.sign(session_id)
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/note"
    assert (await clinic.ask("Tom", "PUT", path, json={"text": "Changed."})).status_code == 409
    await clinic.sign(session_id, by="Tom")
    signatures = (await clinic.session(session_id))["signatures"]
    assert len({one["document_sha256"] for one in signatures}) == 1


@pytest.mark.rule("SIGN-2", "PERM-6")
async def test_one_leader_under_review_sends_the_session_to_review(clinic: Clinic) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Ivy"])
    await clinic.sign(session_id, by="Ivy")
    assert (await clinic.sign(session_id)).json() == {"status": "pending_review"}
    assert await clinic.rows(LEDGER.event) == []


@pytest.mark.rule("SIGN-3")
async def test_a_reviewer_completes_the_session(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(session_id, by="Ivy")
    assert (await clinic.sign(session_id, by="Ruth")).json() == {"status": "completed"}
    (event,) = await clinic.rows(LEDGER.event)
    assert event.type == SESSION_REVIEWED
    signatures = parse(event.body, event.type).data.signatures
    assert [(one.printed_name, one.meaning) for one in signatures] == [
        ("Ivy Chen", "author"),
        ("Ruth Chen", "reviewer"),
    ]


@pytest.mark.rule("SIGN-3")
async def test_who_leads_the_session_does_not_review_it(clinic: Clinic) -> None:
    await _may_lead_and_review(clinic)
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy", "Ruth"])
    await clinic.sign(session_id, by="Ivy")
    await clinic.sign(session_id, by="Ruth")
    assert (await clinic.sign(session_id, by="Ruth")).status_code == 409
    assert await _status(clinic, session_id) == "pending_review"


async def _may_lead_and_review(clinic: Clinic) -> None:
    access = StaffAccess(
        user_id=clinic.id_of("Ruth"),
        version=2,
        active=True,
        roles=frozenset({Role.THERAPIST}),
        features=frozenset({Feature.REVIEW_GROUP_SESSIONS}),
    )
    async with clinic.database.writing(clinic.instance_id) as db:
        await store_access(db, [access])


@pytest.mark.rule("SIGN-3")
@pytest.mark.parametrize("part", ["group-note", "attendance", "note"])
async def test_who_wrote_in_the_session_and_handed_it_over_does_not_review_it(
    clinic: Clinic, part: str
) -> None:
    await _may_lead_and_review(clinic)
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy", "Ruth"])
    here, one = f"/v1/group-sessions/{session_id}", clinic.patient_ids[0]
    written: dict[str, tuple[str, Any]] = {
        "group-note": ("group-note", {"topic": "Ruth's"}),
        "attendance": (
            "attendance",
            {"marks": [{"patient_id": str(one), "attendance": "present", "version": 2}]},
        ),
        "note": (f"roster/{one}/note", {"text": "By Ruth."}),
    }
    path, body = written[part]
    await clinic.do("Ruth", "PUT", f"{here}/{path}", json=body, if_match='"2"')
    await clinic.do(
        "Ruth", "PUT", f"{here}/leaders", json={"leader_ids": [str(clinic.id_of("Ivy"))]}, if_match="*"
    )
    assert (await clinic.sign(session_id, by="Ivy")).json() == {"status": "pending_review"}
    assert (await clinic.sign(session_id, by="Ruth")).status_code == 403
    assert await _status(clinic, session_id) == "pending_review"


@pytest.mark.rule("SIGN-2", "PERM-6")
async def test_who_needs_review_and_hands_over_does_not_escape_it(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await _hand_over(clinic, session_id, "Ivy", to="Tom")
    assert (await clinic.sign(session_id, by="Tom")).json() == {"status": "pending_review"}
    assert (await clinic.sign(session_id, by="Ruth")).json() == {"status": "completed"}


@pytest.mark.rule("SIGN-2", "PERM-6")
async def test_who_needs_review_does_not_escape_it_when_another_leader_saves_every_part_anew(
    clinic: Clinic,
) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy", "Margaret"])
    await clinic.write_group_note(session_id, if_match='"2"')
    *present, absent = clinic.patient_ids
    await clinic.mark(session_id, dict.fromkeys(present, "present") | {absent: "absent"}, version=2)
    for number, patient_id in enumerate(present):
        await clinic.write_note(session_id, patient_id, f"Note number {number}.", if_match='"2"')
    await _hand_over(clinic, session_id, "Margaret", to="Margaret")
    assert (await clinic.sign(session_id)).json() == {"status": "pending_review"}


async def _hand_over(clinic: Clinic, session_id: UUID, by: str, *, to: str) -> None:
    path, body = f"/v1/group-sessions/{session_id}/leaders", {"leader_ids": [str(clinic.id_of(to))]}
    await clinic.do(by, "PUT", path, json=body, if_match="*")


@pytest.mark.rule("SIGN-2", "PERM-6", "SIGN-3", "DOC-6")
async def test_who_led_it_without_a_word_is_its_author_in_each_copy_and_after_a_restoration(
    clinic: Clinic,
) -> None:
    await _may_lead_and_review(clinic)
    session_id = await clinic.started(by="Ruth", leaders=["Ruth", "Ivy"])
    await _hand_over(clinic, session_id, "Ruth", to="Margaret")
    place = f"/v1/group-sessions/{session_id}"
    await clinic.do("Ada", "POST", f"{place}/deletion", json={"reason": "Mixed up"})
    await clinic.do("Ada", "POST", f"{place}/restoration")
    await clinic.write_group_note(session_id, if_match='"2"')
    await clinic.mark(session_id, dict.fromkeys(clinic.patient_ids, "absent"))
    assert (await clinic.sign(session_id)).json() == {"status": "pending_review"}
    assert (await clinic.sign(session_id, by="Ruth")).status_code == 403


@pytest.mark.rule("SIGN-3", "PERM-8")
async def test_reviewing_needs_its_feature(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(session_id, by="Ivy")
    others = STAFF.keys() - {"Ivy", "Ruth"}
    assert {(await clinic.sign(session_id, by=name)).status_code for name in others} == {403}
    assert await _status(clinic, session_id) == "pending_review"


@pytest.mark.rule("SIGN-1")
async def test_only_leaders_sign_while_in_progress(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    others = STAFF.keys() - {"Margaret"}
    assert {(await clinic.sign(session_id, by=name)).status_code for name in others} == {403}
    assert await clinic.rows(SIGNATURE) == []


@pytest.mark.rule("PERM-7")
async def test_a_nurse_does_not_learn_that_a_session_is_completed(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    assert (await clinic.sign(session_id, by="Nora")).status_code == 403


@pytest.mark.rule("SIGN-1", "PERM-8")
async def test_who_never_signs_this_session_is_refused_as_that_before_and_after_it_is_signed(
    clinic: Clinic,
) -> None:
    planned, completed = await clinic.planned(), await clinic.documented()
    await clinic.sign(completed)
    shown = {"document_sha256": "0" * 64}
    answers = [await clinic.sign(one, by="Ada", json=shown) for one in (planned, completed)]
    assert [one.status_code for one in answers] == [403, 403]


@pytest.mark.rule("SIGN-4")
async def test_a_signature_shows_name_credentials_meaning_and_time(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    clinic.clock.forward(minutes=55)
    await clinic.sign(session_id)
    (signature,) = await clinic.rows(SIGNATURE)
    shown = (signature.printed_name, signature.credentials, signature.meaning, signature.signed_at)
    assert shown == ("Margaret Chen", "LCSW", "author", clinic.clock())
    assert len(signature.document_sha256) == 64


@pytest.mark.rule("SIGN-4")
async def test_a_log_in_that_is_yet_to_come_does_not_sign(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    answer = await clinic.sign(session_id, auth_time=clinic.clock() + timedelta(seconds=61))
    assert (answer.status_code, await clinic.rows(SIGNATURE)) == (401, [])


@pytest.mark.rule("SIGN-4")
async def test_an_issuer_whose_clock_is_a_minute_ahead_is_taken(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    answer = await clinic.sign(session_id, auth_time=clinic.clock() + timedelta(seconds=60))
    assert answer.status_code == 201


@pytest.mark.rule("SIGN-4")
async def test_an_old_log_in_is_challenged_as_rfc_9470_says(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    six_minutes_ago = clinic.clock() - timedelta(minutes=6)
    answer = await clinic.sign(session_id, auth_time=six_minutes_ago)
    assert answer.status_code == 401
    challenge = 'Bearer error="insufficient_user_authentication", max_age="300"'
    assert answer.headers["www-authenticate"] == challenge
    assert await clinic.rows(SIGNATURE) == []


@pytest.mark.rule("SIGN-4")
async def test_a_log_in_of_five_minutes_ago_is_fresh(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    five_minutes_ago = clinic.clock() - timedelta(minutes=5)
    assert (await clinic.sign(session_id, auth_time=five_minutes_ago)).status_code == 201


async def test_signing_twice_is_refused(clinic: Clinic) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Tom"])
    await clinic.sign(session_id)
    assert (await clinic.sign(session_id)).status_code == 409
    assert len(await clinic.rows(SIGNATURE)) == 1


async def test_a_completed_session_is_signed_no_more(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    assert (await clinic.sign(session_id, by="Ruth")).status_code == 409
    assert [one.type for one in await clinic.rows(LEDGER.event)] == [SESSION_COMPLETED]


async def test_an_upcoming_session_is_not_signed(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    assert (await clinic.sign(session_id)).status_code == 409


@pytest.mark.rule("DOC-3", "DOC-4")
async def test_what_is_missing_is_pointed_at(clinic: Clinic) -> None:
    session_id = await clinic.started()
    unmarked, without_note, absent = clinic.patient_ids
    await clinic.mark(session_id, {without_note: "present", absent: "absent"})
    answer = await clinic.sign(session_id)
    assert answer.status_code == 409
    assert {one["pointer"] for one in answer.json()["errors"]} == {
        "#/group_note/topic",
        "#/group_note/ended_at",
        f"#/roster/{unmarked}/attendance",
        f"#/roster/{without_note}/note",
    }
    assert await clinic.rows(SIGNATURE) == []


@pytest.mark.rule("DOC-4")
async def test_a_template_can_do_without_individual_notes(clinic: Clinic) -> None:
    session_id = await clinic.started(notes_required=False)
    await clinic.write_group_note(session_id)
    await clinic.mark(session_id, dict.fromkeys(clinic.patient_ids, "present"))
    assert (await clinic.sign(session_id)).json() == {"status": "completed"}


@pytest.mark.rule("PERM-5")
async def test_after_signing_nobody_changes_anything(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    before = await clinic.session(session_id)
    here, patient_id = f"/v1/group-sessions/{session_id}", clinic.patient_ids[0]
    mark = {"marks": [{"patient_id": str(patient_id), "attendance": "absent"}]}
    for name in ("Margaret", "Ada", "Rosa"):
        answers = [
            await clinic.ask(name, "PUT", f"{here}/group-note", json={"topic": "Changed"}),
            await clinic.ask(name, "PUT", f"{here}/attendance", json=mark),
            await clinic.ask(name, "PUT", f"{here}/roster/{patient_id}/note", json={"text": "Changed"}),
            await clinic.ask(name, "POST", f"{here}/start"),
        ]
        assert [one.status_code for one in answers] == [409, 409, 409, 409]
    assert await clinic.session(session_id) == before


@pytest.mark.rule("PERM-5")
async def test_while_in_review_nobody_changes_anything(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(session_id, by="Ivy")
    path = f"/v1/group-sessions/{session_id}/group-note"
    assert (await clinic.ask("Ivy", "PUT", path, json={"topic": "Changed"})).status_code == 409


@pytest.mark.rule("SIGN-4")
@pytest.mark.parametrize("body", [None, {}])
async def test_who_does_not_say_what_was_shown_is_told_to_read_it_first(clinic: Clinic, body: Any) -> None:
    session_id = await clinic.documented()
    answer = await clinic.sign(session_id, json=body)
    assert answer.status_code == 428
    assert "GET document" in answer.json()["detail"]
    assert await clinic.rows(SIGNATURE) == []


@pytest.mark.rule("PERM-8")
async def test_a_refusal_says_which_roles_and_features_are_missing(clinic: Clinic) -> None:
    planned = await clinic.planned(leaders=[])
    refused = await clinic.ask("Nora", "POST", f"/v1/group-sessions/{planned}/start")
    assert "therapist" in refused.json()["detail"]
    assert "manage_group_sessions" in refused.json()["detail"]
    in_review = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(in_review, by="Ivy")
    refused = await clinic.sign(in_review)
    assert "review_group_sessions" in refused.json()["detail"]


async def test_the_event_carries_the_trace_of_the_request_that_signed(clinic: Clinic) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    await clinic.sign(await clinic.documented(), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    bodies = [row.body for row in await clinic.rows(LEDGER.event) if row.type == SESSION_COMPLETED]
    assert [trace_id_of(parse(body, SESSION_COMPLETED).traceparent) for body in bodies] == [trace]
