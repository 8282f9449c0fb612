from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sessions.documentation.differences import Difference, differences
from services.sessions.documentation.signatures import document_of
from tests.unit.services.sessions.documentation.a_session import a_session, an_entry, patient_id

SIGNED = document_of(a_session(), [an_entry(0), an_entry(1)])


def _pointers(stored: dict[str, Any]) -> list[str]:
    return [one.pointer for one in differences(SIGNED, stored)]


@pytest.mark.rule("SIGN-4")
def test_a_document_differs_from_itself_in_nothing() -> None:
    assert _pointers(document_of(a_session(), [an_entry(1), an_entry(0)])) == []


@pytest.mark.rule("SIGN-4")
@given(st.sets(st.sampled_from(sorted(SIGNED.keys() - {"roster"}))))
def test_each_changed_part_is_named_and_no_other(names: set[str]) -> None:
    stored = SIGNED | dict.fromkeys(names, "changed")
    assert _pointers(stored) == [f"#/{name}" for name in sorted(names)]


@pytest.mark.rule("SIGN-4")
def test_a_difference_says_what_was_signed_and_what_is_there() -> None:
    changed = document_of(a_session(), [an_entry(0), replace(an_entry(1), individual_note="Other.")])
    assert list(differences(SIGNED, changed)) == [
        Difference(
            pointer=f"#/roster/{patient_id(1)}/individual_note", signed="Note number 1.", stored="Other."
        )
    ]


@pytest.mark.rule("SIGN-4")
@pytest.mark.parametrize("numbers", [(0,), (0, 1, 2)])
def test_one_patient_more_or_less_is_named(numbers: tuple[int, ...]) -> None:
    stored = document_of(a_session(), [an_entry(number) for number in numbers])
    assert _pointers(stored) == [f"#/roster/{patient_id(1 if len(numbers) == 1 else 2)}"]
