"""All present in one step, and nobody marked twice in one request (DOC-3)."""

from typing import Any
from uuid import UUID

import pytest

from services.sessions.metadata import LEDGER
from shared.events.catalogue import SESSION_COMPLETED, parse
from tests.integration.services.sessions.clinic import Clinic


async def _mark(clinic: Clinic, session_id: UUID, **body: Any) -> int:
    answer = await clinic.ask("Margaret", "PUT", f"/v1/group-sessions/{session_id}/attendance", json=body)
    return answer.status_code


async def _marks(clinic: Clinic, session_id: UUID) -> list[str | None]:
    roster = (await clinic.session(session_id))["roster"]
    marks = {UUID(one["patient_id"]): one["attendance"] for one in roster}
    return [marks[patient_id] for patient_id in clinic.patient_ids]


@pytest.mark.rule("DOC-3")
async def test_all_are_present_in_one_step(clinic: Clinic) -> None:
    session_id = await clinic.started()
    assert await _mark(clinic, session_id, rest="present") == 204
    assert await _marks(clinic, session_id) == ["present"] * 3


@pytest.mark.rule("DOC-3")
async def test_all_but_those_named_are_present_in_one_step(clinic: Clinic) -> None:
    session_id = await clinic.started()
    late = {"patient_id": str(clinic.patient_ids[1]), "attendance": "absent", "absence_reason": "ill"}
    assert await _mark(clinic, session_id, rest="present", marks=[late]) == 204
    assert await _marks(clinic, session_id) == ["present", "absent", "present"]


@pytest.mark.rule("DOC-3", "DOC-5")
async def test_who_has_been_marked_stays_as_marked(clinic: Clinic) -> None:
    session_id = await clinic.started()
    await clinic.mark(session_id, {clinic.patient_ids[0]: "absent"})
    for _ in range(2):
        assert await _mark(clinic, session_id, rest="present") == 204
    assert await _marks(clinic, session_id) == ["absent", "present", "present"]
    roster = (await clinic.session(session_id))["roster"]
    assert {one["attendance_version"] for one in roster} == {2}


@pytest.mark.rule("DOC-5")
async def test_a_mark_without_a_version_overwrites_no_other_mark(clinic: Clinic) -> None:
    session_id = await clinic.started()
    first, second, _ = clinic.patient_ids
    await clinic.mark(session_id, {first: "absent"}, by="Ada")
    marks = [{"patient_id": str(one), "attendance": "present"} for one in (second, first)]
    path = f"/v1/group-sessions/{session_id}/attendance"
    answer = await clinic.ask("Margaret", "PUT", path, json={"marks": marks})
    assert (answer.status_code, answer.json()["errors"]) == (
        412,
        [
            {
                "pointer": "#/marks/1",
                "detail": f"is at version 2, marked by {clinic.id_of('Ada')}",
                "patient_id": str(first),
            }
        ],
    )
    assert await _marks(clinic, session_id) == ["absent", None, None]
    assert await _mark(clinic, session_id, marks=[marks[1] | {"version": 2}]) == 204


@pytest.mark.rule("DOC-3")
async def test_two_marks_for_one_patient_are_refused(clinic: Clinic) -> None:
    session_id = await clinic.started()
    marks = [{"patient_id": str(clinic.patient_ids[0]), "attendance": one} for one in ("present", "absent")]
    assert await _mark(clinic, session_id, marks=marks) == 422
    assert await _mark(clinic, session_id) == 422
    assert await _marks(clinic, session_id) == [None] * 3


@pytest.mark.rule("DOC-3", "DOC-4", "DIST-1")
async def test_times_reasons_and_problems_travel_with_the_record(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    first, second, third = clinic.patient_ids
    came, went = "2026-03-10T13:20:00Z", "2026-03-10T13:50:00Z"
    marks = [
        {
            "patient_id": str(first),
            "attendance": "present",
            "arrived_at": came,
            "left_at": went,
            "version": 2,
        },
        {"patient_id": str(third), "attendance": "absent", "absence_reason": "ill", "version": 2},
    ]
    assert await _mark(clinic, session_id, marks=marks) == 204
    place = f"/v1/group-sessions/{session_id}/roster/{second}/note"
    note = {"text": "Spoke about it.", "problems": ["F10.20"]}
    await clinic.do("Margaret", "PUT", place, json=note, if_match='"2"')
    await clinic.sign(session_id)
    (published,) = [one for one in await clinic.rows(LEDGER.event) if one.type == SESSION_COMPLETED]
    record = parse(published.body, published.type).data
    told = {one.patient_id: one for one in record.participants}
    assert [one.isoformat()[11:16] for one in (told[first].arrived_at, told[first].left_at)] == [
        "13:20",
        "13:50",
    ]
    assert (told[third].absence_reason, told[second].problems) == ("ill", ("F10.20",))
    assert (told[second].arrived_at, told[first].absence_reason, told[third].problems) == (None, None, ())
