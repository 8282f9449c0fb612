from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.sessions.documentation.domain import (
    GroupSession,
    Signer,
    leaders_meaning,
    obstacles,
    status_after_leader,
)
from services.sessions.scheduling.domain import Status
from shared.events.record import Attendance, SignatureMeaning
from shared.testing.records import MARGARET, TUESDAY
from tests.unit.services.sessions.documentation.a_session import TOM, a_session, an_entry, patient_id

NOW = TUESDAY + timedelta(hours=1)
CHICAGO = ZoneInfo("America/Chicago")


def _pointers(
    *, notes_required: bool = True, entry: dict[str, Any] | None = None, **session: Any
) -> list[str]:
    roster = [an_entry(**entry or {})]
    return [
        one.pointer
        for one in obstacles(
            a_session(**session), roster, notes_required=notes_required, zone=CHICAGO, now=NOW
        )
    ]


@pytest.mark.rule("DOC-3", "DOC-4")
def test_nothing_is_in_the_way_of_a_finished_document() -> None:
    assert _pointers() == []


@pytest.mark.rule("DOC-4")
@pytest.mark.parametrize("topic", ["", " \n"])
def test_a_topic_is_needed(topic: str) -> None:
    assert _pointers(topic=topic) == ["#/group_note/topic"]


@pytest.mark.rule("DOC-4")
@pytest.mark.parametrize("minutes", [None, 0, -10])
def test_an_end_after_the_start_is_needed(minutes: int | None) -> None:
    ended_at = None if minutes is None else TUESDAY + timedelta(minutes=minutes)
    assert _pointers(ended_at=ended_at) == ["#/group_note/ended_at"]


@pytest.mark.rule("DOC-4")
@pytest.mark.parametrize("minutes", [61, 24 * 60 + 1])
def test_an_end_that_has_not_come_or_is_a_day_away_is_refused(minutes: int) -> None:
    assert _pointers(ended_at=TUESDAY + timedelta(minutes=minutes)) == ["#/group_note/ended_at"]


@pytest.mark.rule("DOC-4")
@pytest.mark.parametrize(
    ("day", "hour", "expected"),
    [
        (8, 12, ["#/group_note/started_at"]),
        (9, 23, ["#/group_note/started_at"]),
        (10, 0, []),
        (9, 0, ["#/group_note/started_at"]),
    ],
)
def test_a_start_on_another_day_at_the_location_is_refused(day: int, hour: int, expected: list[str]) -> None:
    start = datetime(2026, 3, day, hour, 30, tzinfo=CHICAGO)
    assert _pointers(started_at=start, ended_at=start + timedelta(minutes=50)) == expected


@pytest.mark.rule("DOC-4")
@pytest.mark.parametrize(("hours", "expected"), [(1, []), (7, ["#/group_note/started_at"])])
def test_a_group_late_in_the_evening_may_begin_past_midnight(hours: int, expected: list[str]) -> None:
    planned = datetime(2026, 3, 9, 23, 30, tzinfo=CHICAGO)
    begun = planned + timedelta(hours=hours)
    day: dict[str, Any] = {"held_on": planned.date(), "starts_at": planned, "started_at": begun}
    assert _pointers(**day, ended_at=begun + timedelta(minutes=50)) == expected


@pytest.mark.rule("DOC-4")
def test_a_late_group_begins_on_its_day_at_the_location_and_ends_on_the_next() -> None:
    # In UTC all of it lies on the day after.
    start = datetime(2026, 3, 10, 23, 30, tzinfo=CHICAGO).astimezone(UTC)
    end = start + timedelta(minutes=50)
    found = obstacles(
        a_session(started_at=start, ended_at=end), [an_entry()], notes_required=True, zone=CHICAGO, now=end
    )
    assert found == []


@pytest.mark.rule("DOC-3")
def test_everybody_is_marked() -> None:
    assert _pointers(entry={"attendance": None}) == [f"#/roster/{patient_id(0)}/attendance"]


@pytest.mark.rule("DOC-4")
@pytest.mark.parametrize("note", [None, "", "  "])
def test_a_present_patient_needs_a_note(note: str | None) -> None:
    assert _pointers(entry={"individual_note": note}) == [f"#/roster/{patient_id(0)}/note"]


@pytest.mark.rule("DOC-4")
def test_no_note_is_needed_where_the_template_says_so() -> None:
    assert _pointers(entry={"individual_note": None}, notes_required=False) == []


@pytest.mark.rule("DOC-4")
def test_an_absent_patient_needs_no_note() -> None:
    assert _pointers(entry={"attendance": Attendance.ABSENT, "individual_note": None}) == []


@pytest.mark.rule("DOC-3")
def test_nobody_was_there_longer_than_the_session_took() -> None:
    assert _pointers(entry={"minutes": 51}) == [f"#/roster/{patient_id(0)}/minutes"]


def test_a_session_of_nobody_is_not_signed() -> None:
    found = obstacles(a_session(), [], notes_required=True, zone=CHICAGO, now=NOW)
    assert [one.pointer for one in found] == ["#/roster"]


@pytest.mark.rule("DOC-3")
@pytest.mark.parametrize(
    ("entry", "minutes"),
    [
        ({}, 50),
        ({"minutes": 20}, 20),
        ({"attendance": Attendance.ABSENT, "minutes": 20}, 0),
        ({"attendance": None}, 0),
    ],
)
def test_a_patients_minutes_are_their_own(entry: dict[str, Any], minutes: int) -> None:
    assert an_entry(**entry).minutes_in(a_session()) == minutes


def _status(session: GroupSession, *signed: Any, review: bool = False) -> Status:
    return status_after_leader(session, signed, review_required=review)


@pytest.mark.rule("SIGN-1")
def test_a_session_is_in_progress_until_its_last_leader_has_signed() -> None:
    session = a_session(leader_ids=(MARGARET, TOM))
    assert _status(session, MARGARET) is Status.IN_PROGRESS
    assert _status(session, MARGARET, TOM) is Status.COMPLETED


@pytest.mark.rule("SIGN-2")
def test_review_comes_after_the_last_leader() -> None:
    session = a_session(leader_ids=(MARGARET, TOM))
    assert _status(session, TOM, review=True) is Status.IN_PROGRESS
    assert _status(session, TOM, MARGARET, review=True) is Status.PENDING_REVIEW


@pytest.mark.rule("SIGN-4")
def test_the_first_leader_authors_and_others_co_author() -> None:
    author = Signer(user_id=MARGARET, meaning=SignatureMeaning.AUTHOR)
    assert leaders_meaning([]) is SignatureMeaning.AUTHOR
    assert leaders_meaning([author]) is SignatureMeaning.CO_AUTHOR
