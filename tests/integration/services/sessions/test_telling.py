"""What waits is told once, by however many planners."""

import asyncio
from uuid import UUID

import pytest

from services.sessions.documentation.models import ATTENTION
from services.sessions.documentation.telling import tell_what_waits
from services.sessions.metadata import LEDGER
from services.sessions.scheduling.planning import Planner
from services.sessions.scheduling.sweeping import Sweeper
from shared.events.attention import SessionNeedsAttention
from shared.events.catalogue import SESSION_NEEDS_ATTENTION, parse
from tests.integration.services.sessions.clinic import STAFF, Clinic
from tests.integration.services.sessions.statements import counted_statements


async def _sweep(clinic: Clinic) -> None:
    sweeper = Sweeper(
        database=clinic.database,
        plan=Planner(horizon_days=1),
        then=(tell_what_waits,),
        every_seconds=300,
        clock=clinic.clock,
    )
    await sweeper.sweep(asyncio.Event())


async def _told(clinic: Clinic) -> list[SessionNeedsAttention]:
    events = [one for one in await clinic.rows(LEDGER.event) if one.type == SESSION_NEEDS_ATTENTION]
    return [parse(one.body, one.type).data for one in events]


async def _whose(clinic: Clinic) -> dict[UUID, tuple[str, set[str]]]:
    names = {clinic.id_of(name): name for name in STAFF}
    return {
        one.session_id: (one.waiting, {names[user_id] for user_id in one.user_ids})
        for one in await _told(clinic)
    }


@pytest.mark.rule("DOC-7")
async def test_each_kind_is_told_with_whose_turn_it_is(clinic: Clinic) -> None:
    late, free = await clinic.planned(), await clinic.planned(leaders=[])
    started = await clinic.started(leaders=["Margaret", "Tom"])
    half_signed = await clinic.documented(leaders=["Margaret", "Tom"])
    await clinic.sign(half_signed)
    signed = await clinic.documented(by="Ivy", leaders=["Ivy"])
    await clinic.sign(signed, by="Ivy")
    clinic.clock.forward(days=1)
    await _sweep(clinic)
    assert await _whose(clinic) == {
        late: ("not_started", {"Margaret"}),
        free: ("not_started", {"Ada", "Rosa", "Margaret", "Tom", "Ivy", "Frank"}),
        started: ("incomplete", {"Margaret", "Tom"}),
        half_signed: ("awaiting_signature", {"Tom"}),
        signed: ("awaiting_review", {"Ruth"}),
    }


@pytest.mark.rule("DOC-7")
async def test_what_was_told_is_not_told_again(clinic: Clinic) -> None:
    await clinic.started()
    clinic.clock.forward(days=1)
    await _sweep(clinic)
    await _sweep(clinic)
    assert len(await _told(clinic)) == len(await clinic.rows(ATTENTION)) == 1


@pytest.mark.rule("DOC-7")
async def test_planners_at_once_tell_once(clinic: Clinic) -> None:
    for number in range(5):
        await clinic.planned(title=f"Group {number}")
    clinic.clock.forward(days=1)
    await asyncio.gather(*(_sweep(clinic) for _ in range(4)))
    assert len(await _told(clinic)) == len({one.session_id for one in await _told(clinic)}) == 5


@pytest.mark.rule("DOC-7", "SIGN-3")
async def test_a_session_that_was_returned_and_signed_again_is_told_again(clinic: Clinic) -> None:
    session_id = await clinic.documented(by="Ivy", leaders=["Ivy"])
    place = f"/v1/group-sessions/{session_id}/return"
    await clinic.sign(session_id, by="Ivy")
    await _sweep(clinic)
    await clinic.do("Ruth", "POST", place, json={"reason": "Too short."})
    await clinic.sign(session_id, by="Ivy")
    await _sweep(clinic)
    assert [one.waiting for one in await _told(clinic)] == ["awaiting_review"] * 2


@pytest.mark.rule("SET-2", "DOC-7")
async def test_while_the_feature_is_off_nothing_is_told(clinic: Clinic) -> None:
    await clinic.started()
    clinic.clock.forward(days=1)
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"use_group_sessions": False})
    async with clinic.database.writing(clinic.instance_id) as db:
        await tell_what_waits(db, now=clinic.clock())
    await _sweep(clinic)
    assert await _told(clinic) == []


@pytest.mark.rule("DOC-7")
async def test_what_is_told_names_no_patient_and_is_owed_to_no_service(clinic: Clinic) -> None:
    await clinic.started(title="Grief")
    clinic.clock.forward(days=1)
    await _sweep(clinic)
    (event,) = await clinic.rows(LEDGER.event)
    hidden = ["Grief", *(str(one.id) for one in clinic.patients), *(one.last_name for one in clinic.patients)]
    assert [word for word in hidden if word in event.body] == []
    assert await clinic.everything(LEDGER.delivery) == []


async def test_telling_of_more_takes_no_more_statements(clinic: Clinic) -> None:
    await clinic.started()
    clinic.clock.forward(days=1)
    with counted_statements(clinic) as one:
        await _sweep(clinic)
    for number in range(5):
        await clinic.started(title=f"Group {number}")
    clinic.clock.forward(days=1)
    with counted_statements(clinic) as many:
        await _sweep(clinic)
    assert (len(many), len(await _told(clinic))) == (len(one), 6)
