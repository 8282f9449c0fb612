from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from services.sessions.metadata import LEDGER, TRAIL
from tests.integration.services.sessions.clinic import Clinic


@pytest.fixture
async def parked(clinic: Clinic) -> list[UUID]:
    """What Ada's change of the settings owes to charts, parked."""
    await clinic.ask("Ada", "PATCH", "/v1/settings", json={"show_preferred_name": True})
    delivery = LEDGER.delivery
    async with clinic.database.writing(clinic.instance_id) as db:
        await db.execute(update(delivery).values(state="parked", reason="KeyError at a.py:1"))
        return [row.id for row in await db.all(select(delivery.c.id))]


async def trail_of(clinic: Clinic, action: str) -> list[tuple[str, UUID | None]]:
    async with clinic.database.reading(clinic.instance_id) as db:
        rows = await db.all(select(TRAIL).where(TRAIL.c.action == action))
    return [(row.subject, row.user_id) for row in rows]


async def groups(clinic: Clinic) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await clinic.ask("Ada", "GET", "/v1/deliveries/parked")).json()["groups"]
    return found


async def test_a_super_admin_sees_what_is_parked_and_opens_a_group_again(
    clinic: Clinic, parked: list[UUID]
) -> None:
    (group,) = await groups(clinic)
    assert (group["reason"], group["deliveries"]) == ("KeyError at a.py:1", len(parked))
    answer = await clinic.ask("Ada", "POST", "/v1/deliveries/retry", json={"group": group["id"]})
    assert answer.json() == {"deliveries": len(parked)}
    assert await groups(clinic) == []
    assert await trail_of(clinic, "delivery.retried") == [(str(parked[0]), clinic.id_of("Ada"))]


async def test_a_delivery_is_left_out_with_a_reason_that_stays(clinic: Clinic, parked: list[UUID]) -> None:
    chosen = {"delivery_id": str(parked[0]), "reason": "Charts have it from the paper."}
    assert (await clinic.ask("Ada", "POST", "/v1/deliveries/skip", json=chosen)).json() == {"deliveries": 1}
    shown = (await clinic.ask("Ada", "GET", f"/v1/deliveries/{parked[0]}")).json()
    assert shown["state"] == "skipped"
    assert shown["timeline"][-1]["reason"] == "Charts have it from the paper."
    assert await trail_of(clinic, "delivery.skipped") == [(str(parked[0]), clinic.id_of("Ada"))]


async def test_what_is_not_parked_is_not_decided(clinic: Clinic, parked: list[UUID]) -> None:
    chosen = {"delivery_id": str(parked[0])}
    await clinic.ask("Ada", "POST", "/v1/deliveries/retry", json=chosen)
    assert (await clinic.ask("Ada", "POST", "/v1/deliveries/retry", json=chosen)).status_code == 409
    unknown = {"delivery_id": str(uuid4())}
    assert (await clinic.ask("Ada", "POST", "/v1/deliveries/retry", json=unknown)).status_code == 404


@pytest.mark.rule("PERM-8")
async def test_nobody_but_a_super_admin_looks_after_deliveries(clinic: Clinic, parked: list[UUID]) -> None:
    assert (await clinic.ask("Rosa", "GET", "/v1/deliveries/parked")).status_code == 403
    assert (await clinic.ask("Rosa", "GET", f"/v1/deliveries/{parked[0]}")).status_code == 403
    answer = await clinic.ask("Rosa", "POST", "/v1/deliveries/retry", json={"everything": True})
    assert answer.status_code == 403


async def test_a_choice_says_exactly_one_thing(clinic: Clinic) -> None:
    for chosen in ({}, {"everything": True, "group": "a"}):
        assert (await clinic.ask("Ada", "POST", "/v1/deliveries/retry", json=chosen)).status_code == 422
