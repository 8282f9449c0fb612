"""The four services with the whole cast on the staff, each on SQLite and in this process."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import httpx2
import pytest
from fastapi import FastAPI

from services.billing_bridge.consumers import HANDLERS as BILLING_HANDLERS
from services.billing_bridge.main import create_application as create_billing
from services.billing_bridge.models import inbox as billing_inbox
from services.charts.consumers import HANDLERS as CHARTS_HANDLERS
from services.charts.main import create_application as create_charts
from services.charts.models import inbox as charts_inbox
from services.printing.consumers import HANDLERS as PRINTING_HANDLERS
from services.printing.main import create_application as create_printing
from services.printing.models import inbox as printing_inbox
from services.sessions.directory.issuer import new_signing_key
from services.sessions.main import create_application as create_sessions
from shared.database.transactions import Database
from shared.events.catalogue import SETTINGS_CHANGED, STAFF_ACCESS_CHANGED
from shared.events.contract import Contract
from shared.events.staff import Scope, StaffAccess, StaffAccessChanged
from shared.messaging.consuming import Consuming
from shared.messaging.sealing import new_key_ring
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC, OTHER_CLINIC, a_parcel, enveloped
from shared.web.instance_settings import NOTHING_HEARD
from tests.integration.services.sessions.clinic import STAFF, Clinic, SetClock
from tests.support.databases import copied

SERVICES: Final[Mapping[str, tuple[Callable[[], FastAPI], Any, Any]]] = {
    "sessions": (create_sessions, None, None),
    "charts": (create_charts, charts_inbox, CHARTS_HANDLERS),
    "billing_bridge": (create_billing, billing_inbox, BILLING_HANDLERS),
    "printing": (create_printing, printing_inbox, PRINTING_HANDLERS),
}
EVERYTHING_ON: Final = NOTHING_HEARD.model_copy(
    update={
        "version": 1,
        "use_group_sessions": True,
        "view_individual_group_sessions": True,
        "show_attendance_in_chart": True,
    }
)


@dataclass(frozen=True, kw_only=True)
class Door:
    """One service, as anybody may knock at it."""

    service: str
    application: FastAPI
    database: Database
    issuer: TokenIssuer

    async def ask(
        self,
        who: str | None,
        route: str,
        *,
        ids: Mapping[str, object],
        body: Any = None,
        query: str = "",
        instance_id: UUID = CLINIC,
    ) -> httpx2.Response:
        method, path = route.split(" ")
        headers = {"If-Match": '"1"'}
        if who is not None:
            now = self.application.state.clock()
            token = self.issuer.token_for(uuid5(instance_id, who), instance_id=instance_id, auth_time=now)
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx2.ASGITransport(app=self.application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://door") as client:
            sent = {"content": body} if isinstance(body, str) else {"json": body}
            return await client.request(method, path.format(**ids) + query, headers=headers, **sent)

    async def hear(self, facts: Contract, event_type: str, *, instance_id: UUID = CLINIC) -> None:
        _, inbox, handlers = SERVICES[self.service]
        consuming = Consuming(
            consumer=self.service,
            database=self.database,
            inbox=inbox,
            handlers=handlers,
            rings_after_apply=True,
        )
        await consuming.receive(a_parcel([enveloped(facts, event_type=event_type, instance_id=instance_id)]))

    async def employ_systems(self) -> None:
        """Have a service account for each scope; the sessions service keeps none where it looks for staff."""
        members = tuple(
            StaffAccess(
                user_id=uuid5(CLINIC, scope),
                version=1,
                active=True,
                roles=frozenset(),
                features=frozenset(),
                scopes=frozenset({scope}),
            )
            for scope in Scope
        )
        if self.service != "sessions":
            await self.hear(StaffAccessChanged(members=members), STAFF_ACCESS_CHANGED)

    def routes(self) -> set[str]:
        paths = self.application.openapi()["paths"]
        return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


Open = Callable[[str], Awaitable[Door]]


async def open_door(service: str, folder: Path, templates: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    """Start one service with the settings of one machine; both clinics have the whole cast."""
    issuer, url = TokenIssuer(folder), await copied(templates, service, folder / f"{service}.sqlite3")
    new_signing_key(folder / "issuer.pem")
    for name, text in {
        "ENVIRONMENT": "embedded",
        "BROKER_URL": "redis://unused",
        "MESSAGE_KEYS": new_key_ring(),
        "ISSUER": ISSUER,
        "TOKEN_KEYS": str(issuer.key_file),
        f"{service.partition('_')[0].upper()}_DATABASE_URL": url,
        "SESSIONS_ISSUER_KEY": str(folder / "issuer.pem"),
        "BILLING_CONNECTION_KEYS": new_key_ring(),
        "PRINTING_STORAGE_FOLDER": str(folder / "sheets"),
    }.items():
        monkeypatch.setenv(f"OPENCIRCLE_{name}", text)
    application = SERVICES[service][0]()
    database: Database = application.state.database
    door = Door(service=service, application=application, database=database, issuer=issuer)
    for instance_id in (CLINIC, OTHER_CLINIC):
        await _staff(door, instance_id)
    return door


def clinic_of(door: Door, instance_id: UUID) -> Clinic:
    """Give the sessions service as its own tests have it, on a clock of TUESDAY."""
    clock = SetClock()
    door.application.state.clock = clock
    clinic = Clinic(
        application=door.application,
        database=door.database,
        issuer=door.issuer,
        clock=clock,
        instance_id=instance_id,
    )
    clinic.patients.extend(clinic.patient(number) for number in range(3))
    return clinic


async def _staff(door: Door, instance_id: UUID) -> None:
    if door.service == "sessions":
        await clinic_of(door, instance_id).open()
        return
    members = tuple(
        StaffAccess(
            user_id=uuid5(instance_id, name),
            version=1,
            active=True,
            roles=frozenset({role} if role else ()),
            features=features,
        )
        for name, (role, features) in STAFF.items()
    )
    await door.hear(StaffAccessChanged(members=members), STAFF_ACCESS_CHANGED, instance_id=instance_id)
    if door.service == "charts":
        await door.hear(EVERYTHING_ON, SETTINGS_CHANGED, instance_id=instance_id)
