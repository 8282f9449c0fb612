import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.charts.domain import READS_CHARTS, ChartNote, note_id_of, notes_of
from shared.events.record import Attendance, Leader, Participant, SessionRecord, SignatureMeaning
from shared.events.staff import Role
from shared.identifiers import new_id
from shared.testing.records import MARGARET, TUESDAY, a_patient, a_session_record, margarets_signature

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


@st.composite
def rosters(draw: st.DrawFn) -> tuple[Participant, ...]:
    """Patients whose every fact is a token that occurs nowhere else."""
    size = draw(st.integers(min_value=2, max_value=12))
    return tuple(
        a_patient(
            number,
            patient_id=new_id(),
            mrn=f"mrn-token-{number}-end",
            printed_name=f"name-token-{number}-end {draw(TEXTS)}",
            attendance=draw(st.sampled_from(Attendance)),
            minutes=draw(st.integers(min_value=0, max_value=600)),
            individual_note=draw(st.none() | TEXTS.map(f"note-token-{number}-end {{}}".format)),
        )
        for number in range(size)
    )


def tokens_of(patient: Participant, number: int) -> tuple[str, ...]:
    return (
        str(patient.patient_id),
        f"mrn-token-{number}-end",
        f"name-token-{number}-end",
        f"note-token-{number}-end",
    )


def contents(record: SessionRecord) -> list[dict[str, Any]]:
    return [json.loads(note.content) for note in notes_of(record)]


def content_of(**changes: Any) -> dict[str, Any]:
    return contents(a_session_record(present=1, absent=0, **changes))[0]


@pytest.mark.rule("DIST-3")
@given(rosters())
def test_a_note_holds_nothing_of_any_other_patient(roster: tuple[Participant, ...]) -> None:
    notes = list(notes_of(a_session_record(participants=roster)))
    for number, note in enumerate(notes):
        others = [other for other in enumerate(roster) if other[0] != number]
        everything = repr(note)
        assert not [
            token for other, patient in others for token in tokens_of(patient, other) if token in everything
        ]


@pytest.mark.rule("DIST-1")
@given(rosters())
def test_a_note_holds_what_is_the_patients_own(roster: tuple[Participant, ...]) -> None:
    for patient, content in zip(roster, contents(a_session_record(participants=roster)), strict=True):
        assert content["patient"] == {
            "patient_id": str(patient.patient_id),
            "mrn": patient.mrn,
            "printed_name": patient.printed_name,
        }
        assert (content["attendance"], content["minutes"], content["individual_note"]) == (
            patient.attendance,
            patient.minutes,
            patient.individual_note,
        )


@pytest.mark.rule("DIST-1")
@given(topic=TEXTS, description=TEXTS)
def test_text_is_kept_exactly(topic: str, description: str) -> None:
    content = content_of(topic=topic, description=description)
    assert (content["topic"], content["description"]) == (topic, description)


@pytest.mark.rule("DIST-4")
def test_an_absent_patients_note_says_absent_and_holds_no_clinical_text() -> None:
    content = contents(a_session_record(present=0, absent=1))[0]
    assert (content["attendance"], content["minutes"], content["individual_note"]) == ("absent", 0, None)


@pytest.mark.rule("DIST-4")
def test_what_was_written_about_an_absent_patient_is_in_the_note() -> None:
    patient = a_patient(1, attendance=Attendance.ABSENT, individual_note="Called in sick.")
    content = contents(a_session_record(participants=(patient,)))[0]
    assert content["individual_note"] == "Called in sick."


@pytest.mark.rule("DIST-7")
def test_a_note_states_how_many_were_present() -> None:
    assert {one["participants_present"] for one in contents(a_session_record(present=9, absent=3))} == {9}


@pytest.mark.rule("DIST-7")
def test_a_note_states_all_leaders() -> None:
    leaders = tuple(
        Leader(user_id=MARGARET, printed_name=name, credentials=credentials, npi=None)
        for name, credentials in (("Margaret Chen", "LCSW"), ("Samuel Ortiz", None))
    )
    assert content_of(leaders=leaders)["leaders"] == [
        {"printed_name": "Margaret Chen", "credentials": "LCSW"},
        {"printed_name": "Samuel Ortiz", "credentials": None},
    ]


@pytest.mark.rule("DIST-1", "SIGN-4")
def test_a_note_holds_all_signatures() -> None:
    author = margarets_signature()
    reviewer = author.model_copy(
        update={"meaning": SignatureMeaning.REVIEWER, "printed_name": "Samuel Ortiz"}
    )
    shown = content_of(signatures=(author, reviewer))["signatures"]
    assert [one["meaning"] for one in shown] == ["author", "reviewer"]
    assert shown[1] == {
        "printed_name": "Samuel Ortiz",
        "credentials": "LCSW",
        "meaning": "reviewer",
        "signed_at": "2026-03-10T15:00:00Z",
        "document_sha256": author.document_sha256,
    }


def test_times_are_those_of_the_location() -> None:
    content = content_of()
    assert (content["started_at"], content["ended_at"], content["duration_minutes"]) == (
        "2026-03-10T09:00:00-05:00",
        "2026-03-10T09:50:00-05:00",
        50,
    )


def test_a_duration_over_the_change_of_clocks_is_the_time_that_passed() -> None:
    # Chicago's clocks went from 2:00 to 3:00 on this night.
    before = TUESDAY.replace(day=8, hour=7, minute=30)
    content = content_of(started_at=before, ended_at=before + timedelta(minutes=60))
    assert content["started_at"] == "2026-03-08T01:30:00-06:00"
    assert content["ended_at"] == "2026-03-08T03:30:00-05:00"
    assert content["duration_minutes"] == 60


@pytest.mark.rule("DIST-5")
def test_equal_events_make_equal_notes() -> None:
    record = a_session_record()
    assert list(notes_of(record)) == list(notes_of(record))


@pytest.mark.rule("DIST-5")
@given(st.lists(st.tuples(st.uuids(), st.uuids()), unique=True, max_size=30))
def test_a_notes_id_is_its_own(pairs: list[tuple[UUID, UUID]]) -> None:
    assert len({note_id_of(*pair) for pair in pairs}) == len(pairs)


def test_a_note_cannot_be_changed() -> None:
    note = next(notes_of(a_session_record()))
    assert isinstance(note, ChartNote)
    with pytest.raises(AttributeError):
        note.content = ""  # type: ignore[misc]


@pytest.mark.rule("PERM-7")
def test_front_office_alone_reads_no_chart() -> None:
    assert set(Role) - READS_CHARTS == {Role.FRONT_OFFICE}
