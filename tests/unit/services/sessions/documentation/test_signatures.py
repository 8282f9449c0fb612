from dataclasses import fields, replace
from datetime import timedelta, timezone
from typing import Any
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sessions.documentation.domain import GroupSession, RosterEntry
from services.sessions.documentation.signatures import digest_of, document_of
from shared.events.record import Attendance
from shared.testing.records import CAST, MARGARET, TUESDAY
from tests.unit.services.sessions.documentation.a_session import TOM, a_session, an_entry

ROSTER = [an_entry(0), an_entry(1), an_entry(2, attendance=Attendance.ABSENT, individual_note=None)]

CHANGED_SESSION: dict[str, Any] = {
    "id": uuid5(CAST, "another session"),
    "title": "Another Group",
    "documentation_id": uuid5(CAST, "another documentation"),
    "started_at": TUESDAY + timedelta(microseconds=1),
    "ended_at": TUESDAY + timedelta(minutes=51),
    "topic": "coping with cravings",
    "description": "Urge surfing. ",
    "leader_ids": (MARGARET, TOM),
}
CHANGED_ENTRY: dict[str, Any] = {
    "patient_id": uuid5(CAST, "somebody else"),
    "attendance": Attendance.ABSENT,
    "minutes": 49,
    "individual_note": "Note number 0",
    "arrived_at": TUESDAY + timedelta(minutes=1),
    "left_at": TUESDAY + timedelta(minutes=49),
    "absence_reason": "ill",
    "problems": ("F10.20",),
}
NOT_WRITTEN = {"template_id", "location_id", "held_on", "starts_at", "duration_minutes", "status", "version"}
"""What a plan says and no clinician vouches for."""


def _digest(session: GroupSession | None = None, roster: list[RosterEntry] | None = None) -> str:
    return digest_of(document_of(session or a_session(), ROSTER if roster is None else roster))


@pytest.mark.rule("SIGN-4")
def test_the_digest_of_a_document_is_the_same_on_every_machine_and_day() -> None:
    assert _digest() == "a3fbc82efcbc5d03268c388336ba7380b1bea77b7453f55fa0babacb2bb03b45"


@pytest.mark.rule("SIGN-4")
@given(st.permutations(ROSTER))
def test_the_order_of_rows_makes_no_difference(roster: list[RosterEntry]) -> None:
    assert _digest(roster=roster) == _digest()


@pytest.mark.rule("SIGN-4")
def test_the_order_of_leaders_makes_no_difference() -> None:
    one, other = a_session(leader_ids=(MARGARET, TOM)), a_session(leader_ids=(TOM, MARGARET))
    assert _digest(one) == _digest(other)


@pytest.mark.rule("SIGN-4")
@pytest.mark.parametrize("name", CHANGED_SESSION)
def test_any_change_of_what_is_shared_changes_the_digest(name: str) -> None:
    assert _digest(replace(a_session(), **{name: CHANGED_SESSION[name]})) != _digest()


@pytest.mark.rule("SIGN-4")
@pytest.mark.parametrize("name", CHANGED_ENTRY)
def test_any_change_about_one_patient_changes_the_digest(name: str) -> None:
    first, *rest = ROSTER
    assert _digest(roster=[replace(first, **{name: CHANGED_ENTRY[name]}), *rest]) != _digest()


@pytest.mark.rule("SIGN-4")
def test_every_field_is_either_signed_or_known_not_to_be() -> None:
    assert {one.name for one in fields(GroupSession)} == CHANGED_SESSION.keys() | NOT_WRITTEN
    assert {one.name for one in fields(RosterEntry)} == CHANGED_ENTRY.keys()


@pytest.mark.rule("SIGN-4")
def test_one_patient_more_or_less_changes_the_digest() -> None:
    assert len({_digest(), _digest(roster=ROSTER[:-1]), _digest(roster=[*ROSTER, an_entry(3)])}) == 3


@pytest.mark.rule("SIGN-4")
def test_a_note_that_moves_to_another_patient_changes_the_digest() -> None:
    first, second, third = ROSTER
    swapped = [
        replace(first, individual_note=second.individual_note),
        replace(second, individual_note=first.individual_note),
        third,
    ]
    assert _digest(roster=swapped) != _digest()


@pytest.mark.rule("SIGN-4")
def test_the_zone_in_which_a_database_tells_the_time_makes_no_difference() -> None:
    elsewhere = TUESDAY.astimezone(timezone(timedelta(hours=-5)))
    assert _digest(a_session(started_at=elsewhere)) == _digest()
