"""The sessions service with its built-in issuer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from services.sessions.directory.issuer import new_signing_key, open_issuer
from services.sessions.main import build_application
from services.sessions.metadata import TRAIL
from services.sessions.settings import SessionsSettings
from shared.clock import Clock
from shared.database.transactions import Database
from shared.messaging.sealing import new_key_ring
from shared.settings import Environment, Settings
from shared.testing.identity import AUDIENCE, ISSUER
from shared.web.bodies import json_bytes
from shared.web.identity import Identity
from tests.integration.services.sessions.clinic import SetClock

LOGIN, PASSWORD = "admin@riverbend", "correct horse battery"


def with_issuer(database: Database, folder: Path, clock: Clock) -> FastAPI:
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
    admin: Identity
    """Who the Super Admin is, for what needs no password."""

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
