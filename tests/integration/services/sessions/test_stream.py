"""The live stream: what it tells, to whom, and how it resumes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import uvicorn

from services.sessions.directory.repository import store_access
from services.sessions.documentation.telling import tell_what_waits
from services.sessions.stream.changes import Part, SessionChange, note_changes
from services.sessions.stream.following import STREAMS_EACH, Streams
from services.sessions.stream.models import SESSION_CHANGE
from services.sessions.stream.numbering import KEPT_FOR, Lookout, forget_old_changes
from shared.events.staff import Role, StaffAccess
from shared.web.identity import Identity
from shared.web.stopping import Server, Stoppable
from tests.integration.services.sessions.clinic import Clinic

WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class Told:
    name: str
    facts: dict[str, Any]
    number: int | None


def _parsed(piece: bytes) -> list[Told]:
    found = []
    for block in piece.decode().split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "event" in lines:
            number = int(lines["id"]) if "id" in lines else None
            found.append(Told(lines["event"], json.loads(lines["data"]), number))
    return found


class Reader:
    """A front end that reads one event after the other."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._heard: list[Told] = []
        self.raw = b""

    async def next(self) -> Told:
        async with asyncio.timeout(WAIT_SECONDS):
            while not self._heard:
                piece = await anext(self._pieces)
                self.raw += piece
                self._heard += _parsed(piece)
        return self._heard.pop(0)

    async def take(self, count: int) -> list[Told]:
        return [await self.next() for _ in range(count)]

    async def until_end(self) -> list[str]:
        heard = [await self.next()]
        while heard[-1].name != "end":
            heard.append(await self.next())
        return [*(one.name for one in heard[:-1]), heard[-1].facts["reason"]]


def _identity(clinic: Clinic, who: str) -> Identity:
    now = clinic.clock()
    return Identity(
        user_id=clinic.id_of(who),
        instance_id=clinic.instance_id,
        authenticated_at=now,
        expires_at=now + timedelta(minutes=15),
    )


def _streams(clinic: Clinic) -> Streams:
    streams: Streams = replace(clinic.application.state.streams, heartbeat_seconds=0.2)
    return streams


@asynccontextmanager
async def _following(
    clinic: Clinic, who: str = "Margaret", *, after: int | None = None, stopping: asyncio.Event | None = None
) -> AsyncIterator[Reader]:
    pieces: Any = _streams(clinic).follow(
        _identity(clinic, who), after=after, stopping=stopping or asyncio.Event()
    )
    async with aclosing(pieces):
        yield Reader(pieces)


@pytest.mark.rule("DOC-5")
async def test_whoever_follows_hears_of_each_change_with_its_version(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    async with _following(clinic) as reader:
        ready = await reader.next()
        await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
        told = await reader.next()
    assert (ready.name, ready.facts) == ("ready", {})
    assert told == Told(
        "session_changed",
        {"session_id": str(session_id), "part": "session", "status": "in_progress", "version": 2},
        (ready.number or 0) + 1,
    )


async def test_each_part_is_told_by_its_name(clinic: Clinic) -> None:
    async with _following(clinic) as reader:
        await reader.next()
        session_id = await clinic.documented()
        await clinic.sign(session_id)
        told = await reader.take(7)
    plan, *heard = [(one.facts["part"], one.facts["status"], one.facts["version"]) for one in told]
    notes = [("individual_note", None, None)] * 2
    documented = [("session", "in_progress", 2), ("group_note", None, 2), ("attendance", None, None), *notes]
    assert plan == ("plan", None, None)
    assert heard == [*documented, ("session", "completed", 3)]


@pytest.mark.rule("PERM-8")
async def test_the_stream_holds_no_health_data(clinic: Clinic) -> None:
    async with _following(clinic) as reader:
        await reader.next()
        await clinic.documented(title="Grief")
        await reader.take(6)
    words = ["Grief", "cravings", "Note number", *(str(one) for one in clinic.patient_ids)]
    assert [word for word in words if word in reader.raw.decode()] == []


async def test_who_comes_back_hears_what_came_meanwhile_and_nothing_twice(clinic: Clinic) -> None:
    first = await clinic.started()
    async with _following(clinic) as reader:
        left_at = (await reader.next()).number
    await clinic.write_group_note(first)
    async with _following(clinic, after=left_at) as reader:
        again, told = await reader.take(2)
    assert (again.name, again.number, told.facts["part"]) == ("ready", left_at, "group_note")
    async with _following(clinic, after=told.number) as reader:
        await reader.next()
        await clinic.write_note(first, clinic.patient_ids[0], "More.")
        assert (await reader.next()).facts["part"] == "individual_note"


async def test_who_was_away_for_too_long_is_told_to_begin_anew(clinic: Clinic) -> None:
    session_id = await clinic.started()
    async with _following(clinic) as reader:
        left_at = (await reader.next()).number
    await clinic.write_group_note(session_id)
    async with clinic.database.writing(clinic.instance_id) as db:
        await forget_old_changes(db, now=clinic.clock())
        await forget_old_changes(db, now=clinic.clock() + KEPT_FOR + timedelta(seconds=1))
    assert await clinic.rows(SESSION_CHANGE) == []
    async with _following(clinic, after=left_at) as reader:
        reset = await reader.next()
    assert (reset.name, reset.number) == ("reset", (left_at or 0) + 1)


async def test_a_number_that_was_never_given_begins_anew(clinic: Clinic) -> None:
    async with _following(clinic, after=10**9) as reader:
        assert (await reader.next()).name == "reset"


async def test_what_is_kept_is_not_forgotten(clinic: Clinic) -> None:
    await clinic.started()
    before = len(await clinic.rows(SESSION_CHANGE))
    async with clinic.database.writing(clinic.instance_id) as db:
        await forget_old_changes(db, now=clinic.clock())
        await forget_old_changes(db, now=clinic.clock() + KEPT_FOR)
    assert len(await clinic.rows(SESSION_CHANGE)) == before


async def test_a_change_that_commits_late_is_not_missed(clinic: Clinic) -> None:
    if clinic.database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    early, late = clinic.id_of("noted first"), clinic.id_of("committed first")
    async with _following(clinic) as reader:
        await reader.next()
        async with clinic.database.writing(clinic.instance_id) as db:
            await note_changes(db, [SessionChange(session_id=early, part=Part.PLAN)])
            async with clinic.database.writing(clinic.instance_id) as other:
                await note_changes(other, [SessionChange(session_id=late, part=Part.PLAN)])
            first = await reader.next()
        second = await reader.next()
    assert [one.facts["session_id"] for one in (first, second)] == [str(late), str(early)]


async def test_processes_that_number_at_once_give_each_change_one_number(clinic: Clinic) -> None:
    changes = [SessionChange(session_id=clinic.id_of(str(number)), part=Part.PLAN) for number in range(50)]
    lookouts = [Lookout(database=clinic.database, clock=clinic.clock) for _ in range(4)]
    async with clinic.database.writing(clinic.instance_id) as db:
        await note_changes(db, changes)
    seen = await asyncio.gather(*(one.look(clinic.instance_id) for one in lookouts))
    assert (set(seen), sorted(one.position for one in await clinic.rows(SESSION_CHANGE))) == (
        {50},
        list(range(1, 51)),
    )


@pytest.mark.rule("DOC-7")
async def test_what_waits_is_told_to_those_whose_turn_it_is_and_to_admins(clinic: Clinic) -> None:
    session_id = await clinic.started(leaders=["Margaret"])
    clinic.clock.forward(days=1)
    async with clinic.database.writing(clinic.instance_id) as db:
        await tell_what_waits(db, now=clinic.clock())
    await clinic.write_group_note(session_id)
    heard = {}
    for who in ("Margaret", "Ada", "Tom"):
        async with _following(clinic, who, after=0) as reader:
            while (told := await reader.next()).facts.get("part") != "group_note":
                if told.name == "session_needs_attention":
                    heard[who] = told.facts
    waits = {"session_id": str(session_id), "waiting": "incomplete"}
    assert heard == {"Margaret": waits, "Ada": waits}


async def test_another_customer_hears_and_counts_none_of_it(clinic: Clinic, other_clinic: Clinic) -> None:
    await clinic.started()
    async with _following(other_clinic, after=0) as reader:
        ready = await reader.next()
        await other_clinic.planned()
        told = await reader.next()
    assert (ready.number, told.number) == (0, 1)


@pytest.mark.rule("PERM-7")
async def test_who_sees_no_session_gets_no_stream(clinic: Clinic) -> None:
    asked = {
        who: (await clinic.ask(who, "GET", "/v1/stream")).status_code for who in ("Nora", "Tess", "Dora")
    }
    assert set(asked.values()) == {403}


@pytest.mark.rule("PERM-7")
async def test_a_stream_ends_when_the_right_is_taken(clinic: Clinic) -> None:
    async with _following(clinic) as reader:
        await reader.next()
        access = StaffAccess(
            user_id=clinic.id_of("Margaret"),
            version=2,
            active=True,
            roles=frozenset({Role.NURSE}),
            features=frozenset(),
        )
        async with clinic.database.writing(clinic.instance_id) as db:
            await store_access(db, [access])
        await clinic.new_template(title="Unheard", leaders=["Tom"])
        assert await reader.until_end() == ["forbidden"]


async def test_a_stream_ends_with_its_token(clinic: Clinic) -> None:
    async with _following(clinic) as reader:
        await reader.next()
        clinic.clock.forward(minutes=15)
        assert await reader.until_end() == ["token_expired"]


async def test_a_stream_ends_when_the_server_stops(clinic: Clinic) -> None:
    stopping = asyncio.Event()
    async with _following(clinic, stopping=stopping) as reader:
        await reader.next()
        stopping.set()
        assert await reader.until_end() == ["stopping"]


async def test_a_silent_stream_says_that_it_lives_and_where_it_is(clinic: Clinic) -> None:
    identity, stopping = _identity(clinic, "Margaret"), asyncio.Event()
    pieces: Any = _streams(clinic).follow(identity, after=None, stopping=stopping)
    async with aclosing(pieces), asyncio.timeout(WAIT_SECONDS):
        assert await anext(pieces) == b"retry: 2000\nid: 0\nevent: ready\ndata: {}\n\n"
        assert await anext(pieces) == b"id: 0\n:\n\n"


async def test_one_user_has_so_many_streams_and_no_more(clinic: Clinic) -> None:
    streams: Streams = clinic.application.state.streams
    for _ in range(STREAMS_EACH):
        streams.enter(clinic.id_of("Margaret"))
    answer = await clinic.ask("Margaret", "GET", "/v1/stream")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    streams.leave(clinic.id_of("Margaret"))
    streams.enter(clinic.id_of("Margaret"))


@pytest.mark.parametrize("sent", ["yesterday", "-1", "99999999999999999999"])
async def test_a_last_event_id_of_somewhere_else_is_malformed(clinic: Clinic, sent: str) -> None:
    answer = await clinic.ask("Margaret", "GET", "/v1/stream", headers={"Last-Event-ID": sent})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "header:last-event-id")


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not reached():  # noqa: ASYNC110 - neither uvicorn nor a counter has an event to wait for
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _served(clinic: Clinic) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Serve the application with all its middleware; at the end nothing may hold it up."""
    application = Stoppable(clinic.application)
    config = uvicorn.Config(application, port=0, log_config=None, lifespan="off")
    server = Server(config, stopping=application.stopping)
    task = asyncio.create_task(server._serve())
    await _until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", application.stopping
    server.should_exit = True
    async with asyncio.timeout(WAIT_SECONDS):
        await task


def _token(clinic: Clinic, who: str) -> dict[str, str]:
    token = clinic.issuer.token_for(clinic.id_of(who), instance_id=clinic.instance_id)
    return {"Authorization": f"Bearer {token}"}


async def test_the_stream_passes_all_layers_piece_by_piece(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    streams: Streams = clinic.application.state.streams
    async with (
        _served(clinic) as (address, _stopping),
        httpx2.AsyncClient(headers=_token(clinic, "Margaret")) as client,
    ):
        async with client.stream("GET", f"{address}/v1/stream") as answer:
            reader = Reader(answer.aiter_bytes())
            assert (await reader.next()).name == "ready"
            await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
            assert (await reader.next()).facts["status"] == "in_progress"
        shown = (answer.status_code, answer.headers["content-type"], answer.headers["cache-control"])
        assert shown == (200, "text/event-stream; charset=utf-8", "no-store")
        await _until(lambda: not streams._open)


async def test_an_open_stream_does_not_hold_up_a_server_that_stops(clinic: Clinic) -> None:
    async with (
        httpx2.AsyncClient(headers=_token(clinic, "Margaret")) as client,
        _served(clinic) as (address, stopping),
        client.stream("GET", f"{address}/v1/stream") as answer,
    ):
        reader = Reader(answer.aiter_bytes())
        await reader.next()
        stopping.set()
        assert await reader.until_end() == ["stopping"]
