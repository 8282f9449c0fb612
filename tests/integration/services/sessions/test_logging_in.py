from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from services.sessions.configuration.use_cases import found_instance
from services.sessions.directory.issuer import new_signing_key, open_issuer
from services.sessions.main import build_application
from services.sessions.settings import SessionsSettings
from shared.clock import now_utc
from shared.database.transactions import Database
from shared.messaging.sealing import new_key_ring
from shared.settings import EX_CONFIG, Environment, Settings
from shared.testing.identity import AUDIENCE, ISSUER
from shared.web.bodies import json_bytes
from tests.support.databases import OpenDatabase

LOGIN, PASSWORD = "admin@riverbend", "correct horse battery"


def _build(database: Database, folder: Path, environment: Environment) -> FastAPI:
    key, public_keys = folder / "issuer.pem", folder / "keys.json"
    new_signing_key(key)
    public_keys.write_bytes(json_bytes(open_issuer(key, name=ISSUER, audience=AUDIENCE).public_keys()))
    settings = Settings(
        environment=environment,
        broker_url=SecretStr("redis://unused"),
        message_keys=SecretStr(new_key_ring()),
        issuer=ISSUER,
        token_keys=str(public_keys),
    )
    own = SessionsSettings(database_url=SecretStr("given by the fixture"), issuer_key=key)
    return build_application(settings, own, database=database, clock=now_utc)


@dataclass(frozen=True, kw_only=True)
class FrontDoor:
    """The service with its built-in issuer, and one Super Admin who has a login."""

    application: FastAPI

    async def ask(self, method: str, path: str, *, token: str = "", json: Any = None) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.application)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(transport=transport, base_url="http://sessions") as client:
            return await client.request(method, path, json=json, headers=headers)

    async def log_in(self, login: str = LOGIN, password: str = PASSWORD) -> httpx2.Response:
        return await self.ask("POST", "/v1/token", json={"login": login, "password": password})

    async def token(self) -> str:
        return str((await self.log_in()).json()["access_token"])


@pytest_asyncio.fixture
async def front_door(open_database: OpenDatabase, tmp_path: Path) -> FrontDoor:
    database = await open_database("sessions")
    await found_instance(database, name="Riverbend", login=LOGIN, password=PASSWORD, clock=now_utc)
    return FrontDoor(application=_build(database, tmp_path, Environment.EMBEDDED))


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


async def test_the_built_in_issuer_is_refused_in_production(
    open_database: OpenDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = await open_database("sessions")
    with pytest.raises(SystemExit) as ended:
        _build(database, tmp_path, Environment.PRODUCTION)
    assert ended.value.code == EX_CONFIG
    assert "OPENCIRCLE_SESSIONS_ISSUER_KEY" in capsys.readouterr().err
