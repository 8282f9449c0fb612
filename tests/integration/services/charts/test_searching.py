"""A chart by days, group, attendance and leader, page by page."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from shared.events.record import Attendance, GroupFacts, Leader, SessionRecord
from shared.events.staff import Role
from shared.identifiers import new_id
from shared.testing.records import CAST, MARGARET, TUESDAY, a_patient, a_session_record
from tests.integration.services.charts.conftest import Charts

PATIENT = a_patient(0).patient_id
SAMUEL = uuid5(CAST, "Samuel Ortiz")
PROCESS, RELAPSE = (GroupFacts(template_id=new_id(), title=title) for title in ("Process", "Relapse"))


def led_by(*user_ids: UUID) -> tuple[Leader, ...]:
    return tuple(Leader(user_id=one, printed_name="A Leader", credentials=None, npi=None) for one in user_ids)


def held(days: int, *, hours: int = 0, here: bool = True, **facts: Any) -> SessionRecord:
    starts = TUESDAY + timedelta(days=days, hours=hours)
    attendance = Attendance.PRESENT if here else Attendance.ABSENT
    times: dict[str, Any] = {"started_at": starts, "ended_at": starts + timedelta(minutes=50)}
    return a_session_record(participants=(a_patient(0, attendance=attendance),), **times, **facts)


async def found(charts: Charts, query: str) -> list[str]:
    answer = await charts.ask(f"/patients/{PATIENT}/notes?{query}")
    assert answer.status_code == 200
    return [one["session_id"] for one in answer.json()["items"]]


def ids(*records: SessionRecord) -> list[str]:
    return [str(one.session_id) for one in records]


async def test_days_are_those_of_the_location(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    # Eight in the evening of March 10 in Chicago, which is the 11th in UTC.
    evening, next_day = held(0, hours=11), held(1)
    await charts.hear(evening, next_day)
    assert await found(charts, "from=2026-03-10&to=2026-03-10") == ids(evening)
    assert await found(charts, "from=2026-03-11") == ids(next_day)
    assert await found(charts, "to=2026-03-09") == []


async def test_a_chart_is_narrowed_by_group_attendance_and_leader(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    first = held(0, group=PROCESS, leaders=led_by(MARGARET))
    second = held(1, group=RELAPSE, leaders=led_by(MARGARET, SAMUEL))
    third = held(2, group=PROCESS, leaders=led_by(SAMUEL), here=False)
    await charts.hear(second, third, first)
    for query, expected in {
        "": (third, second, first),
        f"template_id={PROCESS.template_id}": (third, first),
        "attendance=absent": (third,),
        f"leader_id={SAMUEL}": (third, second),
        f"leader_id={MARGARET}&attendance=present&template_id={RELAPSE.template_id}": (second,),
        f"leader_id={new_id()}": (),
    }.items():
        assert await found(charts, query) == ids(*expected), query


async def test_pages_of_a_narrowed_chart_have_no_gaps_and_no_doubles(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    records = [held(day, group=PROCESS if day % 2 else RELAPSE) for day in range(9)]
    await charts.hear(*records)
    seen: list[str] = []
    path = f"/patients/{PATIENT}/notes?limit=2&template_id={PROCESS.template_id}"
    page = (await charts.ask(path)).json()
    while True:
        seen += [one["session_id"] for one in page["items"]]
        if page["next"] is None:
            break
        page = (await charts.ask(f"{path}&cursor={page['next']}")).json()
    assert seen == ids(*reversed(records[1::2]))


@pytest.mark.parametrize(
    ("query", "name"),
    [("from=tomorrow", "from"), ("leader_id=x", "leader_id"), ("attendance=late", "attendance")],
)
async def test_a_malformed_wish_is_refused_with_the_place(charts: Charts, query: str, name: str) -> None:
    await charts.hire(Role.NURSE)
    answer = await charts.ask(f"/patients/{PATIENT}/notes?{query}")
    pointers: Sequence[str] = [one["pointer"] for one in answer.json()["errors"]]
    assert (answer.status_code, pointers) == (422, [f"query:{name}"])
