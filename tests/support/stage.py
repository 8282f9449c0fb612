"""A clinic on a real deployment: things break while its sessions are signed, and all is counted after."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, Final

import httpx2
import orjson
from sqlalchemy import text

from deploy.embedded.demo.clinic import Front, RefusedError
from deploy.embedded.demo.plan import BILLING
from deploy.embedded.demo.receiver import Receiver, receiver_in
from deploy.embedded.demo.sample import write_sample
from deploy.embedded.demo.setting_up import PASSWORD, import_directory
from deploy.embedded.demo.waiting import eventually
from deploy.embedded.deployment import Deployment, free_port, running
from deploy.embedded.folder import DataFolder
from shared.database.engine import create_engine
from shared.failpoints import SETTING

PATIENTS: Final = 2
DAYS: Final = 56
AT_ONCE: Final = 4
MINUTES: Final = 15
LOG_IN_AGAIN_SECONDS: Final = 120.0
"""A signature needs a log-in of the last five minutes."""
PAUSE_SECONDS: Final = 0.05
UNAUTHENTICATED: Final = 401


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is there, everywhere, at one moment."""

    notes: int = 0
    charges: int = 0
    accepted: int = 0
    booked: int = 0
    printed: int = 0
    doubles: int = 0
    """Notes, charges, print jobs or bookings beyond the first of the same thing."""
    owed: int = 0
    """Deliveries that are neither receipted nor left out on purpose."""

    def is_all_of(self, sessions: int) -> bool:
        everyones = sessions * PATIENTS
        return self == Found(
            notes=everyones, charges=everyones, accepted=everyones, booked=everyones, printed=sessions
        )


@dataclass(kw_only=True)
class Effects:
    """What a deployment and a billing system have made of sessions."""

    book: Path
    urls: Mapping[str, str]

    async def found(self) -> Found:
        """Count what is there."""
        notes = await self._counted("charts", "SELECT documentation_id, patient_id FROM chart_note")
        charges = await self._counted("billing_bridge", "SELECT documentation_id, patient_id FROM charge")
        accepted = await self._counted(
            "billing_bridge", "SELECT charge_id FROM charge_status WHERE status = 'accepted'"
        )
        printed = await self._counted(
            "printing",
            "SELECT documentation_id FROM print_job WHERE kind = 'attendance_record' AND status = 'ready'",
        )
        owed = "SELECT id FROM delivery WHERE state IN ('open', 'parked')"
        booked = Counter(self.booked())
        return Found(
            notes=notes.total(),
            charges=charges.total(),
            accepted=accepted.total(),
            booked=len(booked),
            printed=printed.total(),
            doubles=sum(one.total() - len(one) for one in (notes, charges, printed, booked)),
            owed=sum([(await self._counted(name, owed)).total() for name in ("sessions", "printing")]),
        )

    def booked(self) -> list[str]:
        """Give the patients and sessions that the billing system has booked, one for each booking."""
        charges = [orjson.loads(line)["charge"] for line in self.book.read_bytes().splitlines()]
        return [f"{one['session_id']} {one['patient']['patient_id']}" for one in charges]

    async def settled(self, sessions: int, *, seconds: float = 60.0, minutes_later: bool = False) -> Found:
        """Wait until all effects of so many sessions are there and nothing is owed, at most so long.

        `minutes_later`: as if leases of pushes, and the waits before their retries, were over.
        """
        deadline = time.monotonic() + seconds
        while not (found := await self.found()).is_all_of(sessions):
            if time.monotonic() > deadline:
                return found
            if minutes_later:
                await self._end_waits_of_pushes()
            await asyncio.sleep(PAUSE_SECONDS)
        return found

    async def _end_waits_of_pushes(self) -> None:
        # What goes well by itself is over within a second, and left alone.
        a_second_ago = f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%d %H:%M:%S}"
        for waits_until in ("lease_until", "next_attempt_at"):
            await self.run(
                "billing_bridge",
                f"UPDATE charge_status SET {waits_until} = '2000-01-01' "  # noqa: S608 - names of ours
                f"WHERE {waits_until} IS NOT NULL AND changed_at < '{a_second_ago}'",
            )

    async def run(self, service: str, statement: str) -> Sequence[Any]:
        """Run a statement on a service's database, past everything."""
        engine = create_engine(self.urls[service])
        try:
            async with engine.begin() as connection:
                result = await connection.execute(text(statement))
                return result.all() if result.returns_rows else ()
        finally:
            await engine.dispose()

    async def _counted(self, service: str, statement: str) -> Counter[tuple[Any, ...]]:
        return Counter(tuple(row) for row in await self.run(service, statement))


@dataclass(kw_only=True)
class Stage(Effects):
    """A deployment with a therapist who can sign, a billing system, and a folder of failpoints."""

    deployment: Deployment
    http: httpx2.AsyncClient
    admin: Front
    points: Path
    _leader: Front | None = field(default=None, init=False)
    _logged_in_at: float = field(default=0.0, init=False)

    async def leader(self) -> Front:
        if self._leader is None or time.monotonic() - self._logged_in_at > LOG_IN_AGAIN_SECONDS:
            self._leader = await Front(http=self.http).log_in("therapist", PASSWORD)
            self._logged_in_at = time.monotonic()
        return self._leader

    async def sessions(self, number: int) -> list[str]:
        """Plan and document so many sessions, all but their signatures."""
        ids = await planned(self.admin, number)
        for start in range(0, len(ids), AT_ONCE):
            leader = await self.leader()
            few = ids[start : start + AT_ONCE]
            await asyncio.gather(*(document(leader, f"/v1/group-sessions/{one}") for one in few))
        return ids

    async def sign(self, session_id: str) -> None:
        """Sign as a person does who tries again until the session is signed."""
        place = f"/v1/group-sessions/{session_id}"
        while True:
            with suppress(httpx2.TransportError):
                try:
                    await (await self.leader()).sign(place)
                except RefusedError as error:
                    if await self._is_signed(place):
                        return
                    if error.status == UNAUTHENTICATED:
                        # The clock was stepped since; a person logs in again.
                        self._leader = None
                    elif error.status not in {409, 500, 502, 503}:
                        raise
                else:
                    return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _is_signed(self, place: str) -> bool:
        try:
            return bool((await (await self.leader()).get(place))["status"] == "completed")
        except RefusedError:
            return False

    def arm(self, point: str) -> None:
        """Have the next process that reaches the point die there."""
        (self.points / point).touch()

    def is_armed(self, point: str) -> bool:
        return (self.points / point).exists()

    def pid(self, part: str) -> int:
        return int((self.deployment.folder.pids / f"{part}.pid").read_text())

    def signal(self, part: str, number: signal.Signals) -> None:
        os.kill(self.pid(part), number)


@asynccontextmanager
async def stage_in(
    folder: Path,
    *,
    settings: Mapping[str, str],
    first_login: tuple[str, str] | None = None,
    reached_by: Callable[[str], str] = lambda url: url,
) -> AsyncIterator[Stage]:
    """Set up a clinic; `reached_by` says how the pusher reaches the billing system."""
    points = folder / "points"
    points.mkdir()
    write_sample(folder / "fhir")
    settings = {SETTING: str(points), **settings}
    async with (
        receiver_in(folder / "billing-system") as receiver,
        running(
            folder / "data", port=free_port(), report=lambda _part, _what: None, settings=settings
        ) as deployment,
        httpx2.AsyncClient(base_url=deployment.address, timeout=60) as http,
    ):
        admin = await Front(http=http).log_in(*(first_login or deployment.first_login() or ("", "")))
        stage = Stage(
            deployment=deployment,
            http=http,
            admin=admin,
            points=points,
            book=folder / "billing-system" / "accepted.ndjson",
            urls=urls_of(deployment.folder, settings),
        )
        await import_directory(admin, folder / "fhir")
        await connect_billing(admin, receiver, reached_by(receiver.url))
        await employ_a_therapist(admin)
        yield stage


def urls_of(folder: DataFolder, settings: Mapping[str, str]) -> dict[str, str]:
    names = {"sessions": "SESSIONS", "charts": "CHARTS", "billing_bridge": "BILLING", "printing": "PRINTING"}
    return {
        service: settings.get(
            f"OPENCIRCLE_{name}_DATABASE_URL", f"sqlite+aiosqlite:///{folder.database(service).resolve()}"
        )
        for service, name in names.items()
    }


async def employ_a_therapist(admin: Front) -> None:
    staff = await admin.pages("/v1/directory/staff")
    user_id = next(one["id"] for one in staff if one["roles"] == ["therapist"])
    await admin.put(f"/v1/directory/staff/{user_id}/login", {"login": "therapist", "password": PASSWORD})


async def connect_billing(admin: Front, receiver: Receiver, url: str) -> None:
    await admin.patch("/v1/settings", {"integrated_billing": "webhook"})
    connection = {"url": url, "secret": receiver.secret, "deduplicates": True}

    async def connected() -> bool:
        try:
            await admin.put("/v1/billing/connections/webhook", connection)
        except RefusedError as error:
            # Who may do what travels by event too, and may not have arrived yet.
            return error.status != 403
        return True

    await eventually(connected)


async def planned(admin: Front, number: int) -> list[str]:
    """Plan so many sessions of days that are over: nobody signs before a session's end."""
    first_day = datetime.now(UTC).date() - timedelta(days=DAYS + 2)
    location = (await admin.pages("/v1/directory/locations"))[0]["id"]
    living = [one for one in await admin.pages("/v1/directory/patients") if one["deceased_on"] is None]
    patients = [one["id"] for one in living[:PATIENTS]]
    for group in range(-(-number // DAYS)):
        await enrol(admin, group, location=location, patients=patients, first_day=first_day)
    days = {"since": first_day.isoformat(), "until": (first_day + timedelta(days=DAYS - 1)).isoformat()}
    generated = await admin.post("/v1/group-sessions/generation", days)
    return [str(one) for one in generated["session_ids"]][:number]


async def enrol(admin: Front, group: int, *, location: str, patients: Sequence[str], first_day: date) -> None:
    # One after the other on a day: nobody sits in two sessions at once.
    starts_at = (datetime.combine(first_day, time_of_day(3)) + timedelta(minutes=20 * group)).time()
    template = {
        "location_ids": [location],
        "title": f"Group {group}",
        "first_on": first_day.isoformat(),
        "starts_at": starts_at.isoformat(),
        "duration_minutes": MINUTES,
        "recurrence": "FREQ=DAILY",
        "notes_required": False,
        "billing": BILLING,
    }
    template_id = (await admin.post("/v1/templates", template))["id"]
    days = [{"template_id": template_id, "weekday": day} for day in range(1, 8)]
    schedule = {"location_id": location, "title": f"Daily {group}", "occurrences": days}
    schedule_id = (await admin.post("/v1/schedules", schedule))["id"]
    assigned = {"patient_ids": list(patients), "starts_on": first_day.isoformat()}
    await admin.post(f"/v1/schedules/{schedule_id}/assignments", assigned)


async def document(leader: Front, place: str) -> None:
    """Document a session, all but the signature."""
    await leader.post(f"{place}/start")
    session = await leader.get(place)
    marks = [{"patient_id": one["patient_id"], "attendance": "present"} for one in session["roster"]]
    await leader.put(f"{place}/attendance", {"marks": marks})
    started = datetime.fromisoformat(session["starts_at"])
    note = {
        "topic": "Coping",
        "description": "What this group did, in a sentence.",
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(minutes=MINUTES)).isoformat(),
    }
    await leader.put(f"{place}/group-note", note)
