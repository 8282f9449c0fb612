"""Whoever asks for another clinic's things hears what they would hear of things that nobody has."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, select

from services.billing_bridge.models import charge
from services.charts.models import chart_note
from services.printing.models import print_job
from shared.events.catalogue import SESSION_COMPLETED, SHEET_REQUESTED
from shared.identifiers import new_id
from shared.testing.records import CLINIC, OTHER_CLINIC, a_session_record, webhook_billing
from tests.integration.authorisation.doors import Door, Open
from tests.integration.authorisation.rights import IDS, OPEN, RIGHTS, SOMEBODY, ids_of
from tests.unit.services.printing.renderer.sheets import a_sheet


async def _theirs(door: Door) -> Mapping[str, Any]:
    """Have something of the clinic in the service; gives its ids."""
    record = a_session_record(billing=webhook_billing())
    await door.hear(record, SESSION_COMPLETED)
    known = {"session_id": record.session_id, "patient_id": record.participants[0].patient_id}
    if door.service == "printing":
        await door.hear(a_sheet(job_id=new_id()), SHEET_REQUESTED)
        return known | {"job_id": await _first(door, print_job.c.id)}
    if door.service == "charts":
        return known | {"note_id": await _first(door, chart_note.c.id)}
    code = await door.ask("Ada", "POST /v1/billing/codes", ids=IDS, body=_CODE)
    return known | {"charge_id": await _first(door, charge.c.charge_id), "code_id": code.json()["id"]}


NOTHING_PUSHED = "GET /v1/billing/patients/{patient_id}/disclosures"
"""Empty for everybody here, because no charge goes out; `test_disclosures.py` has some."""

_CODE = RIGHTS["billing_bridge"]["POST /v1/billing/codes"].body


async def _first(door: Door, column: Column[Any]) -> UUID:
    async with door.database.engine.connect() as connection:
        first: UUID = (await connection.execute(select(column).limit(1))).scalar_one()
    return first


async def _answer(door: Door, route: str, ids: Mapping[str, Any], instance_id: UUID) -> tuple[int, str]:
    right = RIGHTS[door.service][route]
    answer = await door.ask(
        "Ada", route, ids=ids, body=right.body, query=right.query, instance_id=instance_id
    )
    text = answer.text
    for one in ids.values():
        text = text.replace(str(one), str(SOMEBODY))
    return answer.status_code, text


@pytest.mark.parametrize("service", ["charts", "billing_bridge", "printing"])
async def test_another_clinics_ids_are_ids_that_nobody_has(service: str, opened: Open) -> None:
    door = await opened(service)
    theirs = ids_of(service) | dict(await _theirs(door))
    reads = [
        route
        for route, right in RIGHTS[service].items()
        if right.who != OPEN and "{" in route.replace("{system}", "").replace("{kind}", "")
    ]
    own = {route: await _answer(door, route, theirs, CLINIC) for route in reads if route.startswith("GET")}
    assert 200 in {status for status, _ in own.values()}
    for route in reads:
        stolen = await _answer(door, route, theirs, OTHER_CLINIC)
        assert stolen == await _answer(door, route, ids_of(service), OTHER_CLINIC), route
        assert stolen[0] == 404 or stolen != own.get(route) or route == NOTHING_PUSHED, route
    assert own == {route: await _answer(door, route, theirs, CLINIC) for route in own}
