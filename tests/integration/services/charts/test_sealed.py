"""What the database of the charts shows to whoever takes a dump of it."""

import re

from shared.events.catalogue import SESSION_ANNOTATED, SESSION_RETRACTED
from shared.events.record import SessionRecord
from shared.events.staff import Role
from shared.testing.corrections import an_annotation, annotated, retraction_of
from shared.testing.records import a_patient, a_session_record
from tests.integration.services.charts.conftest import Charts
from tests.support.databases import dumped

NAME, SAID = "Quintessa Aabrueggenfeld", "Plantedtext"
PLANTED = re.compile("quintessa|aabrueggenfeld|plantedtext|MRN-7Q", re.IGNORECASE)


def _planted() -> SessionRecord:
    patient = a_patient(0, printed_name=NAME, mrn="MRN-7Q", individual_note=SAID)
    record = a_session_record(participants=(patient,), topic=SAID, description=SAID * 200)
    return record.model_copy(update={"group": record.group.model_copy(update={"title": SAID})})


async def test_a_dump_shows_no_name_and_nothing_that_was_said(charts: Charts) -> None:
    await charts.hire(Role.THERAPIST)
    record = _planted()
    added = an_annotation(record.participants[0].patient_id, text=f"{NAME} {SAID}")
    await charts.hear(record)
    await charts.hear(annotated(record, added), event_type=SESSION_ANNOTATED)
    await charts.hear(retraction_of(record, reason=f"{NAME} {SAID}"), event_type=SESSION_RETRACTED)
    (note,) = await charts.notes()
    shown = (await charts.ask(f"/notes/{note.id}")).json()
    listed = (await charts.ask(f"/patients/{note.patient_id}/notes")).json()["items"][0]
    assert (shown["patient"]["printed_name"], listed["group_title"]) == (NAME, SAID)
    assert shown["annotations"][0]["text"] == shown["entered_in_error"]["reason"] == f"{NAME} {SAID}"
    stored = await dumped(charts.database)
    assert "entered-in-error" not in stored
    assert "present" in stored
    assert not PLANTED.search(stored)
