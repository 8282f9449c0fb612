"""Attendance records, made when a session is completed, and chart notes, made when somebody asks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import httpx2
import pytest

from services.printing import schemas
from services.printing.domain import record_job_id
from services.printing.models import documented_session
from services.printing.queueing import keep_records
from services.printing.renderer import Printable, PrintedPdf
from services.printing.storage import FolderStorage
from shared.events.catalogue import (
    SESSION_ANNOTATED,
    SESSION_COMPLETED,
    SESSION_RETRACTED,
    SESSION_REVIEWED,
)
from shared.events.record import SessionRecord
from shared.events.staff import Feature, Role
from shared.identifiers import new_id
from shared.testing.corrections import an_annotation, annotated, documented_again, retraction_of
from shared.testing.records import CLINIC, MARGARET, OTHER_CLINIC, a_parcel, a_session_record, enveloped
from tests.integration.services.printing.conftest import NOW, Printing
from tests.unit.services.printing.renderer.sheets import page_texts

pytestmark = pytest.mark.rule("PRINT-3")

SEES_RECORDS = {
    Role.SUPER_ADMIN,
    Role.RECORDS_ADMIN,
    Role.THERAPIST,
    Role.CASE_MANAGER,
    Role.OTHER_THERAPIST,
}
READS_CHARTS = SEES_RECORDS | {Role.DOCTOR, Role.NURSE, Role.TECH}


async def _completed(printing: Printing, **changes: object) -> SessionRecord:
    record = a_session_record(present=2, absent=1, **changes)
    await printing.hear(record, SESSION_COMPLETED)
    await printing.render()
    return record


async def _record(printing: Printing, session_id: UUID) -> httpx2.Response:
    return await printing.post("/attendance-records", session_id=session_id)


async def _note(printing: Printing, record: SessionRecord, number: int = 0) -> httpx2.Response:
    return await printing.post(
        "/chart-notes",
        documentation_id=record.documentation_id,
        patient_id=record.participants[number].patient_id,
    )


async def _text_at(printing: Printing, answer: httpx2.Response) -> str:
    """Follow an answer to its file, once what is queued is rendered."""
    await printing.render()
    file = await printing.ask(f"{answer.json()['links']['self']}/file", prefix="")
    assert file.status_code == 200, file.text
    return " ".join(" ".join(page_texts(file.content)).split())


@pytest.mark.parametrize("event_type", [SESSION_COMPLETED, SESSION_REVIEWED])
async def test_a_completed_session_has_its_record_ready(printing: Printing, event_type: str) -> None:
    record = a_session_record()
    await printing.hire(Role.THERAPIST)
    await printing.hear(record, event_type)
    await printing.render()
    answer = await _record(printing, record.session_id)
    assert (answer.status_code, answer.json()["status"]) == (303, "ready")
    assert answer.headers["location"] == answer.json()["links"]["file"]
    assert "MRN-00000 Present 50" in await _text_at(printing, answer)


async def test_a_record_that_is_not_ready_yet_is_a_job(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = a_session_record()
    await printing.hear(record, SESSION_COMPLETED)
    answer = await _record(printing, record.session_id)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["location"] == answer.json()["links"]["self"]


async def test_a_chart_note_is_made_when_somebody_asks(printing: Printing) -> None:
    await printing.hire(Role.NURSE)
    record = await _completed(printing)
    answer = await _note(printing, record)
    assert schemas.PrintJob.model_validate(answer.json()).kind == "chart_note"
    text = await _text_at(printing, answer)
    assert "Spoke about week 0" in text
    assert "Spoke about week 1" not in text


async def test_a_note_asked_for_twice_is_one_job(printing: Printing) -> None:
    await printing.hire(Role.NURSE)
    record = await _completed(printing)
    first = await _note(printing, record)
    await printing.render()
    second = await _note(printing, record)
    assert (first.status_code, second.status_code) == (202, 303)
    assert first.json()["id"] == second.json()["id"]


class FullMemory:
    """Has no memory left for any document."""

    session_link = None

    def render(self, document: Printable) -> PrintedPdf:
        raise MemoryError(type(document))


async def test_a_note_or_record_that_failed_is_printed_when_asked_for_again(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = a_session_record(present=2, absent=1)
    await printing.hear(record, SESSION_COMPLETED)
    await _note(printing, record)
    await printing.render(renderer=FullMemory())
    again = [await _record(printing, record.session_id), await _note(printing, record)]
    await printing.render()
    ready = [await _record(printing, record.session_id), await _note(printing, record)]
    assert [one.json()["status"] for one in (*again, *ready)] == ["queued"] * 2 + ["ready"] * 2


@pytest.mark.parametrize("left", [None, b"%PDF-of somebody else"])
async def test_a_file_that_is_lost_or_another_is_made_again(printing: Printing, left: bytes | None) -> None:
    await printing.hire(Role.THERAPIST)
    record = await _completed(printing)
    answer = await _record(printing, record.session_id)
    (file,) = printing.storage.root.rglob("*.pdf")
    file.unlink() if left is None else file.write_bytes(left)
    lost = await printing.ask(answer.json()["links"]["file"], prefix="")
    assert (lost.status_code, lost.json()["type"].endswith("/print-job-not-ready")) == (409, True)
    assert "MRN-00000 Present 50" in await _text_at(printing, answer)


@pytest.mark.rule("SIGN-5")
async def test_an_annotation_is_on_the_note_that_was_printed_before_it(printing: Printing) -> None:
    await printing.hire(Role.NURSE)
    record = await _completed(printing)
    answer = await _note(printing, record)
    await printing.render()
    added = an_annotation(record.participants[0].patient_id)
    await printing.hear(annotated(record, added), SESSION_ANNOTATED)
    assert (await printing.ask(f"{answer.json()['links']['self']}/file", prefix="")).status_code == 409
    assert "Called back: is well." in await _text_at(printing, answer)


@pytest.mark.rule("PRINT-5")
async def test_what_is_queued_again_tells_nothing_of_the_file_that_was(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = await _completed(printing)
    note = await _note(printing, record)
    await _text_at(printing, note)
    patient_id = record.participants[0].patient_id
    await printing.hear(annotated(record, an_annotation(patient_id)), SESSION_ANNOTATED)
    job = (await printing.ask(note.json()["links"]["self"], prefix="")).json()
    assert (job["status"], job["pages"], job["bytes"], job["warnings"]) == ("queued", None, None, [])


@pytest.mark.rule("DOC-6")
async def test_what_was_printed_is_marked_when_the_session_is_retracted(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = await _completed(printing)
    answers = [await _record(printing, record.session_id), await _note(printing, record)]
    await printing.render()
    await printing.hear(retraction_of(record), SESSION_RETRACTED)
    for answer in answers:
        assert "ENTERED IN ERROR" in (await _text_at(printing, answer)).upper()


@pytest.mark.rule("DOC-6")
async def test_a_retraction_that_comes_first_holds(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = a_session_record()
    await printing.hear(retraction_of(record), SESSION_RETRACTED)
    await printing.hear(record, SESSION_COMPLETED)
    text = await _text_at(printing, await _record(printing, record.session_id))
    assert "ENTERED IN ERROR" in text.upper()
    assert "MRN-00000 Present 50" in text


async def test_an_older_record_changes_nothing(printing: Printing) -> None:
    record = await _completed(printing, version=3)
    older = record.model_copy(update={"version": 2, "topic": "Before"})
    await printing.hear(older, SESSION_COMPLETED)
    (row,) = await printing._rows(documented_session.select())
    assert (row.version, SessionRecord.model_validate_json(row.record)) == (3, record)
    assert len(await printing.deliveries()) == 1


async def test_a_render_that_was_under_way_when_the_record_changed_is_not_taken(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = a_session_record()
    await printing.hear(record, SESSION_COMPLETED)
    overtaken = await printing.queued()
    await printing.hear(retraction_of(record), SESSION_RETRACTED)
    await printing.render(overtaken)
    assert (await _record(printing, record.session_id)).status_code == 202
    text = await _text_at(printing, await _record(printing, record.session_id))
    assert "ENTERED IN ERROR" in text.upper()


@dataclass(frozen=True)
class OvertakenStorage(FolderStorage):
    """Keeps a file only after another child has kept one of newer facts."""

    overtake: Callable[[], Awaitable[object]]

    async def keep(self, key: str, content: bytes) -> None:
        await self.overtake()
        await super().keep(key, content)


@pytest.mark.rule("DOC-6")
async def test_a_slow_render_of_older_facts_replaces_no_newer_file(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = a_session_record()
    await printing.hear(record, SESSION_COMPLETED)

    async def overtake() -> None:
        await printing.hear(retraction_of(record), SESSION_RETRACTED)
        await printing.render()

    await printing.render(storage=OvertakenStorage(printing.storage.root, overtake))
    text = await _text_at(printing, await _record(printing, record.session_id))
    assert "ENTERED IN ERROR" in text.upper()
    assert len(list(printing.storage.root.rglob("*.pdf"))) == 1


@pytest.mark.rule("DOC-6")
async def test_the_file_of_an_older_revision_is_removed(printing: Printing) -> None:
    record = await _completed(printing)
    (old,) = printing.storage.root.rglob("*.pdf")
    await printing.hear(retraction_of(record), SESSION_RETRACTED)
    await printing.render()
    (new,) = printing.storage.root.rglob("*.pdf")
    assert new.name != old.name


async def test_a_session_documented_again_has_its_newest_record(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = await _completed(printing)
    again = documented_again(record, participants=record.participants[:1])
    await printing.hear(again, SESSION_COMPLETED)
    assert "1 present, 0 absent" in await _text_at(printing, await _record(printing, record.session_id))


@pytest.mark.rule("DOC-6", "DIST-5")
async def test_what_was_printed_is_marked_when_the_session_is_documented_anew(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = await _completed(printing)
    answers = [await _record(printing, record.session_id), await _note(printing, record)]
    await printing.render()
    await printing.hear(documented_again(record), SESSION_COMPLETED)
    for answer in answers:
        text = await _text_at(printing, answer)
        assert "ENTERED IN ERROR" in text.upper()
        assert "The session was documented anew." in text
    await printing.hear(retraction_of(record), SESSION_RETRACTED)
    for answer in answers:
        assert "Written for the wrong group." in await _text_at(printing, answer)


@pytest.mark.rule("DOC-6", "DIST-5")
async def test_what_comes_after_what_replaced_it_is_printed_as_void(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = a_session_record(present=2, absent=1)
    again = documented_again(record)
    await printing.hear(again, SESSION_COMPLETED)
    await printing.hear(record, SESSION_COMPLETED)
    texts = [await _text_at(printing, await _note(printing, one)) for one in (record, again)]
    assert ["ENTERED IN ERROR" in text.upper() for text in texts] == [True, False]


@pytest.mark.rule("DIST-5")
async def test_two_documentations_that_come_at_once_do_not_miss_each_other(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = a_session_record()
    old, new = (enveloped(one, event_type=SESSION_COMPLETED) for one in (record, documented_again(record)))
    async with printing.database.writing_for({CLINIC}) as db:
        await keep_records(db, [old], at=NOW)
        # It waits for this transaction; a sighting of it waiting takes no time that matters.
        coming = asyncio.create_task(printing.consuming.receive(a_parcel([new])))
        await asyncio.sleep(0.1)
        waited = not coming.done()
    await coming
    await printing.render()
    job = await printing.ask(f"/jobs/{record_job_id(record.documentation_id)}/file")
    assert "ENTERED IN ERROR" in " ".join(page_texts(job.content)).upper()
    assert waited


async def test_a_note_asked_for_while_its_record_changes_shows_the_change(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = await _completed(printing)
    added = an_annotation(record.participants[0].patient_id)
    change = enveloped(annotated(record, added), event_type=SESSION_ANNOTATED)
    async with printing.database.writing_for({CLINIC}) as db:
        await keep_records(db, [change], at=NOW)
        asked = asyncio.create_task(_note(printing, record))
        await asyncio.sleep(0.1)
        waited = not asked.done()
    assert "Called back: is well." in await _text_at(printing, await asked)
    assert waited


@pytest.mark.parametrize("role", list(Role))
async def test_records_are_for_who_sees_sessions_and_notes_for_who_reads_charts(
    printing: Printing, role: Role
) -> None:
    record = await _completed(printing)
    await printing.hire(role)
    statuses = [(await _record(printing, record.session_id)).status_code]
    statuses.append((await _note(printing, record)).status_code)
    assert [status != 403 for status in statuses] == [role in SEES_RECORDS, role in READS_CHARTS]


@pytest.mark.rule("PERM-8")
async def test_a_file_is_not_for_who_may_only_see_other_kinds(printing: Printing) -> None:
    record = await _completed(printing)
    await printing.hire(Role.THERAPIST)
    job = (await _record(printing, record.session_id)).json()
    await printing.hire(Role.FRONT_OFFICE, version=2)
    answers = [await printing.ask(f"/jobs/{job['id']}{path}") for path in ("", "/file")]
    assert [answer.status_code for answer in answers] == [403, 403]


async def test_a_reviewer_sees_records(printing: Printing) -> None:
    record = await _completed(printing)
    await printing.hire(features=frozenset({Feature.REVIEW_GROUP_SESSIONS}))
    assert (await _record(printing, record.session_id)).status_code == 303


@pytest.mark.rule("PERM-8")
async def test_the_audit_trail_names_whose_note_was_read(printing: Printing) -> None:
    await printing.hire(Role.NURSE)
    record = await _completed(printing)
    await _text_at(printing, await _note(printing, record))
    patient_id = record.participants[0].patient_id
    entries = [(one.action, one.user_id, one.patient_id) for one in await printing.audit()]
    assert entries == [
        ("chart_note.print_requested", MARGARET, patient_id),
        ("print_job.file_read", MARGARET, patient_id),
    ]


@pytest.mark.rule("PERM-8")
async def test_the_audit_trail_names_everybody_on_a_record_that_was_read(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = await _completed(printing)
    await _text_at(printing, await _record(printing, record.session_id))
    read = [one for one in await printing.audit() if one.action == "print_job.file_read"]
    assert {one.patient_id for one in read} == {one.patient_id for one in record.participants}
    assert {(one.user_id, one.subject) for one in read} == {
        (MARGARET, str(record_job_id(record.documentation_id)))
    }


@pytest.mark.rule("DIST-3")
async def test_a_job_names_no_patient(printing: Printing) -> None:
    await printing.hire(Role.NURSE)
    record = await _completed(printing)
    shown = (await _note(printing, record)).text
    for one in record.participants:
        assert not any(word in shown for word in (one.printed_name, one.mrn, str(one.patient_id)))


async def test_another_instances_documents_are_not_there(printing: Printing) -> None:
    record = await _completed(printing)
    await printing.hire(Role.SUPER_ADMIN, instance_id=OTHER_CLINIC)
    there = {"instance_id": OTHER_CLINIC}
    patient_id = record.participants[0].patient_id
    note = {"documentation_id": record.documentation_id, "patient_id": patient_id}
    answers = [
        await printing.post("/attendance-records", session_id=record.session_id, **there),
        await printing.post("/chart-notes", **note, **there),
    ]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_a_patient_who_was_not_there_has_no_note(printing: Printing) -> None:
    await printing.hire(Role.NURSE)
    record = await _completed(printing)
    body = {"documentation_id": record.documentation_id, "patient_id": new_id()}
    assert (await printing.post("/chart-notes", **body)).status_code == 404


@pytest.mark.rule("PRINT-5")
async def test_who_accepts_a_pdf_is_sent_on_to_it(printing: Printing) -> None:
    await printing.hire(Role.THERAPIST)
    record = await _completed(printing)
    path = (await _record(printing, record.session_id)).json()["links"]["self"]
    answer = await printing.ask(path, prefix="", accept="application/pdf")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}/file")
    assert (await printing.ask(path, prefix="")).status_code == 200
