import base64
import hashlib
import re
from typing import Any

import pytest

from services.charts.domain import NoteStatus, notes_of, served
from services.charts.printable import content_security_policy, printable
from shared.events.record import SignatureMeaning
from shared.testing.records import a_session_record, margarets_signature


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
    assert f"style-src 'sha256-{digest}'" in content_security_policy()
    assert "<script" not in page()
    assert " style=" not in page()
