# ruff: noqa: RUF001 - names of all scripts
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any, Final
from uuid import uuid5

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.sessions.directory.domain import Patient
from services.sessions.documentation.names_of_others import RosterNames
from shared.testing.records import CAST


def a_patient(first: str = "Quill", last: str = "Zephyrine", **changes: Any) -> Patient:
    facts: dict[str, Any] = {
        "id": uuid5(CAST, f"{first} {last}"),
        "mrn": "MRN-00001",
        "first_name": first,
        "middle_name": None,
        "last_name": last,
        "preferred_name": None,
        "birth_date": date(1980, 1, 1),
        "deceased_on": None,
        "admitted_on": None,
        "discharged_on": None,
    }
    return Patient(**facts | changes)


def names(text: str, patient: Patient) -> bool:
    return patient.id in RosterNames([patient]).named_in(text)


_CASES: Final[tuple[Callable[[str], str], ...]] = (str, str.upper, str.lower, str.title, str.swapcase)
_FORMS: Final = ("NFC", "NFD", "NFKC", "NFKD")
_SCRIPTS: Final = (
    "abcdefgh",
    "éüñçšøł",
    "αβγδς",
    "абвгд",
    "דויהכ",
    "محمدعلي",
    "アイウえお",
    "田中小明",
    "김민수진",
)
_NAMES: Final = st.sampled_from(_SCRIPTS).flatmap(lambda script: st.text(script, min_size=2, max_size=8))
_FILLING: Final = st.lists(
    st.sampled_from(["the", "group", "spoke;", "(well)", "and", "heute", "今日", "היום"])
)


@pytest.mark.rule("DIST-3")
@given(
    name=_NAMES,
    field=st.sampled_from(["first_name", "last_name", "preferred_name"]),
    case=st.sampled_from(_CASES),
    form=st.sampled_from(_FORMS),
    before=_FILLING,
    after=_FILLING,
    around=st.sampled_from(["{}", "({})", "“{}”", "{}.", "{}, ", "{}’s", "{}-", "…{}!"]),
)
def test_a_name_is_found_in_any_case_form_and_place(
    *,
    name: str,
    field: str,
    case: Callable[[str], str],
    form: Any,
    before: list[str],
    after: list[str],
    around: str,
) -> None:
    written = unicodedata.normalize(form, case(around.format(name)))
    assert names(" ".join([*before, written, *after]), a_patient(**{"last": "", field: name}))


@pytest.mark.rule("DIST-3")
@given(
    words=st.lists(st.text("abcdefgh", min_size=1, max_size=6)),
    name=st.text("abcdefgh", min_size=2, max_size=6),
)
def test_a_text_without_the_name_is_not_flagged(words: list[str], name: str) -> None:
    assume(name not in words)
    assert not names(", ".join(words), a_patient(name, "", mrn=""))


@pytest.mark.rule("DIST-3")
@given(text=st.text(st.characters(codec="utf-8")))
def test_no_text_makes_the_search_fail(text: str) -> None:
    patient = a_patient(text, text, preferred_name=text, mrn=text)
    assert RosterNames([patient]).named_in(text, about=patient.id) == frozenset()


@pytest.mark.rule("DIST-3")
@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("José", "Núñez", "jose spoke"),
        ("Jose", "Nunez", "JOSÉ spoke"),
        ("Łukasz", "Żak", "Lukasz, Zak"),
        ("Straße", "Ek", "STRASSE"),
        ("İbrahim", "Şahin", "ibrahim'in"),
        ("Sean", "O'Brien", "Mr O’Brien’s view"),
        ("Sean", "O'Brien", "with OBRIEN"),
        ("Mary Ann", "Ek", "Mary spoke"),
        ("Mary Ann", "Ek", "Mary-Ann spoke"),
        ("Mary Ann", "Ek", "Mary\nAnn spoke"),
        ("Quill", "Smith-Jones", "Ms Jones"),
        ("Quill", "Smith-Jones", "Ms Smith‑Jones"),
        ("Ana", "de la Cruz", "Sra. Cruz"),
        ("太郎", "田中", "今日は田中さんが話した"),
        ("小明", "王", "王先生说"),
        ("娜", "李", "李娜说"),
        ("민수", "김", "민수는 말했다"),
        ("สมชาย", "ใจดี", "คุณสมชายพูด"),
        ("राम", "शर्मा", "राम आया"),
        ("דוד", "כהן", "דיבר לדוד היום"),
        ("دَاوُد", "علي", "قال لداود اليوم"),
        ("محمد", "علي", "وعلي"),
        ("J", "B", "J. B. spoke"),
        ("Ivan", "Kovac", "Ko\u200bvac shouted"),
        ("Ivan", "Kovac", "Ko\u00advac shouted"),
        ("Ivan", "Kovac", "K\u2060ovac\ufeff shouted"),
        ("Ivan", "Kovac", "with\u200bKovac"),
        ("Ivan", "Ko\u00advac", "Kovac"),
        ("علی", "رضایی", "علی\u200cها"),
        ("Ivan", "Kovac", "the KOVACS"),
        ("Ivan", "Kovac", "Kovac's, Kovacs' and Kovac`s"),
        ("Ivan", "Kovac", "IvanK."),
        ("Ivan", "Kovac", "IvanKovac"),
        ("Ivan", "Kovac", "Κovac and a Greek kappa"),
        ("Ivan", "Kovac", "Коvас and Cyrillic letters"),
        ("Иван", "Ковач", "Ковач"),
    ],
)
def test_a_name_is_found_as_people_write_it(first: str, last: str, text: str) -> None:
    assert names(text, a_patient(first, last))


@pytest.mark.rule("DIST-3")
@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("Anna", "Ek", "annabel and the eking"),
        ("Sean", "O'Brien", "o, brien"),
        ("Jane", "Doe", "does so these days"),
        ("Ivan", "Kovac", "Kovacsis and akovac"),
        ("Ivan", "Kac", "Кас"),
        ("Ana", "de la Cruz", "de la vida"),
        ("J", "B", "plan B for J, the first of I"),
        ("小明", "王", "国王说"),
        ("राम", "शर्मा", "रमा आई"),
    ],
)
def test_what_is_no_name_is_not_flagged(first: str, last: str, text: str) -> None:
    assert not names(text, a_patient(first, last))


@pytest.mark.rule("DIST-3")
@pytest.mark.parametrize("text", ["see MRN-00017", "mrn 00017", "MRN00017"])
def test_the_record_number_of_another_is_found(text: str) -> None:
    assert names(text, a_patient(mrn="MRN-00017"))


@pytest.mark.rule("DIST-3")
def test_the_id_of_another_is_found() -> None:
    patient = a_patient()
    assert names(f"see {patient.id}", patient)


def test_a_number_that_any_text_holds_is_no_record_number() -> None:
    assert not names("50 minutes", a_patient(mrn="50"))


ANNA_NOVAK: Final = a_patient("Anna", "Novak", mrn="MRN-00002")
ANNA_KOWALSKI: Final = a_patient("Anna", "Kowalski", mrn="MRN-00003")
TWO_ANNAS: Final = RosterNames([ANNA_NOVAK, ANNA_KOWALSKI])


@pytest.mark.rule("DIST-3")
def test_the_patients_own_name_is_fine_in_their_own_note() -> None:
    assert TWO_ANNAS.named_in("Anna Novak (MRN-00002) spoke.", about=ANNA_NOVAK.id) == frozenset()


@pytest.mark.rule("DIST-3")
@pytest.mark.parametrize("text", ["Anna K. upset her.", "Anna Kowalski", "kowalski", "MRN-00003"])
def test_another_of_the_same_first_name_is_found_by_what_is_not_shared(text: str) -> None:
    assert TWO_ANNAS.named_in(text, about=ANNA_NOVAK.id) == {ANNA_KOWALSKI.id}


@pytest.mark.rule("DIST-3")
def test_a_name_in_s_is_not_that_of_another_without_it() -> None:
    kovac, kovacs = a_patient("Ivan", "Kovac", mrn=""), a_patient("Vera", "Kovacs", mrn="")
    names_of_both = RosterNames([kovac, kovacs])
    assert names_of_both.named_in("Kovacs spoke.", about=kovacs.id) == frozenset()
    assert names_of_both.named_in("Kovacs spoke.", about=kovac.id) == {kovacs.id}


@pytest.mark.rule("DIST-3")
def test_a_glued_initial_says_which_of_two_is_meant() -> None:
    assert TWO_ANNAS.named_in("AnnaK. upset her.", about=ANNA_NOVAK.id) == {ANNA_KOWALSKI.id}


@pytest.mark.rule("DIST-3")
def test_in_a_text_for_all_a_shared_name_is_each_ones() -> None:
    assert TWO_ANNAS.named_in("Anna spoke.") == {ANNA_NOVAK.id, ANNA_KOWALSKI.id}


@pytest.mark.rule("DIST-3")
def test_each_of_two_hundred_names_is_found_in_one_text() -> None:
    patients = [a_patient(f"Quill{number}", f"Zephyrine{number}", mrn="") for number in range(200)]
    text = " ".join(one.first_name if number % 2 else one.last_name for number, one in enumerate(patients))
    assert RosterNames(patients).named_in(text) == {one.id for one in patients}
