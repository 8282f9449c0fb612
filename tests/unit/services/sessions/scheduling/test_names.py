from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sessions.directory.domain import Patient
from services.sessions.scheduling.names import short_names
from shared.identifiers import new_id


def _patient(first: str, last: str, preferred: str | None = None) -> Patient:
    rest: dict[str, Any] = dict.fromkeys(
        ("middle_name", "birth_date", "deceased_on", "admitted_on", "discharged_on")
    )
    return Patient(id=new_id(), mrn="M", first_name=first, last_name=last, preferred_name=preferred, **rest)


@pytest.mark.rule("PRINT-1")
def test_first_name_and_last_initial() -> None:
    assert short_names([_patient("Anna", "Kowalski")], preferred=False) == ["Anna K."]


@pytest.mark.rule("PRINT-1")
def test_equal_names_are_numbered_and_tell_no_more() -> None:
    patients = [_patient("Anna", "Kowalski"), _patient("Ben", "Abara"), _patient("Anna", "Klein")]
    assert short_names(patients, preferred=False) == ["Anna K. (1)", "Ben A.", "Anna K. (2)"]


@pytest.mark.rule("SET-5")
def test_the_preferred_name_where_there_is_one() -> None:
    patients = [_patient("Anna", "Kowalski", "Annie"), _patient("Benjamin", "Abara")]
    assert short_names(patients, preferred=True) == ["Annie K.", "Benjamin A."]


@pytest.mark.rule("SET-5")
def test_the_preferred_name_stays_off_the_sheet_where_the_setting_is_off() -> None:
    assert short_names([_patient("Anna", "Kowalski", "Annie")], preferred=False) == ["Anna K."]


@pytest.mark.rule("SET-5", "PRINT-1")
def test_names_that_become_equal_by_preference_are_numbered() -> None:
    patients = [_patient("Anna", "Kowalski", "Annie"), _patient("Annie", "Klein")]
    assert short_names(patients, preferred=True) == ["Annie K. (1)", "Annie K. (2)"]


@pytest.mark.parametrize(("last", "short"), [("", "Cher"), ("von Trapp", "Cher V."), ("Ödegaard", "Cher Ö.")])
def test_unusual_last_names(last: str, short: str) -> None:
    assert short_names([_patient("Cher", last)], preferred=False) == [short]


@pytest.mark.rule("PRINT-1")
@pytest.mark.parametrize("last", ["李", "김", "O", "n\u0303", "न\u093c"])
def test_an_initial_that_is_the_whole_name_stays_off_the_sheet(last: str) -> None:
    assert short_names([_patient("Wei", last)], preferred=False) == ["Wei"]


@pytest.mark.rule("PRINT-1")
def test_names_that_become_equal_without_it_are_numbered() -> None:
    assert short_names([_patient("Wei", "李"), _patient("Wei", "王")], preferred=False) == [
        "Wei (1)",
        "Wei (2)",
    ]


@pytest.mark.rule("PRINT-1")
@given(st.lists(st.tuples(st.sampled_from(["Anna", "Ben"]), st.sampled_from(["Klein", "Kowalski", "Abara"]))))
def test_no_two_names_on_a_sheet_are_equal(people: list[tuple[str, str]]) -> None:
    names = short_names([_patient(*one) for one in people], preferred=False)
    assert len(set(names)) == len(people)
    assert not any(last in name for name in names for _, last in people)


@pytest.mark.rule("PRINT-1")
@pytest.mark.parametrize("other", ["Jose\u0301", " José ", "Jos\u200bé", "José\u2060"])
def test_names_that_look_equal_are_numbered(other: str) -> None:
    first, second = short_names([_patient("José", "Kim"), _patient(other, "Kahn")], preferred=False)
    assert first == "José K. (1)"
    assert second.endswith("K. (2)")


@pytest.mark.rule("PRINT-1")
def test_an_initial_is_a_letter_with_its_marks() -> None:
    assert short_names([_patient("Zoë", "  O\u0308degaard")], preferred=False) == ["Zoë Ö."]


@pytest.mark.rule("PRINT-4")
def test_joiners_stay_in_a_name() -> None:
    assert short_names([_patient("می\u200cرو", "کریمی")], preferred=False) == ["می\u200cرو ک."]
