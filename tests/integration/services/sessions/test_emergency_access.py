from datetime import timedelta
from typing import Any

import pytest

from services.sessions.metadata import LEDGER, TRAIL
from shared.events.catalogue import EMERGENCY_ACCESS_ENDED, EMERGENCY_ACCESS_OPENED
from tests.integration.services.sessions.clinic import Clinic

PATH = "/v1/emergency-accesses"


async def _opened(clinic: Clinic, who: str = "Fay") -> dict[str, Any]:
    body = {"patient_id": str(clinic.patient_ids[0]), "reason": "Found unconscious in the hall."}
    opened: dict[str, Any] = await clinic.do(who, "POST", PATH, json=body)
    return opened


@pytest.mark.rule("PERM-8")
async def test_whoever_is_on_the_staff_opens_a_chart_for_an_hour_and_it_is_told(clinic: Clinic) -> None:
    opened = await _opened(clinic)
    assert opened["until"].startswith((clinic.clock() + timedelta(hours=1)).isoformat()[:16])
    (event,) = [one for one in await clinic.rows(LEDGER.event) if one.type == EMERGENCY_ACCESS_OPENED]
    assert "unconscious" not in str(event.body)
    (entry,) = [one for one in await clinic.rows(TRAIL) if one.action == "emergency.opened"]
    assert (entry.user_id, entry.patient_id) == (clinic.id_of("Fay"), clinic.patient_ids[0])


@pytest.mark.parametrize("reason", ["", "because", " " * 12])
async def test_without_a_reason_nothing_is_opened(clinic: Clinic, reason: str) -> None:
    body = {"patient_id": str(clinic.patient_ids[0]), "reason": reason}
    assert (await clinic.ask("Fay", "POST", PATH, json=body)).status_code == 422


async def test_admins_see_all_of_them_and_others_their_own(clinic: Clinic) -> None:
    first, second = await _opened(clinic), await _opened(clinic, "Frank")
    seen = {}
    for who in ("Rosa", "Fay", "Nora"):
        seen[who] = [one["id"] for one in (await clinic.do(who, "GET", PATH))["items"]]
    assert seen == {"Rosa": [second["id"], first["id"]], "Fay": [first["id"]], "Nora": []}


async def test_it_is_ended_early_once_and_by_nobody_else(clinic: Clinic) -> None:
    path = f"{PATH}/{(await _opened(clinic))['id']}/end"
    assert (await clinic.ask("Nora", "POST", path)).status_code == 404
    clinic.clock.forward(minutes=5)
    for who in ("Fay", "Rosa"):
        await clinic.do(who, "POST", path)
    ended = [one for one in await clinic.rows(LEDGER.event) if one.type == EMERGENCY_ACCESS_ENDED]
    assert len(ended) == 1


async def test_somebody_else_reviews_it_once(clinic: Clinic) -> None:
    path = f"{PATH}/{(await _opened(clinic, 'Rosa'))['id']}/review"
    answers = [(await clinic.ask(who, "POST", path)).status_code for who in ("Fay", "Rosa", "Ada", "Ada")]
    assert answers == [403, 403, 204, 409]
    assert (await clinic.do("Ada", "GET", f"{PATH}?reviewed=false"))["items"] == []
    (one,) = (await clinic.do("Ada", "GET", f"{PATH}?reviewed=true"))["items"]
    assert one["reviewed_by"] == str(clinic.id_of("Ada"))
