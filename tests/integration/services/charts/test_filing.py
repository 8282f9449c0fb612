import json
from datetime import timedelta
from uuid import UUID

import pytest

from services.charts.consumers import HANDLERS
from shared.events.catalogue import CONSUMERS, SESSION_COMPLETED, SESSION_REVIEWED
from shared.identifiers import new_id
from shared.messaging.messages import Verdict
from shared.testing.records import CLINIC, OTHER_CLINIC, a_parcel, a_session_record, enveloped
from tests.integration.services.charts.conftest import Charts


def test_handlers_are_exactly_what_the_catalogue_subscribes_to() -> None:
    (charts,) = [consumer for consumer in CONSUMERS if consumer.name == "charts"]
    assert set(HANDLERS) == set(charts.hears)


@pytest.mark.rule("DIST-1")
@pytest.mark.parametrize("event_type", [SESSION_COMPLETED, SESSION_REVIEWED])
async def test_each_patient_of_the_roster_receives_one_note(charts: Charts, event_type: str) -> None:
    record = a_session_record(present=8, absent=2)
    await charts.hear(record, event_type=event_type)
    notes = await charts.notes()
    assert {note.patient_id for note in notes} == {one.patient_id for one in record.participants}
    assert len(notes) == 10


async def test_columns_tell_what_the_content_tells(charts: Charts) -> None:
    record = a_session_record(present=1, absent=0)
    await charts.hear(record)
    (note,) = await charts.notes()
    content = json.loads(note.content)
    assert (str(note.id), note.group_title, note.attendance, note.minutes, note.held_at) == (
        content["note_id"],
        content["group_title"],
        content["attendance"],
        content["minutes"],
        record.started_at,
    )
    assert (note.instance_id, note.session_id, note.documentation_id) == (
        CLINIC,
        record.session_id,
        record.documentation_id,
    )


@pytest.mark.rule("DIST-5")
async def test_redelivery_files_nothing_more(charts: Charts) -> None:
    parcel = a_parcel([enveloped(a_session_record(present=3, absent=1))])
    for _ in range(2):
        await charts.consuming.receive(parcel)
    assert len(await charts.notes()) == 4


@pytest.mark.rule("DIST-5")
async def test_a_second_event_of_the_same_documentation_files_nothing_more(charts: Charts) -> None:
    record = a_session_record(present=3, absent=1)
    await charts.hear(record)
    first = await charts.notes()
    receipts = await charts.hear(record, event_type=SESSION_REVIEWED)
    assert [receipt.verdict for receipt in receipts] == [Verdict.APPLIED]
    assert await charts.notes() == first


@pytest.mark.rule("DIST-5")
async def test_doubles_in_one_parcel_file_one_note_each(charts: Charts) -> None:
    record = a_session_record(present=2, absent=0)
    await charts.hear(record, record, record)
    assert len(await charts.notes()) == 2


@pytest.mark.rule("DIST-5")
async def test_the_order_of_events_makes_no_difference(charts: Charts) -> None:
    records = [a_session_record(present=2, absent=1) for _ in range(3)]
    ids: set[UUID] = set()
    for order in (records, records[::-1]):
        await charts.hear(*order)
        ids |= {note.id for note in await charts.notes()}
    assert len(ids) == 9


async def test_a_batch_of_sessions_is_filed_whole(charts: Charts) -> None:
    await charts.hear(*(a_session_record(present=5, absent=1) for _ in range(20)))
    assert len(await charts.notes()) == 120


async def test_a_session_without_patients_files_nothing(charts: Charts) -> None:
    receipts = await charts.hear(a_session_record(present=0, absent=0))
    assert [receipt.verdict for receipt in receipts] == [Verdict.APPLIED]
    assert list(await charts.notes()) == []


async def test_a_session_without_patients_holds_up_no_other_one_of_its_parcel(charts: Charts) -> None:
    envelopes = [enveloped(a_session_record(present=count, absent=0)) for count in (0, 200)]
    receipts = await charts.consuming.receive(a_parcel(envelopes))
    assert [receipt.verdict for receipt in receipts] == [Verdict.APPLIED] * 2
    assert len(await charts.notes()) == 200


async def test_a_new_documentation_of_a_session_is_a_new_note(charts: Charts) -> None:
    first = a_session_record(present=1, absent=0)
    second = first.model_copy(update={"documentation_id": new_id(), "version": 2})
    await charts.hear(first, second)
    assert len(await charts.notes()) == 2


async def test_notes_belong_to_the_instance_of_the_envelope(charts: Charts) -> None:
    await charts.hear(a_session_record(present=1, absent=0), instance_id=OTHER_CLINIC)
    assert [note.instance_id for note in await charts.notes()] == [OTHER_CLINIC]


async def test_an_unknown_time_zone_is_refused_for_good_and_holds_nothing_up(charts: Charts) -> None:
    good = a_session_record(present=1, absent=0)
    bad = good.model_copy(
        update={
            "documentation_id": new_id(),
            "location": good.location.model_copy(update={"time_zone": "Mars/Olympus"}),
        }
    )
    receipts = await charts.hear(bad, good)
    assert [receipt.verdict for receipt in receipts] == [Verdict.PERMANENT, Verdict.APPLIED]
    assert len(await charts.notes()) == 1


async def test_text_is_stored_exactly(charts: Charts) -> None:
    text = ' "Quoted" \\ back\u00a0slash\r\n\ttab, الأمل, 👩🏽‍⚕️, <b>&amp;</b> \u0000 e\u0301 '
    await charts.hear(a_session_record(present=1, absent=0, topic=text, description=text))
    (note,) = await charts.notes()
    content = json.loads(note.content)
    assert (content["topic"], content["description"]) == (text, text)


async def test_a_session_of_a_thousand_patients_is_filed(charts: Charts) -> None:
    await charts.hear(a_session_record(present=1000, absent=0))
    notes = await charts.notes()
    assert len(notes) == 1000
    assert notes[0].filed_at - notes[-1].filed_at == timedelta(0)
