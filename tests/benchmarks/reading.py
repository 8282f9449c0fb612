"""What reading and marking a session costs over HTTP, beside the least that could do it.

Each application has a process of its own; one client in this one asks them in turns. Ours checks the token
and the reader's rights at each reading, and its answer waits for the commit of an audit row for each patient;
the peer does none of it. The server of the tests writes without fsync: no disk is measured, on neither side.
"""

import asyncio
import itertools
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import insert

from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.sealed_columns import GROUP_NOTES
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.identifiers import new_id
from shared.testing.databases import database_on
from shared.testing.identity import TokenIssuer
from shared.testing.records import CLINIC
from tests.benchmarks.reading_peers import APPLICATIONS, application_of, serve
from tests.benchmarks.rows import Row
from tests.integration.services.sessions.clinic import TODAY, Clinic, SetClock
from tests.support.servers import PostgresServer, free_port

PAIRS: Final = 5
SECONDS_EACH: Final = 1.0
CONNECTIONS: Final = 8
PATIENTS: Final = 25
SESSIONS_A_DAY: Final = 200


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, as it goes over the wire, and who is asked."""

    port: int
    head: Callable[[], bytes]
    connections: int = CONNECTIONS


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A clinic with a documented session, and a day with many."""

    clinic: Clinic
    session_id: UUID
    token: str


def run() -> list[Row]:
    """Measure each row in alternating pairs, after a warm-up."""
    folder = Path(tempfile.mkdtemp(prefix="opencircle-bench-"))
    server = PostgresServer(directory=folder)
    server.start()
    try:
        url, issuer = server.create_database("sessions"), TokenIssuer(folder)
        filled = asyncio.run(fill(url, issuer))
        with serving(url, issuer) as ports:
            return asyncio.run(measure(filled, ports))
    finally:
        server.stop()
        shutil.rmtree(folder)


async def fill(url: str, issuer: TokenIssuer) -> Filled:
    database = database_on(create_engine(url))
    await upgrade(database.engine, "sessions")
    clock = SetClock()
    application = application_of(url, issuer.key_file, database=database)
    clinic = Clinic(
        application=application, database=database, issuer=issuer, clock=clock, instance_id=CLINIC
    )
    await clinic.open(patients=PATIENTS)
    session_id = await clinic.documented()
    await add_sessions(clinic, session_id)
    token = issuer.token_for(clinic.id_of("Margaret"), instance_id=CLINIC)
    await database.engine.dispose()
    return Filled(clinic=clinic, session_id=session_id, token=token)


async def add_sessions(clinic: Clinic, like: UUID) -> None:
    """Copy one session so often that the day has two hundred."""
    (first,) = [row._asdict() for row in await clinic.rows(SESSION) if row.id == like]
    rows = [
        first
        | {
            "id": new_id(),
            "documentation_id": new_id(),
            "title": f"Group {number}",
            "starts_at": first["starts_at"] + timedelta(minutes=number),
        }
        for number in range(SESSIONS_A_DAY - 1)
    ]
    leader = {"user_id": clinic.id_of("Margaret"), "instance_id": CLINIC, "position": 0}
    async with clinic.database.writing(CLINIC) as db:
        await db.execute(insert(SESSION), [GROUP_NOTES.sealed(db.fields, one) for one in rows])
        await db.execute(insert(SESSION_LEADER), [leader | {"session_id": one["id"]} for one in rows])


@contextmanager
def serving(url: str, issuer: TokenIssuer) -> Iterator[dict[str, int]]:
    """Serve every application in a process of its own."""
    fork = multiprocessing.get_context("fork")
    ports = {name: free_port() for name in APPLICATIONS}
    processes = [
        fork.Process(target=serve, args=(name, url, str(issuer.key_file), port))
        for name, port in ports.items()
    ]
    for process in processes:
        process.start()
    try:
        yield ports
    finally:
        for process in processes:
            process.terminate()
            process.join()


async def measure(filled: Filled, ports: dict[str, int]) -> list[Row]:
    clinic = filled.clinic
    session = f"/v1/group-sessions/{filled.session_id}"
    day = f"/v1/group-sessions?location_id={clinic.location_id}&date={TODAY}"
    # Marked once while it was documented; each further mark is made over the one before, so in a row.
    versions = itertools.count(2)

    def marks() -> bytes:
        version = next(versions)
        return orjson.dumps(
            {
                "marks": [
                    {"patient_id": str(one), "attendance": "present", "version": version}
                    for one in clinic.patient_ids
                ]
            }
        )

    for port in ports.values():
        await until_it_answers(port)

    def asked(name: str, path: str) -> Asked:
        sent = request(path, filled.token, None)
        return Asked(port=ports[name], head=lambda: sent)

    def marked(name: str) -> Asked:
        path = f"{session}/attendance"
        return Asked(port=ports[name], head=lambda: request(path, filled.token, marks()), connections=1)

    return [
        await compare(
            f"read a session of {PATIENTS} / one query and orjson",
            asked("ours", session),
            asked("by_hand", session),
            reach=0.5,
        ),
        await compare(
            "the same, changed since it was read / one query and orjson",
            asked("anew", session),
            asked("by_hand", session),
            reach=0,
        ),
        await compare(
            f"day view of {SESSIONS_A_DAY} sessions / one query and orjson",
            asked("ours", day),
            asked("by_hand", day),
            reach=0.5,
        ),
        await compare(
            "the same, changed since it was read / one query and orjson",
            asked("anew", day),
            asked("by_hand", day),
            reach=0,
        ),
        await compare(
            "all middleware / the bare application",
            asked("ours", "/v1/directory/me"),
            asked("bare", "/v1/directory/me"),
            reach=0.9,
        ),
        await compare(
            f"mark a roster of {PATIENTS} / the same endpoint with ORM",
            marked("ours"),
            marked("orm"),
            reach=5,
        ),
    ]


async def compare(name: str, ours: Asked, peer: Asked, *, reach: float) -> Row:
    """Ask both in turns; the ratio is the median of the ratios of pairs."""
    await rate(ours), await rate(peer)
    pairs = [(await rate(ours), await rate(peer)) for _ in range(PAIRS)]
    mine, others = (statistics.median(one) for one in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    return Row(name=name, unit="1/s", ours=mine, peer=others, ratio=ratio, reach=reach)


async def rate(asked: Asked) -> float:
    """Give how many answers come in a second, over connections that are kept."""
    started = time.perf_counter()
    until = started + SECONDS_EACH
    answers = await asyncio.gather(*(ask_until(asked, until) for _ in range(asked.connections)))
    return sum(answers) / (time.perf_counter() - started)


async def ask_until(asked: Asked, until: float) -> int:
    answers = 0
    async with connected(asked.port) as (reader, writer):
        while time.perf_counter() < until:
            writer.write(asked.head())
            status = await read_answer(reader)
            if status not in {200, 204}:
                raise RefusedError(status)
            answers += 1
    return answers


class RefusedError(Exception):
    """A server did not do what is measured."""


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader) -> int:
    """Read one answer to its end; give its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


def request(path: str, token: str, body: bytes | None) -> bytes:
    method = "GET" if body is None else "PUT"
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {token}"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


async def until_it_answers(port: int) -> None:
    for _ in range(2400):
        try:
            async with connected(port):
                return
        except OSError:
            await asyncio.sleep(0.05)
    raise RefusedError(port)


if __name__ == "__main__":
    for row in run():
        print(row)
