import json
from datetime import timedelta
from uuid import UUID

import pytest

from services.charts.domain import READS_CHARTS
from services.charts.schemas import ChartPage, Filing
from shared.events.staff import Role
from shared.identifiers import new_id
from shared.testing.records import CLINIC, MARGARET, OTHER_CLINIC, TUESDAY, a_session_record
from tests.integration.services.charts.conftest import NOW, Charts

ROLES = sorted(Role)


async def _a_filed_note(charts: Charts) -> tuple[UUID, UUID]:
    await charts.hear(a_session_record(present=1, absent=0))
    (note,) = await charts.notes()
    return note.id, note.patient_id


async def _file_weeks(charts: Charts, count: int) -> UUID:
    records = [
        a_session_record(
            present=1,
            absent=0,
            started_at=TUESDAY + timedelta(weeks=week // 2),
            ended_at=TUESDAY + timedelta(weeks=week // 2, minutes=50),
        )
        for week in range(count)
    ]
    await charts.hear(*records)
    return records[0].participants[0].patient_id


async def test_a_note_is_served_byte_for_byte_as_it_was_filed(charts: Charts) -> None:
    await charts.hire(Role.THERAPIST)
    note_id, _ = await _a_filed_note(charts)
    answer = await charts.ask(f"/notes/{note_id}")
    filed = (await charts.notes())[0].content
    later = ',"status":"final","annotations":[],"entered_in_error":null}'
    assert answer.content == (filed[:-1] + later).encode()
    assert answer.headers["cache-control"] == "no-store"


async def test_a_chart_is_paged_newest_first_without_gaps_or_doubles(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    patient_id = await _file_weeks(charts, 7)
    seen: list[dict[str, str]] = []
    path = f"/patients/{patient_id}/notes?limit=3"
    cursor: str | None = ""
    while cursor is not None:
        page = (await charts.ask(path + (f"&cursor={cursor}" if cursor else ""))).json()
        seen += page["items"]
        cursor = page["next"]
    stored = sorted(await charts.notes(), key=lambda note: (note.held_at, note.id.hex), reverse=True)
    assert [one["note_id"] for one in seen] == [str(note.id) for note in stored]


async def test_a_page_that_ends_with_the_last_note_has_no_next(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    patient_id = await _file_weeks(charts, 3)
    page = (await charts.ask(f"/patients/{patient_id}/notes?limit=3")).json()
    assert (len(page["items"]), page["next"]) == (3, None)


async def test_pages_are_what_the_api_describes(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    patient_id = await _file_weeks(charts, 2)
    session_id = (await charts.notes())[0].session_id
    page = await charts.ask(f"/patients/{patient_id}/notes?limit=1")
    filing = await charts.ask(f"/sessions/{session_id}/filing")
    assert len(ChartPage.model_validate_json(page.content).items) == 1
    assert Filing.model_validate_json(filing.content).count == 1


async def test_a_chart_without_notes_is_an_empty_page(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    answer = await charts.ask(f"/patients/{new_id()}/notes")
    assert answer.json() == {"items": [], "next": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=!", "cursor=AAAA", "offset=3"])
async def test_a_malformed_query_is_refused_with_the_place(charts: Charts, query: str) -> None:
    await charts.hire(Role.NURSE)
    answer = await charts.ask(f"/patients/{new_id()}/notes?{query}")
    name = query.partition("=")[0]
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"query:{name}"]


@pytest.mark.rule("PERM-7")
@pytest.mark.parametrize("role", ROLES)
async def test_clinical_roles_read_charts_and_front_office_does_not(charts: Charts, role: Role) -> None:
    await charts.hire(role)
    note_id, patient_id = await _a_filed_note(charts)
    expected = 200 if role in READS_CHARTS else 403
    assert (role is Role.FRONT_OFFICE) == (expected == 403)
    for path in (f"/notes/{note_id}", f"/notes/{note_id}.html", f"/patients/{patient_id}/notes"):
        assert (await charts.ask(path)).status_code == expected


@pytest.mark.rule("PERM-8")
async def test_a_refusal_says_what_is_missing(charts: Charts) -> None:
    await charts.hire(Role.FRONT_OFFICE)
    note_id, _ = await _a_filed_note(charts)
    detail = (await charts.ask(f"/notes/{note_id}")).json()["detail"]
    assert all(role in detail for role in READS_CHARTS)


async def test_former_staff_read_nothing(charts: Charts) -> None:
    await charts.hire(Role.DOCTOR, active=False)
    note_id, _ = await _a_filed_note(charts)
    assert (await charts.ask(f"/notes/{note_id}")).status_code == 403


async def test_strangers_read_nothing(charts: Charts) -> None:
    note_id, _ = await _a_filed_note(charts)
    assert (await charts.ask(f"/notes/{note_id}")).status_code == 403


async def test_notes_of_another_instance_do_not_exist(charts: Charts) -> None:
    visitor = new_id()
    await charts.hire(Role.SUPER_ADMIN, user_id=visitor, instance_id=OTHER_CLINIC)
    note_id, patient_id = await _a_filed_note(charts)
    for path in (f"/notes/{note_id}", f"/notes/{note_id}.html"):
        answer = await charts.ask(path, user_id=visitor, instance_id=OTHER_CLINIC)
        assert answer.status_code == 404
    answer = await charts.ask(f"/patients/{patient_id}/notes", user_id=visitor, instance_id=OTHER_CLINIC)
    assert answer.json()["items"] == []


async def test_staff_of_one_instance_are_strangers_in_another(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN, instance_id=OTHER_CLINIC)
    note_id, _ = await _a_filed_note(charts)
    assert (await charts.ask(f"/notes/{note_id}", instance_id=CLINIC)).status_code == 403


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize(
    ("role", "outcome"), [(Role.DOCTOR, "allowed"), (Role.FRONT_OFFICE, "refused")], ids=["doctor", "office"]
)
async def test_every_reading_is_in_the_audit_trail(charts: Charts, role: Role, outcome: str) -> None:
    await charts.hire(role)
    note_id, patient_id = await _a_filed_note(charts)
    for path in (f"/notes/{note_id}", f"/notes/{note_id}.html", f"/patients/{patient_id}/notes"):
        await charts.ask(path)
    told = [
        (one.action, one.subject, one.patient_id, one.outcome, one.user_id, one.at)
        for one in await charts.audit()
    ]
    assert told == [
        ("chart_note.read", str(note_id), patient_id, outcome, MARGARET, NOW),
        ("chart_note.printed", str(note_id), patient_id, outcome, MARGARET, NOW),
        ("chart.listed", str(patient_id), patient_id, outcome, MARGARET, NOW),
    ]


@pytest.mark.rule("PERM-8")
async def test_asking_for_what_does_not_exist_is_written_down_as_refused(charts: Charts) -> None:
    await charts.hire(Role.DOCTOR)
    await charts.ask(f"/notes/{CLINIC}")
    assert [(one.subject, one.patient_id, one.outcome) for one in await charts.audit()] == [
        (str(CLINIC), None, "refused")
    ]


async def test_filing_tells_which_charts_a_session_has_reached(charts: Charts) -> None:
    await charts.hire(Role.RECORDS_ADMIN)
    record = a_session_record(present=3, absent=1)
    await charts.hear(record, a_session_record(present=2, absent=0))
    answer = await charts.ask(f"/sessions/{record.session_id}/filing")
    assert answer.json() == {
        "session_id": str(record.session_id),
        "count": 4,
        "documentation_ids": [str(record.documentation_id)],
        "patient_ids": sorted(str(one.patient_id) for one in record.participants),
    }


@pytest.mark.rule("PERM-8")
async def test_the_audit_trail_names_whom_a_filing_names(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    record = a_session_record(present=2, absent=1)
    await charts.hear(record)
    await charts.ask(f"/sessions/{record.session_id}/filing")
    named = {one.patient_id for one in await charts.audit() if one.action == "filing.read"}
    assert named == {None, *(one.patient_id for one in record.participants)}


async def test_filing_counts_nothing_before_the_event_came(charts: Charts) -> None:
    await charts.hire(Role.SUPER_ADMIN)
    answer = await charts.ask(f"/sessions/{new_id()}/filing")
    assert (answer.status_code, answer.json()["count"]) == (200, 0)


@pytest.mark.parametrize("role", ROLES)
async def test_filing_is_for_those_who_look_after_the_records(charts: Charts, role: Role) -> None:
    await charts.hire(role)
    answer = await charts.ask(f"/sessions/{new_id()}/filing")
    assert answer.status_code == (200 if role in {Role.SUPER_ADMIN, Role.RECORDS_ADMIN} else 403)


async def test_a_printed_note_may_load_and_run_nothing(charts: Charts) -> None:
    await charts.hire(Role.TECH)
    note_id, _ = await _a_filed_note(charts)
    answer = await charts.ask(f"/notes/{note_id}.html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_problem_never_quotes_a_note(charts: Charts) -> None:
    await charts.hire(Role.FRONT_OFFICE)
    note_id, _ = await _a_filed_note(charts)
    note = json.loads((await charts.notes())[0].content)
    answer = await charts.ask(f"/notes/{note_id}")
    assert note["patient"]["printed_name"] not in answer.text
