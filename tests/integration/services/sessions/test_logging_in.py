import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select, update

from services.sessions.configuration.use_cases import found_instance
from services.sessions.directory.issuer import new_signing_key, open_issuer
from services.sessions.logging_in.models import FAILED_LOG_IN, LOG_IN
from services.sessions.main import build_application
from services.sessions.metadata import TRAIL
from services.sessions.settings import SessionsSettings
from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.messaging.sealing import new_key_ring
from shared.settings import Environment, Settings
from shared.testing.identity import AUDIENCE, ISSUER
from shared.web.bodies import json_bytes
from tests.integration.services.sessions.clinic import SetClock
from tests.support.databases import OpenDatabase

LOGIN, PASSWORD = "admin@riverbend", "correct horse battery"


def _build(database: Database, folder: Path, clock: Clock) -> FastAPI:
    key, public_keys = folder / "issuer.pem", folder / "keys.json"
    new_signing_key(key)
    public_keys.write_bytes(json_bytes(open_issuer(key, name=ISSUER, audience=AUDIENCE).public_keys()))
    settings = Settings(
        environment=Environment.EMBEDDED,
        broker_url=SecretStr("redis://unused"),
        message_keys=SecretStr(new_key_ring()),
        issuer=ISSUER,
        token_keys=str(public_keys),
    )
    own = SessionsSettings(database_url=SecretStr("given by the fixture"), issuer_key=key)
    return build_application(settings, own, database=database, clock=clock)


@dataclass(frozen=True, kw_only=True)
class FrontDoor:
    """The service with its built-in issuer, and one Super Admin who has a login."""

    application: FastAPI
    database: Database
    clock: SetClock

    async def ask(self, method: str, path: str, *, token: str = "", json: Any = None) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.application)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(transport=transport, base_url="http://sessions") as client:
            return await client.request(method, path, json=json, headers=headers)

    async def log_in(self, login: str = LOGIN, password: str = PASSWORD) -> httpx2.Response:
        return await self.ask("POST", "/v1/token", json={"login": login, "password": password})

    async def token(self) -> str:
        return str((await self.log_in()).json()["access_token"])

    async def form(self, path: str, **fields: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://sessions") as client:
            return await client.post(path, data=fields)

    async def refresh(self, token: str) -> httpx2.Response:
        return await self.form("/oauth/token", grant_type="refresh_token", refresh_token=token)

    async def actions(self) -> list[str]:
        async with self.database.engine.connect() as connection:
            return list((await connection.execute(select(TRAIL.c.action).order_by(TRAIL.c.id))).scalars())


@pytest_asyncio.fixture
async def front_door(open_database: OpenDatabase, tmp_path: Path) -> FrontDoor:
    database = await open_database("sessions")
    await found_instance(database, name="Riverbend", login=LOGIN, password=PASSWORD, clock=now_utc)
    clock = SetClock(now_utc())
    application = _build(database, tmp_path, clock)
    return FrontDoor(application=application, database=database, clock=clock)


async def test_who_logs_in_gets_a_token_that_works(front_door: FrontDoor) -> None:
    me = await front_door.ask("GET", "/v1/directory/me", token=await front_door.token())
    assert (me.status_code, me.json()["roles"]) == (200, ["super_admin"])


@pytest.mark.parametrize(
    ("login", "password"),
    [(LOGIN, "wrong horse battery"), ("nobody@riverbend", PASSWORD), (LOGIN, "")],
    ids=["wrong password", "unknown login", "no password"],
)
async def test_a_log_in_that_fails_does_not_say_why(front_door: FrontDoor, login: str, password: str) -> None:
    answer = await front_door.log_in(login, password)
    assert (answer.status_code, answer.json()["detail"]) == (401, "The login or the password is not right.")


async def test_a_login_that_no_database_can_hold_is_malformed(front_door: FrontDoor) -> None:
    assert (await front_door.log_in("admin\x00")).status_code == 422


async def test_a_second_login_of_one_user_is_refused(front_door: FrontDoor) -> None:
    token = await front_door.token()
    me = (await front_door.ask("GET", "/v1/directory/me", token=token)).json()["user_id"]
    path, body = f"/v1/directory/staff/{me}/login", {"login": LOGIN, "password": "another long password"}
    assert (await front_door.ask("PUT", path, token=token, json=body)).status_code == 409


async def test_a_short_password_is_refused_without_repeating_it(front_door: FrontDoor) -> None:
    token = await front_door.token()
    me = (await front_door.ask("GET", "/v1/directory/me", token=token)).json()["user_id"]
    body = {"login": "margaret", "password": "hunter2"}
    answer = await front_door.ask("PUT", f"/v1/directory/staff/{me}/login", token=token, json=body)
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


async def test_the_public_keys_are_open_and_hold_no_private_part(front_door: FrontDoor) -> None:
    (key,) = (await front_door.ask("GET", "/.well-known/jwks.json")).json()["keys"]
    assert (key["kty"], key["crv"]) == ("OKP", "Ed25519")
    assert "d" not in key


async def _failed_often(front_door: FrontDoor, times: int, *, login: str = LOGIN) -> None:
    """Write down failures without paying for each with a slow hash."""
    await front_door.log_in(login, "wrong horse battery")
    async with front_door.database.engine.begin() as connection:
        await connection.execute(update(FAILED_LOG_IN).values(failures=times))


@pytest.mark.parametrize("login", [LOGIN, "nobody@riverbend"])
async def test_after_failures_a_login_waits_whether_somebody_has_it_or_not(
    front_door: FrontDoor, login: str
) -> None:
    await _failed_often(front_door, 9, login=login)
    refused = await front_door.log_in(login)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "16")
    assert refused.json()["type"].endswith("/too-many-failed-log-ins")
    front_door.clock.forward(seconds=16)
    assert (await front_door.log_in(login)).status_code == (200 if login == LOGIN else 401)


async def test_a_success_begins_the_count_anew(front_door: FrontDoor) -> None:
    for _ in range(2):
        await front_door.log_in(password="wrong horse battery")
    assert (await front_door.log_in()).status_code == 200
    async with front_door.database.engine.connect() as connection:
        assert (await connection.execute(select(FAILED_LOG_IN.c.failures))).scalars().all() == [2]


async def test_after_a_hundred_failures_only_a_super_admin_helps(front_door: FrontDoor) -> None:
    token = await front_door.token()
    me = (await front_door.ask("GET", "/v1/directory/me", token=token)).json()["user_id"]
    await _failed_often(front_door, 100)
    front_door.clock.forward(minutes=14)
    assert (await front_door.log_in()).json()["detail"] == "A Super Admin has to unlock this login."
    unlock = f"/v1/directory/staff/{me}/login/unlock"
    assert (await front_door.ask("POST", unlock, token=token)).status_code == 204
    async with front_door.database.engine.begin() as connection:
        await connection.execute(update(FAILED_LOG_IN).values(failures=0))
    assert (await front_door.log_in()).status_code == 200
    assert "login.unlocked" in await front_door.actions()


async def test_failures_and_log_ins_are_in_the_audit_trail(front_door: FrontDoor) -> None:
    await front_door.log_in(password="wrong horse battery")
    await front_door.log_in("nobody@riverbend")
    await front_door.log_in()
    assert [one for one in await front_door.actions() if one.startswith("log_in")] == [
        "log_in.failed",
        "log_in.opened",
    ]


async def test_a_refresh_gives_the_next_token_with_the_first_authentication(front_door: FrontDoor) -> None:
    first = (await front_door.log_in()).json()
    front_door.clock.forward(minutes=14)
    second = (await front_door.refresh(first["refresh_token"])).json()
    claims = [jwt.decode(one["access_token"], options={"verify_signature": False}) for one in (first, second)]
    assert claims[0]["auth_time"] == claims[1]["auth_time"]
    assert claims[1]["exp"] - claims[0]["exp"] == 14 * 60
    assert (await front_door.refresh(second["refresh_token"])).status_code == 200


async def test_a_refresh_token_that_comes_twice_ends_the_log_in(front_door: FrontDoor) -> None:
    stolen = (await front_door.log_in()).json()["refresh_token"]
    newer = (await front_door.refresh(stolen)).json()["refresh_token"]
    for token in (stolen, newer, "made up"):
        answer = await front_door.refresh(token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "log_in.token_reused" in await front_door.actions()


async def test_of_two_refreshes_at_once_at_most_one_is_given(front_door: FrontDoor) -> None:
    token = (await front_door.log_in()).json()["refresh_token"]
    answers = await asyncio.gather(*(front_door.refresh(token) for _ in range(3)))
    assert sorted(one.status_code for one in answers) == [200, 400, 400]


async def test_who_is_idle_for_a_quarter_of_an_hour_is_out(front_door: FrontDoor) -> None:
    token = (await front_door.log_in()).json()["refresh_token"]
    front_door.clock.forward(minutes=15)
    assert (await front_door.refresh(token)).status_code == 400


async def test_after_twelve_hours_everybody_is_out_however_busy(front_door: FrontDoor) -> None:
    token = (await front_door.log_in()).json()["refresh_token"]
    began = front_door.clock() - timedelta(hours=11, minutes=57)
    async with front_door.database.engine.begin() as connection:
        await connection.execute(update(LOG_IN).values(authenticated_at=began))
    answer = (await front_door.refresh(token)).json()
    assert answer["expires_in"] == 3 * 60
    front_door.clock.forward(minutes=3)
    assert (await front_door.refresh(answer["refresh_token"])).status_code == 400


async def test_who_logs_out_is_out(front_door: FrontDoor) -> None:
    token = (await front_door.log_in()).json()["refresh_token"]
    for one in (token, token, "made up"):
        assert (await front_door.form("/oauth/revocation", token=one)).status_code == 200
    assert (await front_door.refresh(token)).status_code == 400


async def test_users_see_their_log_ins_and_end_one(front_door: FrontDoor) -> None:
    elsewhere, here = (await front_door.log_in()).json(), (await front_door.log_in()).json()
    path, token = "/v1/log-ins", here["access_token"]
    items = (await front_door.ask("GET", path, token=token)).json()["items"]
    assert [one["current"] for one in items] == [True, False]
    for status in (204, 404):
        answer = await front_door.ask("DELETE", f"{path}/{items[1]['id']}", token=token)
        assert answer.status_code == status
    assert (await front_door.refresh(elsewhere["refresh_token"])).status_code == 400
    assert (await front_door.refresh(here["refresh_token"])).status_code == 200


async def test_a_new_password_ends_all_other_log_ins(front_door: FrontDoor) -> None:
    elsewhere, here = (await front_door.log_in()).json(), (await front_door.log_in()).json()
    body = {"old_password": PASSWORD, "new_password": "battery staple correct"}
    path = "/v1/directory/me/password"
    answer = await front_door.ask("PUT", path, token=here["access_token"], json=body)
    assert answer.status_code == 204, answer.text
    assert (await front_door.log_in(password="battery staple correct")).status_code == 200
    assert (await front_door.refresh(elsewhere["refresh_token"])).status_code == 400
    assert (await front_door.refresh(here["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("wrong horse battery", "battery staple correct", 403),
        (PASSWORD, "passwordpassword", 422),
        (PASSWORD, "short password", 422),
    ],
    ids=["wrong old one", "common", "short"],
)
async def test_a_password_is_not_changed(front_door: FrontDoor, old: str, new: str, status: int) -> None:
    body, token = {"old_password": old, "new_password": new}, await front_door.token()
    answer = await front_door.ask("PUT", "/v1/directory/me/password", token=token, json=body)
    assert answer.status_code == status
    assert (await front_door.log_in()).status_code == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({}, "invalid_request"),
    ],
    ids=["grant", "token", "nothing"],
)
async def test_forms_are_refused_as_the_standard_says(
    front_door: FrontDoor, fields: dict[str, str], error: str
) -> None:
    answer = await front_door.form("/oauth/token", **fields)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
