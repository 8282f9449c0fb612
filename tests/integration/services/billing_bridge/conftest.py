import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Row, Table, select

from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.consumers import HANDLERS
from services.billing_bridge.filed_notes import NoCharts
from services.billing_bridge.models import (
    audit_entry,
    charge,
    charge_status,
    idempotency_key,
    inbox,
    staff_access,
)
from services.billing_bridge.networks import Networks
from services.billing_bridge.outside import Outside, open_connectors, open_outside
from services.billing_bridge.pushing import Pusher
from services.billing_bridge.routers import ROUTES
from services.billing_bridge.sealed_columns import SEALED
from shared.database.transactions import Database
from shared.events.catalogue import SESSION_COMPLETED, STAFF_ACCESS_CHANGED
from shared.events.contract import Contract
from shared.events.preview import PREVIEW_PATH
from shared.events.staff import Feature, Role, StaffAccess, StaffAccessChanged
from shared.messaging.consuming import Consuming
from shared.messaging.messages import Receipt
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.settings import Environment, Settings
from shared.testing.databases import FIELD_KEYS, opened_rows
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC, MARGARET, TUESDAY, a_parcel, a_session_record, enveloped
from shared.web.application import new_application
from shared.web.idempotency import Idempotency
from shared.web.refusals import audit_refusals
from tests.support.databases import OpenDatabase

NOON = TUESDAY + timedelta(hours=4)


@dataclass
class Watch:
    """A clock that stands still until it is set."""

    now: datetime = field(default_factory=lambda: datetime.now(TUESDAY.tzinfo))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass(frozen=True, kw_only=True)
class Billing:
    """The billing bridge from outside: it hears events, answers requests and pushes."""

    database: Database
    issuer: TokenIssuer
    application: FastAPI
    keys: KeyRing
    message_keys: KeyRing
    outside: Outside
    watch: Watch

    async def hear(
        self, *facts: Contract, event_type: str = SESSION_COMPLETED, instance_id: UUID = CLINIC
    ) -> list[Receipt]:
        envelopes = [enveloped(one, event_type=event_type, instance_id=instance_id) for one in facts]
        return await self.consuming.receive(a_parcel(envelopes))

    async def hire(
        self,
        *roles: Role,
        features: frozenset[Feature] = frozenset(),
        user_id: UUID = MARGARET,
        instance_id: UUID = CLINIC,
    ) -> None:
        member = StaffAccess(
            user_id=user_id, version=1, active=True, roles=frozenset(roles), features=features
        )
        change = StaffAccessChanged(members=(member,))
        await self.hear(change, event_type=STAFF_ACCESS_CHANGED, instance_id=instance_id)

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        content: Any = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        user_id: UUID = MARGARET,
        instance_id: UUID = CLINIC,
    ) -> httpx2.Response:
        token = self.issuer.token_for(user_id, instance_id=instance_id)
        transport = httpx2.ASGITransport(app=self.application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://billing") as client:
            everything = {"Authorization": f"Bearer {token}"} | (headers or {})
            body: dict[str, Any] = {"json": content} if raw is None else {"content": raw}
            return await client.request(method, f"/v1/billing{path}", headers=everything, **body)

    async def connect(self, url: str, *, system: str = "webhook", **changes: Any) -> httpx2.Response:
        await self.hire(Role.SUPER_ADMIN)
        answer = await self.ask(f"/connections/{system}", method="PUT", content={"url": url} | changes)
        assert answer.status_code == 200, answer.text
        return answer

    async def one_charge(self, url: str, **changes: Any) -> dict[str, Any]:
        """Connects to `url` and hears of a session with one patient."""
        await self.connect(url, **changes)
        await self.hear(a_session_record(present=1, absent=0))
        return await self.shown()

    async def shown(self) -> dict[str, Any]:
        """The only charge, as the API shows it."""
        (one,) = await self.charges()
        shown: dict[str, Any] = (await self.ask(f"/charges/{one.charge_id}")).json()
        return shown

    async def decide(self, deed: str, *, reason: str = "As the biller says.") -> httpx2.Response:
        (one,) = await self.charges()
        return await self.ask(f"/charges/{one.charge_id}/{deed}", method="POST", content={"reason": reason})

    @property
    def pusher(self) -> Pusher:
        return Pusher(
            database=self.database,
            connectors=open_connectors(CONNECTORS, self.outside),
            keys=self.keys,
            units={name: kind.unit for name, kind in CONNECTORS.items()},
            ordered=[name for name, kind in CONNECTORS.items() if kind.ordered_per_patient],
            clock=self.watch,
            chance=lambda: 0.0,
        )

    async def push(self) -> None:
        await self.pusher.push_all_due()

    async def charges(self) -> Sequence[Row[Any]]:
        return await self.opened(charge)

    async def statuses(self) -> list[str]:
        rows = await self.rows(select(charge_status).order_by(charge_status.c.charge_id))
        return [row.status for row in rows]

    async def audit(self) -> Sequence[Row[Any]]:
        return await self.rows(select(audit_entry).order_by(audit_entry.c.id))

    async def opened(self, table: Table) -> Sequence[Row[Any]]:
        """Give all rows with their fields open, oldest first."""
        sealed = [one for one in SEALED if one.table == table.name]
        order = [table.c[name] for name in ("made_at", "charge_id", "number") if name in table.c]
        return await opened_rows(self.database, select(table).order_by(*order), sealed)

    async def rows(self, statement: Any) -> Sequence[Row[Any]]:
        async with self.database.engine.connect() as connection:
            return (await connection.execute(statement)).all()

    @property
    def consuming(self) -> Consuming:
        return Consuming(
            consumer="billing_bridge",
            database=self.database,
            inbox=inbox,
            handlers=HANDLERS,
            rings_after_apply=True,
        )


@pytest_asyncio.fixture
async def billing(open_database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Billing]:
    async with billing_on(await open_database("billing_bridge"), tmp_path) as one:
        yield one


@asynccontextmanager
async def billing_on(database: Database, folder: Path) -> AsyncIterator[Billing]:
    issuer, keys, watch = TokenIssuer(folder), KeyRing.parse(new_key_ring()), Watch()
    settings = Settings(
        environment=Environment.EMBEDDED,
        broker_url=SecretStr("redis://unused"),
        message_keys=SecretStr(new_key_ring()),
        field_keys=SecretStr(FIELD_KEYS),
        issuer=ISSUER,
        token_keys=str(issuer.key_file),
    )
    application = new_application(
        title="billing",
        routes=ROUTES,
        database=database,
        settings=settings,
        user_id=staff_access.c.user_id,
        state={"clock": watch, "connection_keys": keys, "filed_notes": NoCharts()},
        open_paths=(PREVIEW_PATH,),
        idempotency=Idempotency(
            database=database,
            table=idempotency_key,
            access=staff_access,
            trail=audit_entry,
            keys=settings.keys,
            clock=watch,
        ),
    )
    audit_refusals(application, database=database, trail=audit_entry, clock=watch)
    networks = Networks.parse("", embedded=True)
    async with open_outside(
        networks=networks, clock=watch, embedded=True, folder=folder / "files"
    ) as outside:
        yield Billing(
            database=database,
            issuer=issuer,
            application=application,
            keys=keys,
            message_keys=settings.keys,
            outside=outside,
            watch=watch,
        )


@dataclass(frozen=True, kw_only=True)
class RunningReceiver:
    """The reference receiver as a process of its own."""

    url: str
    secret: str

    async def get(self, what: str) -> Any:
        async with httpx2.AsyncClient(trust_env=False) as client:
            return (await client.get(self.url.replace("/charges", f"/{what}"))).json()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[RunningReceiver]:
    secret = CONNECTORS["webhook"].new_secret() or ""
    (tmp_path / "secret").write_text(secret)
    module = "services.billing_bridge.connectors.webhook.receiver"
    arguments = ["--secret-file", str(tmp_path / "secret"), "--keep-in", str(tmp_path / "kept")]
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield RunningReceiver(url=process.stdout.readline().strip(), secret=secret)
        process.terminate()
