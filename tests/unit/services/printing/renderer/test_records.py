from io import BytesIO

import pikepdf
import pytest

from services.printing.renderer import AttendanceRecord, ChartNote, Press
from shared.events.record import SessionRecord
from shared.testing.corrections import an_annotation, annotated, retraction_of
from shared.testing.records import a_patient, a_session_record
from tests.unit.services.printing.renderer.sheets import page_texts, structure, text_of

pytestmark = pytest.mark.rule("PRINT-3")


@pytest.fixture(scope="module")
def record() -> SessionRecord:
    return a_session_record(present=3, absent=1)


def _note(renderer: Press, record: SessionRecord, number: int = 0, **changes: object) -> str:
    patient_id = record.participants[number].patient_id
    document = ChartNote(record=record, patient_id=patient_id, **changes)  # type: ignore[arg-type]
    return " ".join(" ".join(page_texts(renderer.render(document).pdf)).split())


@pytest.mark.parametrize(
    "fact",
    ["Attendance record · Main Street", "Process Group", "Tuesday, March 10, 2026", "9:00 AM", "50 minutes"],
)
def test_a_record_says_what_where_and_when(renderer: Press, record: SessionRecord, fact: str) -> None:
    assert fact in page_texts(renderer.render(AttendanceRecord(record=record)).pdf)[0]


def test_a_record_shows_each_patients_status_and_minutes(renderer: Press, record: SessionRecord) -> None:
    text = text_of(renderer.render(AttendanceRecord(record=record)).pdf)
    assert "1AnnaOkaforMRN-00000Present50" in text
    assert "4DoloresOkaforMRN-00003Absent" in text
    assert "3present,1absent" in text


@pytest.mark.rule("SIGN-4")
def test_a_record_shows_signatures_as_the_law_wants_them(renderer: Press, record: SessionRecord) -> None:
    page = page_texts(renderer.render(AttendanceRecord(record=record)).pdf)[0]
    (signature,) = record.signatures
    for part in (
        "Margaret Chen, LCSW",
        "Author, signed March 10, 2026, 15:00:00 UTC",
        signature.document_sha256,
    ):
        assert part in page


def test_a_record_holds_no_clinical_text(renderer: Press, record: SessionRecord) -> None:
    text = page_texts(renderer.render(AttendanceRecord(record=record)).pdf)[0]
    assert record.topic not in text
    assert record.description not in text
    assert "Spoke about week" not in text


@pytest.mark.rule("PRINT-4")
def test_a_record_is_a_whole_table_for_a_screen_reader(renderer: Press, record: SessionRecord) -> None:
    pdf = renderer.render(AttendanceRecord(record=record)).pdf
    with pikepdf.open(BytesIO(pdf)) as document:
        scopes = [str(header.A.Scope) for header in structure(document, "/TH")]
        assert scopes == ["/Column"] * 5 + ["/Row"] * 4
        assert len(structure(document, "/H2")) == 1


@pytest.mark.rule("DIST-3")
def test_a_note_names_no_other_patient(renderer: Press, record: SessionRecord) -> None:
    text = _note(renderer, record)
    for other in record.participants[1:]:
        assert other.printed_name not in text
        assert other.mrn not in text
        assert str(other.patient_id) not in text
    assert "Spoke about week 0" in text
    assert "Spoke about week 1" not in text


@pytest.mark.rule("DIST-7")
def test_a_note_tells_how_many_were_present(renderer: Press, record: SessionRecord) -> None:
    assert "50 minutes with 3 participants present, led by Margaret Chen, LCSW" in _note(renderer, record)


@pytest.mark.rule("DIST-4")
def test_the_note_of_an_absent_patient_says_so_and_no_more(renderer: Press, record: SessionRecord) -> None:
    text = _note(renderer, record, 3)
    assert "Absent" in text
    assert "Individual note None was written." in text


def test_a_note_carries_the_notice_of_redisclosure(renderer: Press, record: SessionRecord) -> None:
    text = _note(renderer, record)
    assert "protected by Federal confidentiality rules (42 CFR part 2)" in text
    assert "NOT sufficient" in text


@pytest.mark.rule("SIGN-5")
def test_a_note_shows_its_own_annotations_alone(renderer: Press, record: SessionRecord) -> None:
    first, second = (one.patient_id for one in record.participants[:2])
    both = annotated(record, an_annotation(first, text="Called back."), an_annotation(second, text="Wrote."))
    text = _note(renderer, both)
    assert "Called back." in text
    assert "Wrote." not in text


@pytest.mark.rule("DOC-6")
def test_void_paper_says_that_it_was_entered_in_error(renderer: Press, record: SessionRecord) -> None:
    retracted = retraction_of(record)
    text = page_texts(renderer.render(AttendanceRecord(record=record, retracted=retracted)).pdf)[0]
    assert "ENTERED IN ERROR" in text.upper()
    assert retracted.reason in " ".join(text.split())
    assert "ENTERED IN ERROR" in _note(renderer, record, retracted=retracted).upper()


@pytest.mark.rule("PRINT-4")
def test_a_record_of_two_hundred_is_all_there(renderer: Press) -> None:
    pages = page_texts(renderer.render(AttendanceRecord(record=a_session_record(present=200, absent=0))).pdf)
    assert all("Attendance" in page and f"of {len(pages)}" in page for page in pages)
    assert len([word for page in pages for word in page.split() if word.startswith("MRN-0")]) == 200


@pytest.mark.parametrize("text", ['<img src="file:///etc/passwd">', "</p><style>*{display:none}</style>"])
def test_markup_in_a_note_is_printed_as_it_stands(renderer: Press, text: str) -> None:
    patient = a_patient(0, individual_note=text, printed_name=text)
    record = a_session_record(participants=(patient,), topic=text, description=text)
    pdf = renderer.render(ChartNote(record=record, patient_id=patient.patient_id)).pdf
    assert text_of(pdf).count("".join(text.split())) >= 4
