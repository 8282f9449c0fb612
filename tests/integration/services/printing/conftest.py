from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import Row, select

from services.printing.consumers import HANDLERS
from services.printing.main import create_application
from services.printing.models import audit_entry, inbox, ledger, print_job
from services.printing.renderer import Press
from services.printing.rendering import Renderer, Rendering
from services.printing.sealed_columns import SEALED
from services.printing.storage import FolderStorage
from shared.database.transactions import Database
from shared.events.catalogue import SHEET_REQUESTED, SHEETS_REQUESTED, STAFF_ACCESS_CHANGED
from shared.events.contract import Contract
from shared.events.sheet import SignInSheet, SignInSheets
from shared.events.staff import Feature, Role, StaffAccess, StaffAccessChanged
from shared.messaging.consuming import Consuming
from shared.messaging.ledger import claim_due, opened
from shared.messaging.messages import Parcel, Receipt, Verdict
from shared.messaging.sealing import new_key_ring
from shared.testing.databases import opened_rows
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC, MARGARET, TUESDAY, a_parcel, enveloped
from tests.support.databases import OpenDatabase

NOW = TUESDAY + timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class Printing:
    """The printing service from outside: it hears events, renders, and answers requests."""

    database: Database
    storage: FolderStorage
    renderer: Renderer
    issuer: TokenIssuer
    application: FastAPI

    async def request(self, *sheets: SignInSheet | SignInSheets, instance_id: UUID = CLINIC) -> Parcel:
        """Have sheets requested, and give the parcel that did it."""
        types = {SignInSheet: SHEET_REQUESTED, SignInSheets: SHEETS_REQUESTED}
        parcel = a_parcel(
            [enveloped(one, event_type=types[type(one)], instance_id=instance_id) for one in sheets]
        )
        await self.consuming.receive(parcel)
        return parcel

    async def hear(self, facts: Contract, event_type: str, *, instance_id: UUID = CLINIC) -> None:
        """Have any other event come."""
        envelope = enveloped(facts, event_type=event_type, instance_id=instance_id)
        (receipt,) = await self.consuming.receive(a_parcel([envelope]))
        assert receipt.verdict is Verdict.APPLIED, receipt.reason

    async def queued(self) -> Parcel:
        """Give what printing's own relay would ring for now."""
        async with self.database.writing_for_all() as connection:
            claimed = await claim_due(
                connection, ledger, now=NOW + timedelta(days=3650), ring_again_after_seconds=[0]
            )
        claimed = await opened(self.database, claimed)
        deliveries = tuple(one.delivery for one in claimed if one.consumer == "printing.render")
        return Parcel(receipts_to="printing.receipts", deliveries=deliveries)

    async def render(self, parcel: Parcel | None = None, **ports: Any) -> list[Receipt]:
        """Render what is queued, with other `storage` or `renderer` if given."""
        rendering = Rendering(
            database=self.database, storage=self.storage, renderer=self.renderer, clock=lambda: NOW
        )
        return await replace(rendering, **ports).receive(parcel or await self.queued())

    async def hire(
        self,
        *roles: Role,
        features: frozenset[Feature] = frozenset(),
        instance_id: UUID = CLINIC,
        active: bool = True,
        version: int = 1,
    ) -> None:
        member = StaffAccess(
            user_id=MARGARET, version=version, active=active, roles=frozenset(roles), features=features
        )
        change = StaffAccessChanged(members=(member,))
        envelope = enveloped(change, event_type=STAFF_ACCESS_CHANGED, instance_id=instance_id)
        await self.consuming.receive(a_parcel([envelope]))

    async def ask(
        self, path: str, *, prefix: str = "/v1/printing", instance_id: UUID = CLINIC, accept: str = "*/*"
    ) -> httpx2.Response:
        return await self._send("GET", f"{prefix}{path}", instance_id, accept=accept)

    async def post(self, path: str, *, instance_id: UUID = CLINIC, **body: Any) -> httpx2.Response:
        body = {name: str(value) for name, value in body.items()}
        return await self._send("POST", f"/v1/printing{path}", instance_id, json=body)

    async def _send(
        self, method: str, path: str, instance_id: UUID, *, accept: str = "*/*", json: Any = None
    ) -> httpx2.Response:
        token = self.issuer.token_for(MARGARET, instance_id=instance_id)
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        transport = httpx2.ASGITransport(app=self.application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://printing") as client:
            return await client.request(method, path, headers=headers, json=json)

    async def job(self, sheet: SignInSheet | SignInSheets) -> Row[Any]:
        (row,) = await self._rows(select(print_job).where(print_job.c.id == sheet.job_id))
        return row

    async def deliveries(self) -> Sequence[Row[Any]]:
        return await self._rows(select(ledger.delivery))

    async def audit(self) -> Sequence[Row[Any]]:
        return await self._rows(select(audit_entry).order_by(audit_entry.c.id))

    async def _rows(self, statement: Any) -> Sequence[Row[Any]]:
        table = statement.get_final_froms()[0].name
        return await opened_rows(self.database, statement, [one for one in SEALED if one.table == table])

    @property
    def consuming(self) -> Consuming:
        return Consuming(
            consumer="printing",
            database=self.database,
            inbox=inbox,
            handlers=HANDLERS,
            rings_after_apply=True,
        )


@pytest.fixture(scope="session")
def press() -> Press:
    """Warm for all tests, as a child of the pool has it."""
    return Press()


@pytest_asyncio.fixture
async def printing(
    open_database: OpenDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, press: Press
) -> AsyncIterator[Printing]:
    issuer, folder = TokenIssuer(tmp_path), tmp_path / "sheets"
    database = await open_database("printing")
    url = database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("OPENCIRCLE_ENVIRONMENT", "embedded")
    monkeypatch.setenv("OPENCIRCLE_BROKER_URL", "redis://unused")
    monkeypatch.setenv("OPENCIRCLE_MESSAGE_KEYS", new_key_ring())
    monkeypatch.setenv("OPENCIRCLE_ISSUER", ISSUER)
    monkeypatch.setenv("OPENCIRCLE_TOKEN_KEYS", str(issuer.key_file))
    monkeypatch.setenv("OPENCIRCLE_PRINTING_DATABASE_URL", url)
    monkeypatch.setenv("OPENCIRCLE_PRINTING_STORAGE_FOLDER", str(folder))
    application = create_application()
    application.state.clock = lambda: NOW
    async with application.router.lifespan_context(application):
        yield Printing(
            database=database,
            storage=FolderStorage(folder),
            renderer=press,
            issuer=issuer,
            application=application,
        )
