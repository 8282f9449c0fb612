import base64
import hashlib
import re
from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.charts.domain import NoteStatus, notes_of, served
from services.charts.printable import PAGE, printable
from shared.events.record import Attendance, SignatureMeaning
from shared.testing.records import TUESDAY, a_patient, a_session_record, margarets_signature


def page(*, absent: int = 0, **changes: Any) -> str:
    (note,) = notes_of(a_session_record(present=1 - absent, absent=absent, **changes))
    return printable(served(note.content, status=NoteStatus.FINAL))


@pytest.mark.parametrize("field", ["topic", "description"])
def test_text_is_escaped(field: str) -> None:
    changes: dict[str, Any] = {field: '<script>alert(1)</script> & "more"'}
    shown = page(**changes)
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;more&#34;" in shown


@pytest.mark.rule("SIGN-4")
def test_a_signature_shows_name_time_and_meaning() -> None:
    reviewer = margarets_signature().model_copy(update={"meaning": SignatureMeaning.CO_AUTHOR})
    shown = page(signatures=(reviewer,))
    for text in ("Margaret Chen, LCSW", "Tuesday, March 10, 2026, 15:00:00 UTC", "Co-author"):
        assert text in shown
    assert reviewer.document_sha256 in shown


@pytest.mark.rule("DIST-7")
def test_the_page_states_how_many_were_present() -> None:
    assert re.search(r"Participants present</dt><dd>1</dd>", page())


def test_times_are_those_of_the_location() -> None:
    assert "Tuesday, March 10, 2026 · 9:00 AM to 9:50 AM CDT" in page()


@pytest.mark.rule("DIST-4")
def test_an_absent_patients_page_says_so() -> None:
    shown = page(absent=1)
    assert re.search(r'class="attendance absent">\s*Absent\s*<', shown)
    assert "None was written." in shown


def test_the_page_carries_the_notice_of_42_cfr_part_2() -> None:
    assert "42 CFR Part 2" in page()


def test_the_policy_allows_exactly_the_pages_own_style() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", page(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in PAGE.content_security_policy()
    assert "<script" not in page()
    assert " style=" not in page()


@pytest.mark.rule("DOC-3", "DOC-4")
def test_arrival_departure_and_problems_are_shown_where_they_were_written_down() -> None:
    patient = a_patient(
        0,
        arrived_at=TUESDAY + timedelta(minutes=10),
        left_at=TUESDAY + timedelta(minutes=40),
        problems=("Cravings & stress", "Sleep"),
    )
    shown = page(participants=(patient,))
    assert re.search(r"Arrived</dt><dd>9:10 AM</dd>.*Left</dt><dd>9:40 AM</dd>", shown, re.DOTALL)
    assert re.search(r"Problems of the treatment plan.*Cravings &amp; stress.*Sleep", shown, re.DOTALL)


@pytest.mark.rule("DOC-3")
def test_the_reason_of_an_absence_is_shown() -> None:
    patient = a_patient(0, attendance=Attendance.ABSENT, absence_reason="Ill")
    assert re.search(r"Reason of absence</dt><dd class=\"text\">Ill</dd>", page(participants=(patient,)))


def test_a_note_that_was_filed_before_these_were_kept_is_shown_without_them() -> None:
    (note,) = notes_of(a_session_record(present=1, absent=0))
    content = orjson.loads(note.content)
    for name in ("arrived_at", "left_at", "absence_reason", "problems"):
        del content[name]
    shown = printable(served(orjson.dumps(content).decode(), status=NoteStatus.FINAL))
    assert "Problem" not in shown
    assert "Arrived" not in shown
