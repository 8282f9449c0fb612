"""An instance never loses its last Super Admin: nobody could make another one."""

import asyncio
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from services.sessions.directory.domain import imported_id
from services.sessions.directory.models import STAFF_ACCESS, STAFF_MEMBER
from tests.integration.services.sessions.clinic import Clinic
from tests.support.fhir_exports import ndjson, practitioner

REASON = "An instance keeps an active Super Admin; make another one first."


async def _grant(clinic: Clinic, user_id: UUID, *roles: str, by: str = "Ada") -> httpx2.Response:
    path = f"/v1/directory/staff/{user_id}/access"
    return await clinic.ask(by, "PUT", path, json={"roles": roles}, if_match="*")


async def _deactivate(clinic: Clinic, user_id: UUID) -> httpx2.Response:
    place = f"/v1/directory/staff/{user_id}"
    return await clinic.ask("Ada", "PATCH", place, json={"active": False}, headers={"If-Match": '"1"'})


@pytest.mark.rule("SET-1", "PERM-1")
async def test_the_last_one_neither_gives_the_role_up_nor_leaves(clinic: Clinic) -> None:
    asked = [await _grant(clinic, clinic.id_of("Ada")), await _deactivate(clinic, clinic.id_of("Ada"))]
    assert [(one.status_code, one.json()["detail"]) for one in asked] == [(409, REASON)] * 2
    assert (await clinic.do("Ada", "GET", "/v1/directory/me"))["roles"] == ["super_admin"]


@pytest.mark.rule("SET-1")
async def test_one_of_two_gives_the_role_up(clinic: Clinic) -> None:
    assert (await _grant(clinic, clinic.id_of("Tom"), "super_admin")).status_code == 200
    assert (await _grant(clinic, clinic.id_of("Ada"), "therapist")).status_code == 200
    assert (await _grant(clinic, clinic.id_of("Tom"), by="Tom")).status_code == 409


@pytest.mark.rule("SET-1")
async def test_of_two_who_take_the_role_from_each_other_at_once_one_keeps_it(clinic: Clinic) -> None:
    await _grant(clinic, clinic.id_of("Tom"), "super_admin")
    await asyncio.gather(
        _grant(clinic, clinic.id_of("Tom"), by="Ada"), _grant(clinic, clinic.id_of("Ada"), by="Tom")
    )
    admins = [one.user_id for one in await clinic.rows(STAFF_ACCESS) if "super_admin" in one.roles]
    assert len(admins) == 1


@pytest.mark.rule("SET-1")
async def test_an_import_does_not_take_the_last_one_away(clinic: Clinic) -> None:
    imported = await _import(clinic, active=True)
    await _grant(clinic, imported, "super_admin")
    async with clinic.database.engine.begin() as connection:
        others = update(STAFF_ACCESS).where(STAFF_ACCESS.c.user_id != imported)
        await connection.execute(others.values(roles=["nurse"]))
    line = practitioner() | {"active": False}
    token = clinic.issuer.token_for(imported, instance_id=clinic.instance_id)
    answer = await clinic.ask(None, "POST", "/v1/directory/imports", content=ndjson(line), token=token)
    assert answer.json()["problems"] == [{"line": 1, "reason": f"Practitioner.active: {REASON}"}]
    assert [one.active for one in await clinic.rows(STAFF_MEMBER) if one.id == imported] == [True]


async def _import(clinic: Clinic, **changes: Any) -> UUID:
    line = practitioner() | changes
    await clinic.do("Ada", "POST", "/v1/directory/imports", content=ndjson(line))
    return imported_id(clinic.instance_id, "Practitioner", line["id"])
