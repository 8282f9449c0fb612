from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any, Final, get_args
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.sessions.directory.domain import Patient
from services.sessions.documentation.domain import Obstacle, RosterEntry, obstacles
from services.sessions.documentation.findings import ASKS, Finding, FindingKind
from services.sessions.documentation.pre_sign_check import Documented, find_before_signing
from shared.events.preview import PatientPreview, PreviewedCharge
from shared.events.record import SessionRecord
from shared.testing.records import CAST, TUESDAY
from tests.unit.services.sessions.documentation.a_session import a_session, an_entry, patient_id
from tests.unit.services.sessions.documentation.test_names_of_others import a_patient

NOTE: Final = "Took part actively and named two triggers of the past week. Mood calm, affect fitting."


def _patient(number: int, **changes: Any) -> Patient:
    facts = {"id": patient_id(number), "mrn": f"MRN-{number:05d}"}
    return a_patient(f"Quill{number}", f"Zephyrine{number}", **facts | changes)


def _documented(*roster: RosterEntry, missing: Sequence[Obstacle] = (), **session: Any) -> Documented:
    roster = roster or (an_entry(0), an_entry(1))
    return Documented(
        session=a_session(**session),
        roster=roster,
        patients=tuple(_patient(number) for number in range(len(roster))),
        obstacles=tuple(missing),
    )


def _found(documented: Documented) -> list[Finding]:
    return find_before_signing(documented, None, preview_is_due=False)


def _charged(number: int, held_because: str | None) -> PatientPreview:
    line = PreviewedCharge(
        form="professional",
        code="90853",
        description="Group psychotherapy",
        revenue_code=None,
        modifiers=(),
        place_of_service="53",
        units=1,
        minutes=50,
        held_because=held_because,
    )
    return PatientPreview(patient_id=patient_id(number), charges=(line,))


def test_every_kind_says_what_it_asks() -> None:
    assert set(ASKS) == set(FindingKind)


@pytest.mark.rule("DOC-3", "DOC-4")
def test_every_obstacle_of_a_signature_blocks() -> None:
    session, roster = a_session(topic="", ended_at=None), (an_entry(attendance=None), an_entry(1))
    now = TUESDAY + timedelta(hours=1)
    missing = tuple(obstacles(session, roster, notes_required=True, zone=UTC, now=now))
    found = _found(_documented(*roster, missing=missing))
    assert [(one.pointers, one.blocking) for one in found] == [((one.pointer,), True) for one in missing]


@pytest.mark.rule("DIST-3")
def test_the_patients_own_name_is_fine_and_anothers_is_not() -> None:
    note = "Quill0 said that Quill1 is right."
    (finding,) = _found(_documented(an_entry(0, individual_note=note), an_entry(1)))
    assert finding.pointers == (f"#/roster/{patient_id(0)}/note",)
    assert finding.patient_ids == (patient_id(1),)
    assert "quill" not in finding.detail.lower()


def _texts_in(contract: type[BaseModel], at: str = "") -> Iterator[str]:
    """Give where a contract holds texts, however deep."""
    for name, field in contract.model_fields.items():
        yield from _texts_of_type(field.annotation, f"{at}/{name}".lstrip("/"))


def _texts_of_type(kind: Any, at: str) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from _texts_in(kind, at)
    elif kind is str:
        yield at
    else:
        for part in get_args(kind):
            yield from _texts_of_type(part, at)


WRITTEN: Final[Mapping[str, dict[str, Any]]] = {
    "group/title": {"title": "Quill1"},
    "topic": {"topic": "Quill1"},
    "description": {"description": "Quill1"},
    "participants/individual_note": {"entry": {"individual_note": "Quill1"}},
    "participants/absence_reason": {"entry": {"absence_reason": "Quill1"}},
    "participants/problems": {"entry": {"problems": ("F10.20", "Quill1")}},
}
"""Texts of the record that somebody writes about a session, each with the name of another in it."""

FROM_ELSEWHERE: Final = frozenset(
    {"location/name", "location/time_zone"}
    | {f"participants/{one}" for one in ("mrn", "printed_name", "family_name", "given_names")}
)
"""Facts of the directory: no text about a session. Leaders, signers and codes are so too."""


@pytest.mark.rule("DIST-3")
def test_every_text_of_the_record_is_known_to_the_check() -> None:
    of_others = ("leaders/", "signatures/", "annotations/", "billing/")
    texts = {text for text in _texts_in(SessionRecord) if not text.startswith(of_others)}
    assert texts == WRITTEN.keys() | FROM_ELSEWHERE


@pytest.mark.rule("DIST-3")
@pytest.mark.parametrize("text", WRITTEN)
def test_the_name_of_another_is_found_in_each_text_of_the_record(text: str) -> None:
    session = dict(WRITTEN[text])
    entry = session.pop("entry", {})
    (finding,) = _found(_documented(an_entry(0, **entry), an_entry(1), **session))
    assert patient_id(1) in finding.patient_ids


@pytest.mark.rule("DIST-3", "DOC-8")
@given(one=st.text(max_size=20), other=st.text(max_size=20))
def test_a_finding_is_the_same_exactly_while_its_text_is(one: str, other: str) -> None:
    texts = [f"{text} Quill0" for text in (one, other)]
    ids = [[found.id for found in _found(_documented(topic=text))] for text in texts]
    assert all(ids)
    assert (ids[0] == ids[1]) == (texts[0] == texts[1])


@pytest.mark.rule("DIST-3")
def test_equal_texts_of_two_sessions_are_two_findings() -> None:
    documented = [_documented(topic="Quill0", documentation_id=uuid5(CAST, name)) for name in ("one", "two")]
    assert len({one.id for each in documented for one in _found(each)}) == 2


@pytest.mark.rule("DOC-8")
def test_copied_notes_of_two_kinds_are_two_findings() -> None:
    notes = [NOTE, f"{NOTE} Slept well.", "Present.", "Present.", "Was restless, settled later on."]
    roster = [an_entry(number, individual_note=note) for number, note in enumerate(notes)]
    found = _found(_documented(*roster))
    assert {frozenset(one.patient_ids) for one in found} == {
        frozenset({patient_id(0), patient_id(1)}),
        frozenset({patient_id(2), patient_id(3)}),
    }
    assert [len(one.pairs) for one in found] == [1, 1]


@pytest.mark.rule("BILL-8")
def test_each_reason_for_holding_names_whom_it_concerns() -> None:
    reasons = ["It is late.", None, "It is late.", "No unit."]
    charges = [_charged(number, reason) for number, reason in enumerate(reasons)]
    roster = [an_entry(number) for number in range(4)]
    found = find_before_signing(_documented(*roster), charges, preview_is_due=True)
    assert [(one.kind, one.patient_ids) for one in found] == [
        (FindingKind.WOULD_BE_HELD, (patient_id(0), patient_id(2))),
        (FindingKind.WOULD_BE_HELD, (patient_id(3),)),
    ]


@pytest.mark.rule("BILL-8")
def test_a_preview_that_is_due_and_not_there_is_told_and_asks_nothing() -> None:
    (finding,) = find_before_signing(_documented(), None, preview_is_due=True)
    assert (finding.kind, finding.blocking, finding.needs_acknowledgement) == (
        FindingKind.PREVIEW_UNAVAILABLE,
        False,
        False,
    )


@pytest.mark.rule("DIST-3", "DOC-8")
def test_two_hundred_patients_are_checked_against_each_other() -> None:
    def note(number: int) -> str:
        return f"{uuid5(CAST, f'{number}a').hex} {uuid5(CAST, f'{number}b').hex} " * 6

    roster = [an_entry(number, individual_note=note(number)) for number in range(200)]
    roster[7] = an_entry(7, individual_note=f"{note(7)} Quill199")
    roster[8] = an_entry(8, individual_note=note(9))
    named, alike = _found(_documented(*roster))
    assert named.patient_ids == (patient_id(199),)
    assert set(alike.patient_ids) == {patient_id(8), patient_id(9)}
