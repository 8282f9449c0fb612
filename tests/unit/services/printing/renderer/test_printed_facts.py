from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.printing.renderer import Press, UnknownTimeZoneError, content_hash, printed_facts
from services.printing.renderer.printed_facts import PrintedFacts
from shared.events.sheet import Paper
from tests.unit.services.printing.renderer.sheets import LINK, a_sheet


def test_the_same_sheet_gives_the_same_bytes(renderer: Press) -> None:
    assert renderer.render(a_sheet()) == renderer.render(a_sheet())


def test_another_renderer_that_printed_other_sheets_gives_the_same_bytes(renderer: Press) -> None:
    other = Press()
    other.render(a_sheet(names=["王小明 L.", "Ольга П."], paper=Paper.A4))
    assert other.render(a_sheet()) == renderer.render(a_sheet())


def test_the_hash_leaves_out_what_is_not_printed() -> None:
    again = a_sheet(job_id=UUID(int=8), session_id=UUID(int=9))
    assert content_hash([again]) == content_hash([a_sheet()])


def test_the_hash_tells_sessions_apart_once_a_code_leads_to_them() -> None:
    hashes = {content_hash([a_sheet(session_id=UUID(int=one))], session_link=LINK) for one in (8, 9)}
    assert len(hashes) == 2


def test_the_hash_of_many_sheets_minds_their_order() -> None:
    first, second = a_sheet(), a_sheet(group_title="Grief")
    assert content_hash([first, second]) != content_hash([second, first])


@pytest.mark.parametrize(
    "change",
    [
        {"location_name": "Hill House"},
        {"group_title": "Grief"},
        {"starts_at": datetime(2025, 5, 5, 22, tzinfo=UTC)},
        {"duration_minutes": 60},
        {"time_zone": "America/New_York"},
        {"leaders": ()},
        {"names": ("Anna K. (2)", "Anna K. (1)", "Chidi O.")},
        {"spare_rows": 3},
        {"paper": Paper.A4},
        {"language": "es-US"},
    ],
)
def test_the_hash_changes_with_each_printed_fact(change: dict[str, object]) -> None:
    assert content_hash([a_sheet(**change)]) != content_hash([a_sheet()])


def test_the_hash_changes_with_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_hash([a_sheet()])
    monkeypatch.setattr(printed_facts, "TEMPLATE_VERSION", 0)
    assert content_hash([a_sheet()]) != before


@pytest.mark.rule("PRINT-1")
@pytest.mark.parametrize(
    ("zone", "starts_at", "date", "time"),
    [
        ("America/Chicago", "2025-05-06T01:30Z", "Monday, May 5, 2025", "8:30 PM – 10:00 PM CDT"),  # noqa: RUF001
        ("Asia/Tokyo", "2025-05-05T23:00Z", "Tuesday, May 6, 2025", "8:00 AM – 9:30 AM JST"),  # noqa: RUF001
        ("America/Sao_Paulo", "2025-05-05T15:00Z", "Monday, May 5, 2025", "12:00 PM – 1:30 PM UTC-03"),  # noqa: RUF001
        (
            "America/Chicago",
            "2025-11-02T06:15Z",
            "Sunday, November 2, 2025",
            "1:15 AM CDT – 1:45 AM CST",  # noqa: RUF001
        ),
    ],
)
def test_date_and_time_are_the_locations(zone: str, starts_at: str, date: str, time: str) -> None:
    facts = PrintedFacts.of(a_sheet(time_zone=zone, starts_at=starts_at))
    assert (facts.date, facts.time) == (date, time)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "", "America"])
def test_an_unknown_time_zone_names_the_job_and_the_zone(zone: str) -> None:
    with pytest.raises(UnknownTimeZoneError, match=r"00000001: '.*' is no IANA"):
        PrintedFacts.of(a_sheet(time_zone=zone))
