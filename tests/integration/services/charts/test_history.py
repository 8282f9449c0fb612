"""What became of one note, which version of it was read, and why."""

from uuid import UUID

import pytest

from services.charts.schemas import ChartNote, ChartPage, NoteHistory
from shared.events.catalogue import SESSION_ANNOTATED, SESSION_RETRACTED, SETTINGS_CHANGED
from shared.events.record import SessionRecord
from shared.events.staff import Role
from shared.testing.corrections import an_annotation, annotated, documented_again, retraction_of
from shared.testing.records import a_session_record
from shared.web.instance_settings import NOTHING_HEARD
from tests.integration.services.charts.conftest import Charts


async def a_note(charts: Charts) -> tuple[SessionRecord, UUID]:
    record = a_session_record(present=1, absent=0)
    await charts.hear(record)
    (note,) = await charts.notes()
    return record, note.id


@pytest.mark.rule("SIGN-5", "DOC-6", "DIST-2")
async def test_a_history_tells_all_that_happened_and_who_did_it(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    record, note_id = await a_note(charts)
    added = an_annotation(record.participants[0].patient_id)
    await charts.hear(annotated(record, added), event_type=SESSION_ANNOTATED)
    await charts.hear(retraction_of(record), event_type=SESSION_RETRACTED)
    answer = await charts.ask(f"/notes/{note_id}/history")
    history = NoteHistory.model_validate_json(answer.content)
    told = [(one.what, one.by, one.meaning, one.text) for one in history.items if one.what != "filed"]
    assert told == [
        ("signed", "Margaret Chen", "author", None),
        ("annotated", "Margaret Chen", "annotator", "Called back: is well."),
        ("entered-in-error", "Margaret Chen", None, "Written for the wrong group."),
    ]
    assert len(history.items) == len(told) + 1


@pytest.mark.rule("DIST-2")
async def test_each_later_fact_is_a_new_version_and_the_same_one_is_not_sent_twice(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    record, note_id = await a_note(charts)
    path = f"/notes/{note_id}"
    first = (await charts.ask(path)).headers["etag"]
    unchanged = await charts.ask(path, headers={"If-None-Match": first})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", first)
    added = an_annotation(record.participants[0].patient_id)
    await charts.hear(annotated(record, added), event_type=SESSION_ANNOTATED)
    second = await charts.ask(path, headers={"If-None-Match": first})
    await charts.hear(retraction_of(record), event_type=SESSION_RETRACTED)
    third = await charts.ask(path, headers={"If-None-Match": first})
    assert [first, second.headers["etag"], third.headers["etag"]] == ['"1"', '"2"', '"3"']


@pytest.mark.rule("PERM-8")
async def test_reading_what_has_not_changed_is_in_the_audit_trail_too(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    _, note_id = await a_note(charts)
    for _ in range(2):
        await charts.ask(f"/notes/{note_id}", headers={"If-None-Match": '"1"'})
    assert len(await charts.audit()) == 2


@pytest.mark.rule("DIST-5", "DOC-6")
async def test_a_newer_documentation_makes_the_older_note_void_before_its_retraction_comes(
    charts: Charts,
) -> None:
    await charts.hire(Role.NURSE)
    await charts.hear(
        NOTHING_HEARD.model_copy(
            update={"version": 1, "use_group_sessions": True, "show_attendance_in_chart": True}
        ),
        event_type=SETTINGS_CHANGED,
    )
    record, note_id = await a_note(charts)
    await charts.hear(documented_again(record))
    patient_id = record.participants[0].patient_id
    page = ChartPage.model_validate_json((await charts.ask(f"/patients/{patient_id}/notes")).content)
    assert sorted(one.status for one in page.items) == ["entered-in-error", "final"]
    void = ChartNote.model_validate_json((await charts.ask(f"/notes/{note_id}")).content)
    assert (void.status, void.entered_in_error) == ("entered-in-error", None)
    assert "Entered in error" in (await charts.ask(f"/notes/{note_id}.html")).text
    totals = (await charts.ask(f"/patients/{patient_id}/attendance")).json()["groups"]
    assert [one["present"] for one in totals] == [1]


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize("purpose", ["TREAT", None])
async def test_why_a_chart_was_read_is_in_the_audit_trail_if_it_was_said(
    charts: Charts, purpose: str | None
) -> None:
    await charts.hire(Role.DOCTOR)
    record, note_id = await a_note(charts)
    headers = {"Purpose-Of-Use": purpose} if purpose else {}
    for path in (f"/notes/{note_id}", f"/patients/{record.participants[0].patient_id}/notes"):
        assert (await charts.ask(path, headers=headers)).status_code == 200
    assert [one.purpose for one in await charts.audit()] == [purpose, purpose]


@pytest.mark.rule("PERM-8")
async def test_a_refusal_too_says_what_was_claimed(charts: Charts) -> None:
    await charts.hire(Role.FRONT_OFFICE)
    _, note_id = await a_note(charts)
    await charts.ask(f"/notes/{note_id}", headers={"Purpose-Of-Use": "HPAYMT"})
    assert [(one.outcome, one.purpose) for one in await charts.audit()] == [("refused", "HPAYMT")]


async def test_a_purpose_is_a_code_and_no_text_so_that_no_health_data_gets_into_the_trail(
    charts: Charts,
) -> None:
    await charts.hire(Role.DOCTOR)
    _, note_id = await a_note(charts)
    answer = await charts.ask(f"/notes/{note_id}", headers={"Purpose-Of-Use": "relapsed on Monday"})
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["header:Purpose-Of-Use"]
    assert "relapsed" not in answer.text
    assert list(await charts.audit()) == []
