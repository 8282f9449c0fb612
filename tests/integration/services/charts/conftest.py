from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Row, Select, Table, select

from services.charts.consumers import HANDLERS
from services.charts.main import build_application
from services.charts.models import audit_entry, chart_note, inbox
from services.charts.sealed_columns import SEALED
from shared.database.transactions import Database
from shared.events.catalogue import SESSION_COMPLETED, SETTINGS_CHANGED, STAFF_ACCESS_CHANGED
from shared.events.contract import Contract
from shared.events.staff import Role, StaffAccess, StaffAccessChanged
from shared.messaging.consuming import Consuming
from shared.messaging.messages import Receipt
from shared.messaging.sealing import new_key_ring
from shared.settings import Settings
from shared.testing.databases import opened_rows
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC, MARGARET, OTHER_CLINIC, TUESDAY, a_parcel, enveloped
from shared.web.instance_settings import NOTHING_HEARD
from tests.support.databases import OpenDatabase

NOW = TUESDAY + timedelta(hours=2)

GROUP_SESSIONS_ON = NOTHING_HEARD.model_copy(update={"use_group_sessions": True})
"""What every clinic of these tests has chosen; any version of theirs is newer."""


@dataclass(frozen=True, kw_only=True)
class Charts:
    """The charts service from outside: it hears events and answers requests."""

    database: Database
    issuer: TokenIssuer
    application: FastAPI

    async def hear(
        self, *facts: Contract, event_type: str = SESSION_COMPLETED, instance_id: UUID = CLINIC
    ) -> list[Receipt]:
        envelopes = [enveloped(one, event_type=event_type, instance_id=instance_id) for one in facts]
        return await self.consuming.receive(a_parcel(envelopes))

    async def hire(
        self, role: Role, *, user_id: UUID = MARGARET, instance_id: UUID = CLINIC, active: bool = True
    ) -> None:
        member = StaffAccess(
            user_id=user_id, version=1, active=active, roles=frozenset({role}), features=frozenset()
        )
        change = StaffAccessChanged(members=(member,))
        await self.hear(change, event_type=STAFF_ACCESS_CHANGED, instance_id=instance_id)

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        user_id: UUID = MARGARET,
        instance_id: UUID = CLINIC,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        token = self.issuer.token_for(user_id, instance_id=instance_id)
        transport = httpx2.ASGITransport(app=self.application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://charts") as client:
            sent = {"Authorization": f"Bearer {token}", **(headers or {})}
            return await client.request(method, f"/v1/charts{path}", headers=sent, json=body)

    async def notes(self) -> Sequence[Row[Any]]:
        return await self.opened(select(chart_note).order_by(chart_note.c.held_at), chart_note)

    async def audit(self) -> Sequence[Row[Any]]:
        return await self._rows(select(audit_entry).order_by(audit_entry.c.id))

    async def opened(self, statement: Select[Any], table: Table) -> Sequence[Row[Any]]:
        return await opened_rows(self.database, statement, [one for one in SEALED if one.table == table.name])

    async def _rows(self, statement: Any) -> Sequence[Row[Any]]:
        async with self.database.engine.connect() as connection:
            return (await connection.execute(statement)).all()

    @property
    def consuming(self) -> Consuming:
        return Consuming(consumer="charts", database=self.database, inbox=inbox, handlers=HANDLERS)


@pytest_asyncio.fixture
async def charts(open_database: OpenDatabase, tmp_path: Path) -> Charts:
    issuer = TokenIssuer(tmp_path)
    settings = Settings(
        broker_url=SecretStr("redis://unused"),
        message_keys=SecretStr(new_key_ring()),
        issuer=ISSUER,
        token_keys=str(issuer.key_file),
    )
    database = await open_database("charts")
    application = build_application(settings, database=database, clock=lambda: NOW)
    made = Charts(database=database, issuer=issuer, application=application)
    for clinic in (CLINIC, OTHER_CLINIC):
        await made.hear(GROUP_SESSIONS_ON, event_type=SETTINGS_CHANGED, instance_id=clinic)
    return made
