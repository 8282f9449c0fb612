"""A clinic with its cast, and the sessions service as staff reach it: over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import httpx2
from fastapi import FastAPI
from sqlalchemy import Row, Select, Table, select

from services.sessions.configuration.domain import InstanceSettings
from services.sessions.configuration.repository import add_instance
from services.sessions.directory.domain import Location, Patient, StaffMember
from services.sessions.directory.repository import store, store_access
from services.sessions.scheduling.domain import session_id_of
from services.sessions.sealed_columns import SEALED
from shared.database.transactions import Database
from shared.events.staff import Feature, Role, StaffAccess
from shared.testing.databases import opened_rows
from shared.testing.identity import TokenIssuer
from shared.testing.records import FIRST_NAMES, LAST_NAMES, TUESDAY

TODAY: Final = TUESDAY.date()
CHICAGO_MORNING: Final = "09:00"
"""TUESDAY at the location, whose clocks went forward two days before."""

STAFF: Final[Mapping[str, tuple[Role | None, frozenset[Feature]]]] = {
    "Ada": (Role.SUPER_ADMIN, frozenset()),
    "Rosa": (Role.RECORDS_ADMIN, frozenset()),
    "Margaret": (Role.THERAPIST, frozenset()),
    "Tom": (Role.CASE_MANAGER, frozenset()),
    "Ivy": (Role.THERAPIST, frozenset({Feature.REQUIRES_GROUP_SESSION_REVIEW})),
    "Ruth": (None, frozenset({Feature.REVIEW_GROUP_SESSIONS})),
    "Frank": (None, frozenset({Feature.MANAGE_GROUP_SESSIONS})),
    "Tess": (None, frozenset({Feature.MANAGE_GROUP_SESSION_TEMPLATES})),
    "Nora": (Role.NURSE, frozenset()),
    "Dora": (Role.DOCTOR, frozenset()),
    "Fay": (Role.FRONT_OFFICE, frozenset()),
}
"""Who works at the clinic, and what makes the difference."""

BILLING: Final[dict[str, Any]] = {
    "mode": "ancillary",
    "codes": [
        {
            "kind": "ccode",
            "code": "90853",
            "description": "Group psychotherapy",
            "effective_on": "2020-01-01",
            "ends_on": None,
        }
    ],
    "place_of_service": "53",
    "modifiers": ["HQ"],
    "units": {"by": "time", "minutes_per_unit": 15, "minutes_to_round_up": 8},
    "minimum_minutes": 16,
}


@dataclass
class SetClock:
    """A clock that stands still until it is moved."""

    moment: datetime = TUESDAY

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass(kw_only=True)
class Clinic:
    """One instance: its people, its location, and what they ask of the API."""

    application: FastAPI
    database: Database
    issuer: TokenIssuer
    clock: SetClock
    instance_id: UUID
    patients: list[Patient] = field(default_factory=list)
    planned_groups: int = 0

    @property
    def location_id(self) -> UUID:
        return uuid5(self.instance_id, "Main Street")

    def id_of(self, name: str) -> UUID:
        return uuid5(self.instance_id, name)

    @property
    def patient_ids(self) -> list[UUID]:
        return [patient.id for patient in self.patients]

    async def open(self, *, patients: int = 3, **settings: Any) -> None:
        """Write down the instance, its location, its staff and so many patients."""
        async with self.database.writing(self.instance_id) as db:
            await add_instance(db, some_settings(**settings))
            await store(db, [self.location()])
            await store(db, [self._member(name) for name in STAFF])
            await store_access(db, [self._access(name) for name in STAFF])
        await self.admit(*(self.patient(number) for number in range(patients)))

    async def admit(self, *patients: Patient) -> None:
        async with self.database.writing(self.instance_id) as db:
            await store(db, patients)
        known = {one.id: one for one in [*self.patients, *patients]}
        self.patients = list(known.values())

    def location(self) -> Location:
        return Location(
            id=self.location_id, name="Main Street", time_zone="America/Chicago", organization_id=None
        )

    def patient(self, number: int, **changes: Any) -> Patient:
        facts: dict[str, Any] = {
            "id": uuid5(self.instance_id, f"patient {number}"),
            "mrn": f"MRN-{number:05d}",
            "first_name": FIRST_NAMES[number % len(FIRST_NAMES)],
            "middle_name": None,
            "last_name": LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)],
            "preferred_name": None,
            "birth_date": date(1980, 1, 1) + timedelta(days=number),
            "deceased_on": None,
            "admitted_on": None,
            "discharged_on": None,
        }
        return Patient(**facts | changes)

    def _member(self, name: str) -> StaffMember:
        return StaffMember(
            id=self.id_of(name),
            npi=None,
            first_name=name,
            last_name="Chen",
            credentials="LCSW" if name == "Margaret" else None,
            active=True,
        )

    def _access(self, name: str) -> StaffAccess:
        role, features = STAFF[name]
        roles = frozenset({role} if role else ())
        return StaffAccess(user_id=self.id_of(name), version=1, active=True, roles=roles, features=features)

    async def ask(
        self,
        who: str | None,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: Any = None,
        auth_time: datetime | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        if_match: str = '"1"',
    ) -> httpx2.Response:
        """Send one request with the token of `who`, who has just logged in unless `auth_time` is given."""
        headers = dict(headers or {})
        if content is not None:
            headers["Content-Type"] = "application/json"
        if method == "PUT":
            headers.setdefault("If-Match", if_match)
        if who is not None:
            token = self.issuer.token_for(
                self.id_of(who), instance_id=self.instance_id, auth_time=auth_time or self.clock()
            )
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx2.ASGITransport(app=self.application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://sessions") as client:
            return await client.request(method, path, json=json, content=content, headers=headers)

    async def do(self, who: str, method: str, path: str, *, json: Any = None, **rest: Any) -> Any:
        """Ask for what must succeed; gives the JSON answer."""
        answer = await self.ask(who, method, path, json=json, **rest)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def template_body(self, **changes: Any) -> dict[str, Any]:
        body = {
            "location_ids": [str(self.location_id)],
            "title": "Process Group",
            "first_on": str(TODAY),
            "starts_at": CHICAGO_MORNING,
            "duration_minutes": 50,
            "recurrence": "FREQ=WEEKLY;BYDAY=TU",
            "leader_ids": [str(self.id_of("Margaret"))],
        }
        return body | changes

    async def new_template(self, *, leaders: Sequence[str] = ("Margaret",), **changes: Any) -> UUID:
        leader_ids = [str(self.id_of(name)) for name in leaders]
        body = self.template_body(leader_ids=leader_ids, **changes)
        return UUID((await self.do("Ada", "POST", "/v1/templates", json=body))["id"])

    async def new_schedule(self, *template_ids: UUID, weekday: int = 2) -> UUID:
        occurrences = [{"template_id": str(one), "weekday": weekday} for one in template_ids]
        body = {"location_id": str(self.location_id), "title": "Days", "occurrences": occurrences}
        return UUID((await self.do("Ada", "POST", "/v1/schedules", json=body))["id"])

    async def assign(
        self, schedule_id: UUID, patient_ids: Sequence[UUID], *, by: str = "Margaret", **changes: Any
    ) -> httpx2.Response:
        body = {"patient_ids": [str(one) for one in patient_ids], "starts_on": str(TODAY)} | changes
        return await self.ask(by, "POST", f"/v1/schedules/{schedule_id}/assignments", json=body)

    async def generate(self, *, since: date = TODAY, until: date = TODAY) -> list[str]:
        body = {"since": str(since), "until": str(until)}
        made = await self.do("Ada", "POST", "/v1/group-sessions/generation", json=body)
        return list(made["session_ids"])

    async def planned(self, *, leaders: Sequence[str] = ("Margaret",), **template: Any) -> UUID:
        """Plan today's session, with all patients of the clinic expected; gives its id.

        Each further one begins a quarter of an hour after the one before it ends: nobody sits in two.
        """
        minutes = 9 * 60 + 65 * self.planned_groups
        self.planned_groups += 1
        template = {"starts_at": f"{minutes // 60:02}:{minutes % 60:02}"} | template
        template_id = await self.new_template(leaders=leaders, **template)
        answer = await self.assign(await self.new_schedule(template_id), self.patient_ids)
        assert answer.status_code == 204, answer.text
        await self.generate()
        return session_id_of(template_id, TODAY)

    async def started(
        self, *, by: str = "Margaret", leaders: Sequence[str] = ("Margaret",), **template: Any
    ) -> UUID:
        session_id = await self.planned(leaders=leaders, **template)
        await self.do(by, "POST", f"/v1/group-sessions/{session_id}/start")
        return session_id

    async def documented(
        self, *, by: str = "Margaret", leaders: Sequence[str] = ("Margaret",), **template: Any
    ) -> UUID:
        """Start today's session and write all that signing needs; the last patient was absent."""
        session_id = await self.started(by=by, leaders=leaders, **template)
        await self.write_group_note(session_id, by=by)
        *present, absent = self.patient_ids
        await self.mark(session_id, dict.fromkeys(present, "present") | {absent: "absent"}, by=by)
        for number, patient_id in enumerate(present):
            await self.write_note(session_id, patient_id, f"Note number {number}.", by=by)
        return session_id

    async def write_group_note(
        self, session_id: UUID, *, by: str = "Margaret", if_match: str = '"1"', **changes: Any
    ) -> None:
        ended_at = self.clock()
        body = {
            "topic": "Coping with cravings",
            "description": "Urge surfing.",
            "started_at": (ended_at - timedelta(minutes=50)).isoformat(),
            "ended_at": ended_at.isoformat(),
        }
        await self.do(
            by, "PUT", f"/v1/group-sessions/{session_id}/group-note", json=body | changes, if_match=if_match
        )

    async def mark(
        self,
        session_id: UUID,
        marks: Mapping[UUID, Any],
        *,
        by: str = "Margaret",
        version: int | None = None,
    ) -> None:
        body = {
            "marks": [
                {"patient_id": str(patient_id), "attendance": mark, "version": version}
                for patient_id, mark in marks.items()
            ]
        }
        await self.do(by, "PUT", f"/v1/group-sessions/{session_id}/attendance", json=body)

    async def write_note(
        self, session_id: UUID, patient_id: UUID, text: str, *, by: str = "Margaret", **rest: Any
    ) -> None:
        path = f"/v1/group-sessions/{session_id}/roster/{patient_id}/note"
        await self.do(by, "PUT", path, json={"text": text}, **rest)

    async def sign(
        self, session_id: UUID, *, by: str = "Margaret", acknowledged: Sequence[str] = (), **rest: Any
    ) -> httpx2.Response:
        """Sign the document that is there now, unless `json` says what was shown."""
        if "json" not in rest:
            shown = await self.shown_sha256(session_id)
            rest["json"] = {"document_sha256": shown, "acknowledged": list(acknowledged)}
        return await self.ask(by, "POST", f"/v1/group-sessions/{session_id}/signatures", **rest)

    async def shown_sha256(self, session_id: UUID, *, who: str = "Ada") -> str:
        shown = await self.do(who, "GET", f"/v1/group-sessions/{session_id}/document")
        return str(shown["document_sha256"])

    async def session(self, session_id: UUID, *, who: str = "Margaret") -> dict[str, Any]:
        seen: dict[str, Any] = await self.do(who, "GET", f"/v1/group-sessions/{session_id}")
        return seen

    async def rows(self, table: Table) -> Sequence[Row[Any]]:
        """Give this instance's rows, oldest first, with their fields open."""
        mine = (
            select(table)
            .where(table.c.instance_id == self.instance_id)
            .order_by(table.primary_key.columns[0])
        )
        return await self._opened(mine, table)

    async def everything(self, table: Table) -> Sequence[Row[Any]]:
        return await self._opened(select(table), table)

    async def _opened(self, statement: Select[Any], table: Table) -> Sequence[Row[Any]]:
        sealed = [one for one in SEALED if one.table == table.name]
        return await opened_rows(self.database, statement, sealed)


def some_settings(**changes: Any) -> InstanceSettings:
    chosen: dict[str, Any] = {
        "name": "Riverbend Clinic",
        "use_group_sessions": True,
        "view_individual_group_sessions": False,
        "show_attendance_in_chart": False,
        "show_preferred_name": False,
        "integrated_billing": None,
        "version": 1,
    }
    return InstanceSettings(**chosen | changes)
