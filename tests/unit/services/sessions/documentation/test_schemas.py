import pytest
from pydantic import ValidationError

from services.sessions.documentation.schemas import GroupNote, IndividualNote, Marks
from shared.identifiers import new_id


@pytest.mark.rule("DOC-4")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"topic": ""},
        {"topic": "x" * 201},
        {"topic": "Cravings", "started_at": "2026-03-10T09:00:00"},
        {"topic": "Cravings", "ended_at": "0001-01-01T00:00:00+14:00"},
        {"topic": "Cravings", "Ended_at": "2026-03-10T09:00:00Z"},
    ],
    ids=["nothing", "empty", "too long", "no zone", "before time", "unknown field"],
)
def test_what_no_group_note_can_be_is_refused(body: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        GroupNote.model_validate(body)


@pytest.mark.parametrize("text", ["nul \x00", "half \ud800", "x" * 50_001])
def test_what_no_database_can_keep_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        IndividualNote(text=text)


@pytest.mark.rule("DOC-3")
@pytest.mark.parametrize(
    "marks",
    [
        [],
        [{"attendance": "present"}],
        [{"patient_id": str(new_id()), "attendance": "late"}],
        [{"patient_id": str(new_id()), "attendance": "present", "minutes": 0}],
        [{"patient_id": str(new_id()), "attendance": "present", "minutes": 1441}],
    ],
)
def test_what_no_attendance_can_be_is_refused(marks: list[dict[str, str]]) -> None:
    with pytest.raises(ValidationError):
        Marks.model_validate({"marks": marks})
