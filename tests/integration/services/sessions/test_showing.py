"""What was shown before is shown again only while it is what there is, and to who may see it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select, update

from services.sessions.directory.domain import StaffMember
from services.sessions.directory.models import LOCATION
from services.sessions.directory.repository import store
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.domain import session_id_of
from shared.web.kept_bodies import KeptBodies
from tests.integration.services.sessions.clinic import TODAY, Clinic
from tests.integration.services.sessions.statements import counted_statements

Change = Callable[[Clinic, UUID], Awaitable[Any]]


def _session(session_id: UUID) -> str:
    return f"/v1/group-sessions/{session_id}"


def _day(clinic: Clinic) -> str:
    return f"/v1/group-sessions?location_id={clinic.location_id}&date={TODAY}"


async def _anew(clinic: Clinic, path: str) -> httpx2.Response:
    """Read past all that is kept."""
    state = clinic.application.state
    kept, state.bodies = state.bodies, KeptBodies(bytes_at_most=0)
    answer = await clinic.ask("Margaret", "GET", path)
    state.bodies = kept
    return answer


async def _follow(clinic: Clinic, session_id: UUID, path: str, changes: list[Change]) -> AsyncIterator[bool]:
    """Make one change after the other; tell whether the next reading is the one of now, and another one."""
    await clinic.ask("Margaret", "GET", path)
    before = await clinic.ask("Margaret", "GET", path)
    for change in changes:
        await change(clinic, session_id)
        now, anew = await clinic.ask("Margaret", "GET", path), await _anew(clinic, path)
        yield (now.text, now.headers.get("etag")) == (anew.text, anew.headers.get("etag"))
        yield now.text != before.text
        before = now


def _post(ending: str, *, by: str = "Margaret", **body: Any) -> Change:
    return lambda clinic, one: clinic.do(by, "POST", _session(one) + ending, json=body or None)


def _put(ending: str, **body: Any) -> Change:
    return lambda clinic, one: clinic.do("Margaret", "PUT", _session(one) + ending, json=body)


def _patch(path: str, **body: Any) -> Change:
    async def change(clinic: Clinic, _: UUID) -> None:
        whole = f"/v1/directory/{path.format(margaret=clinic.id_of('Margaret'), anna=clinic.patient_ids[0])}"
        read = await clinic.ask("Ada", "GET", whole)
        etag = {"If-Match": read.headers["etag"]}
        await clinic.do("Ada", "PATCH", whole, json=body, headers=etag)

    return change


async def _import_patient(clinic: Clinic, _: UUID) -> None:
    await clinic.admit(replace(clinic.patients[1], preferred_name="Bash"))


async def _import_member(clinic: Clinic, _: UUID) -> None:
    facts = {"npi": None, "first_name": "Maggie", "last_name": "Chen", "credentials": "PhD", "active": True}
    async with clinic.database.writing(clinic.instance_id) as db:
        await store(db, [StaffMember(id=clinic.id_of("Margaret"), **facts)])  # type: ignore[arg-type]


async def _mark(clinic: Clinic, session_id: UUID) -> None:
    await clinic.mark(session_id, dict.fromkeys(clinic.patient_ids, "present"))


async def _write_note(clinic: Clinic, session_id: UUID) -> None:
    await clinic.write_note(session_id, clinic.patient_ids[0], "Spoke of work.")


async def _write_others(clinic: Clinic, session_id: UUID) -> None:
    for number, patient_id in enumerate(clinic.patient_ids[1:]):
        await clinic.write_note(session_id, patient_id, f"Another note, the {number}. one.")


async def _write_group_note(clinic: Clinic, session_id: UUID) -> None:
    await clinic.write_group_note(session_id)


async def _remove(clinic: Clinic, session_id: UUID) -> None:
    path = f"/roster/{clinic.patient_ids[2]}/removal"
    await clinic.do("Margaret", "POST", _session(session_id) + path, json={"reason": "Not here."})


async def _walk_in(clinic: Clinic, session_id: UUID) -> None:
    await clinic.do("Margaret", "PUT", f"{_session(session_id)}/roster/{clinic.patient_ids[2]}")


def _hand_over(*names: str) -> Change:
    async def change(clinic: Clinic, session_id: UUID) -> None:
        version = (await clinic.session(session_id))["version"]
        body = {"leader_ids": [str(clinic.id_of(name)) for name in names]}
        path = f"{_session(session_id)}/leaders"
        await clinic.do("Margaret", "PUT", path, json=body, if_match=f'"{version}"')

    return change


async def _sign(clinic: Clinic, session_id: UUID) -> None:
    assert (await clinic.sign(session_id)).status_code == 201


async def _annotate(clinic: Clinic, session_id: UUID) -> None:
    path = f"{_session(session_id)}/roster/{clinic.patient_ids[0]}/annotations"
    await clinic.do("Margaret", "POST", path, json={"text": "Called back."})


OF_A_SESSION: Final[dict[str, Change]] = {
    "it starts": _post("/start"),
    "a patient gets another name": _patch("patients/{anna}", last_name="Almeida"),
    "an import brings a preferred name": _import_patient,
    "the leader gets another name": _patch("staff/{margaret}", last_name="Okafor"),
    "an import brings credentials": _import_member,
    "all are marked": _mark,
    "a note is written": _write_note,
    "the other notes are written": _write_others,
    "the group note is written": _write_group_note,
    "a patient is removed": _remove,
    "the patient walks in": _walk_in,
    "another leader co-signs": _hand_over("Margaret", "Tom"),
    "leaders change places": _hand_over("Tom", "Margaret"),
    "one leads alone": _hand_over("Margaret"),
    "it is deleted": _post("/deletion", by="Ada", reason="Wrong day."),
    "it is restored": _post("/restoration", by="Ada"),
}


async def _template(clinic: Clinic, session_id: UUID, **changes: Any) -> None:
    template_id = (await clinic.session(session_id))["template_id"]
    path = f"/v1/templates/{template_id}"
    read = await clinic.ask("Ada", "GET", path)
    body = clinic.template_body(**changes)
    await clinic.do("Ada", "PUT", path, json=body, if_match=read.headers["etag"])


async def _lead_by_tom(clinic: Clinic, session_id: UUID) -> None:
    await _template(clinic, session_id, leader_ids=[str(clinic.id_of("Tom"))])


async def _lead_by_margaret_with_fewer_places(clinic: Clinic, session_id: UUID) -> None:
    await _template(clinic, session_id, title="Process Group", capacity=3)


async def _admit_one_more(clinic: Clinic, session_id: UUID) -> None:
    template_id = (await clinic.session(session_id))["template_id"]
    path = "/v1/assignments"
    await clinic.admit(clinic.patient(9))
    body = {
        "patient_ids": [str(clinic.patient_ids[-1])],
        "template_ids": [template_id],
        "starts_on": str(TODAY),
    }
    await clinic.do("Margaret", "POST", path, json=body)


async def _move_location(clinic: Clinic, _: UUID) -> None:
    path = f"/v1/directory/locations/{clinic.location_id}"
    etag = {"If-Match": (await clinic.ask("Ada", "GET", path)).headers["etag"]}
    await clinic.do("Ada", "PATCH", path, json={"time_zone": "America/New_York"}, headers=etag)


OF_A_DAY: Final[dict[str, Change]] = {
    "one more is expected": _admit_one_more,
    "another leads it": _lead_by_tom,
    "places are fewer": _lead_by_margaret_with_fewer_places,
    "the leader gets another name": _patch("staff/{margaret}", last_name="Okafor"),
    "it starts": _post("/start"),
    "it gets a topic": _write_group_note,
    "a patient is removed": _remove,
    "the location gets another zone": _move_location,
    "it is deleted": _post("/deletion", by="Ada", reason="Wrong day."),
}


@pytest.mark.rule("DOC-5")
async def test_the_next_reading_shows_each_change_of_a_session(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    steps = _follow(clinic, session_id, _session(session_id), list(OF_A_SESSION.values()))
    assert [one async for one in steps] == [True, True] * len(OF_A_SESSION)


@pytest.mark.rule("SIGN-1", "SIGN-5")
async def test_the_next_reading_shows_signature_and_annotation(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    steps = _follow(clinic, session_id, _session(session_id), [_sign, _annotate])
    assert [one async for one in steps] == [True] * 4


async def test_before_its_start_the_next_reading_shows_who_leads(clinic: Clinic) -> None:
    template_id = await clinic.new_template()
    session_id = session_id_of(template_id, TODAY)
    steps = _follow(clinic, session_id, _session(session_id), [_lead_by_tom])
    assert [one async for one in steps] == [True, True]


@pytest.mark.rule("DOC-1")
async def test_the_next_day_view_shows_each_change(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    steps = _follow(clinic, session_id, _day(clinic), list(OF_A_DAY.values()))
    assert [one async for one in steps] == [True, True] * len(OF_A_DAY)


@pytest.mark.rule("PERM-7", "PERM-8")
async def test_what_is_kept_is_shown_to_nobody_who_may_not_see_it(
    clinic: Clinic, other_clinic: Clinic
) -> None:
    paths = [_session(await clinic.started()), _day(clinic)]
    for path in paths:
        await clinic.do("Margaret", "GET", path)
    refused = [(await clinic.ask("Nora", "GET", path)).status_code for path in paths]
    unknown = [(await other_clinic.ask("Ada", "GET", path)).status_code for path in paths]
    assert (refused, unknown) == ([403, 403], [404, 404])


@pytest.mark.rule("PERM-8")
async def test_who_was_put_out_reads_nothing_that_is_kept(clinic: Clinic) -> None:
    path = _session(await clinic.started())
    await clinic.do("Margaret", "GET", path)
    await clinic.do(
        "Ada",
        "PUT",
        f"/v1/directory/staff/{clinic.id_of('Margaret')}/access",
        json={"roles": [], "features": []},
    )
    assert (await clinic.ask("Margaret", "GET", path)).status_code == 403


@pytest.mark.rule("PERM-8")
async def test_each_reading_is_in_the_trail_of_each_patient(clinic: Clinic) -> None:
    session_id = await clinic.started()
    for _ in range(3):
        await clinic.session(session_id)
        await clinic.do("Margaret", "GET", _day(clinic))
    trail = [(one.action, one.subject, one.patient_id, one.outcome) for one in await clinic.rows(TRAIL)]
    once = [("session.seen", str(session_id), one, "allowed") for one in clinic.patient_ids]
    day = ("day.seen", str(clinic.location_id), None, "allowed")
    seen = [one for one in trail if one[0].endswith(".seen")]
    assert sorted(seen, key=str) == sorted([*once, day] * 3, key=str)


async def test_reading_again_is_one_statement_on_postgresql_and_builds_nothing(clinic: Clinic) -> None:
    paths = [_session(await clinic.started()), _day(clinic)]
    for path in paths:
        await clinic.do("Margaret", "GET", path)
    sent = await _sent_beside_sqlalchemy(clinic)
    with counted_statements(clinic) as through_sqlalchemy:
        for path in paths:
            await clinic.do("Margaret", "GET", path)
    if clinic.database.engine.dialect.name == "postgresql":
        assert (len(sent), through_sqlalchemy) == (2, [])
    else:
        # Begin, access, versions, trail.
        assert len(through_sqlalchemy) == 2 * 4


async def _sent_beside_sqlalchemy(clinic: Clinic) -> list[str]:
    sent: list[str] = []
    async with clinic.database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if clinic.database.engine.dialect.name == "postgresql":
            driver.add_query_logger(lambda record: sent.append(record.query))
    return sent


async def test_a_direct_change_of_a_version_is_heard_of_too(clinic: Clinic) -> None:
    await clinic.do("Margaret", "GET", _day(clinic))
    async with clinic.database.writing_for_all() as connection:
        version = (await connection.execute(select(LOCATION.c.version))).scalar_one()
        await connection.execute(update(LOCATION).values(time_zone="Asia/Tokyo", version=version + 1))
    assert (await clinic.do("Margaret", "GET", _day(clinic)))["time_zone"] == "Asia/Tokyo"


@pytest.mark.rule("DOC-1")
async def test_todays_view_goes_on_to_the_next_day(clinic: Clinic) -> None:
    path = f"/v1/group-sessions?location_id={clinic.location_id}"
    first = await clinic.do("Margaret", "GET", path)
    clinic.clock.forward(days=1)
    assert (await clinic.do("Margaret", "GET", path))["date"] > first["date"]
