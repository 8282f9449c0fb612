import json
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.charts.schemas import ChartNote, ChartPage
from shared.events.catalogue import SESSION_ANNOTATED, SESSION_COMPLETED, SESSION_RETRACTED
from shared.events.contract import Contract
from shared.events.record import SessionRecord
from shared.events.staff import Role
from shared.testing.corrections import an_annotation, annotated, documented_again, retraction_of
from shared.testing.records import MARGARET, OTHER_CLINIC, a_parcel, a_session_record, enveloped
from tests.integration.services.charts.conftest import Charts


async def _hear_in_turn(charts: Charts, *events: tuple[str, Contract]) -> None:
    for event_type, facts in events:
        await charts.hear(facts, event_type=event_type)


def _one_life() -> tuple[SessionRecord, dict[str, Contract]]:
    record = a_session_record(present=2, absent=0)
    added = an_annotation(record.participants[0].patient_id)
    return record, {
        SESSION_COMPLETED: record,
        SESSION_ANNOTATED: annotated(record, added),
        SESSION_RETRACTED: retraction_of(record),
    }


async def _shown(charts: Charts) -> list[dict[str, Any]]:
    notes = sorted(await charts.notes(), key=lambda one: str(one.patient_id))
    return [(await charts.ask(f"/notes/{note.id}")).json() for note in notes]


@pytest.mark.rule("SIGN-5")
async def test_an_annotation_is_shown_with_its_signature_in_its_patients_note_alone(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    record, events = _one_life()
    await _hear_in_turn(charts, *list(events.items())[:2])
    shown = {one["patient"]["patient_id"]: one for one in await _shown(charts)}
    first, second = (shown[str(one.patient_id)] for one in record.participants)
    (added,) = first["annotations"]
    assert (added["text"], added["signature"]["meaning"]) == ("Called back: is well.", "annotator")
    assert (first["status"], second["status"], second["annotations"]) == ("amended", "final", [])
    ChartNote.model_validate(first)


@pytest.mark.rule("SIGN-5", "DIST-2")
async def test_an_annotation_leaves_what_was_filed_as_it_was(charts: Charts) -> None:
    _, events = _one_life()
    await charts.hear(events[SESSION_COMPLETED])
    before = await charts.notes()
    await charts.hear(events[SESSION_ANNOTATED], event_type=SESSION_ANNOTATED)
    assert await charts.notes() == before


@pytest.mark.rule("SIGN-5", "DIST-1")
async def test_a_record_that_comes_annotated_first_files_its_notes_too(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    _, events = _one_life()
    await charts.hear(events[SESSION_ANNOTATED], event_type=SESSION_ANNOTATED)
    assert sorted(one["status"] for one in await _shown(charts)) == ["amended", "final"]


@pytest.mark.rule("SIGN-5")
async def test_annotations_are_shown_once_each_oldest_first(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    record = a_session_record(present=1, absent=0)
    patient_id = record.participants[0].patient_id
    once = annotated(record, an_annotation(patient_id, "One."))
    twice = annotated(once, an_annotation(patient_id, "Two."))
    await charts.hear(twice, once, twice, event_type=SESSION_ANNOTATED)
    (shown,) = await _shown(charts)
    assert [one["text"] for one in shown["annotations"]] == ["One.", "Two."]


@pytest.mark.rule("DOC-6", "DIST-5")
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_in_whatever_order_a_life_is_told_the_charts_say_the_same(
    charts: Charts, order: tuple[int, ...]
) -> None:
    await charts.hire(Role.NURSE)
    record, events = _one_life()
    told = list(events.items())
    await _hear_in_turn(charts, *(told[place] for place in order))
    shown = await _shown(charts)
    assert [one["status"] for one in shown] == ["entered-in-error"] * 2
    assert sum(len(one["annotations"]) for one in shown) == 1
    assert shown[0]["entered_in_error"] == {
        "at": "2026-03-12T14:00:00Z",
        "by": "Margaret Chen",
        "reason": "Written for the wrong group.",
    }
    assert {one["individual_note"] for one in shown} == {one.individual_note for one in record.participants}


@pytest.mark.rule("DOC-6")
async def test_events_of_one_life_in_one_parcel_are_all_applied(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    _, events = _one_life()
    envelopes = [enveloped(facts, event_type=event_type) for event_type, facts in events.items()]
    await charts.consuming.receive(a_parcel(envelopes))
    assert [one["status"] for one in await _shown(charts)] == ["entered-in-error"] * 2


@pytest.mark.rule("DIST-5", "DOC-6")
async def test_documented_again_means_new_notes_beside_the_retracted_ones(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    record = a_session_record(present=1, absent=0)
    await charts.hear(record)
    await charts.hear(retraction_of(record), event_type=SESSION_RETRACTED)
    await charts.hear(documented_again(record, topic="The right one"))
    listed = await charts.ask(f"/patients/{record.participants[0].patient_id}/notes")
    page = ChartPage.model_validate_json(listed.content)
    assert sorted(one.status for one in page.items) == ["entered-in-error", "final"]


async def test_a_retraction_of_another_instance_marks_nothing(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    record = a_session_record(present=1, absent=0)
    await charts.hear(record)
    await charts.hear(retraction_of(record), event_type=SESSION_RETRACTED, instance_id=OTHER_CLINIC)
    assert [one["status"] for one in await _shown(charts)] == ["final"]


@pytest.mark.rule("DIST-2")
@pytest.mark.parametrize("table", ["chart_note_annotation", "chart_note_retraction"])
@pytest.mark.parametrize("change", ["UPDATE {} SET content = ''", "DELETE FROM {}"])
async def test_what_was_said_later_is_never_changed_either(charts: Charts, table: str, change: str) -> None:
    _, events = _one_life()
    await _hear_in_turn(charts, *events.items())
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        async with charts.database.writing_for_all() as connection:
            await connection.execute(text(change.format(table)))


@pytest.mark.rule("DOC-6", "SIGN-5")
async def test_the_page_to_print_shows_both(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    record, events = _one_life()
    await _hear_in_turn(charts, *events.items())
    first = str(record.participants[0].patient_id)
    (note,) = [one for one in await charts.notes() if str(one.patient_id) == first]
    page = (await charts.ask(f"/notes/{note.id}.html")).text
    for shown in ("Entered in error", "Written for the wrong group.", "Called back: is well.", "Annotator"):
        assert shown in page
    assert json.loads(note.content)["individual_note"] in page


async def test_the_reader_is_in_the_audit_trail_whatever_became_of_the_note(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    _, events = _one_life()
    await _hear_in_turn(charts, *events.items())
    await _shown(charts)
    assert [entry.user_id for entry in await charts.audit()] == [MARGARET, MARGARET]
