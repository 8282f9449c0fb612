"""What filing notes costs: ours beside COPY of the same rows, in the same run, on a PostgreSQL of its own.

Both store sealed rows. What is asked for is measured against COPY of rows that are sealed already; beside
it, for information, against a peer that seals them as ours does.
"""

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import asyncpg

from services.charts.consumers import HANDLERS
from services.charts.domain import ChartNote, documented
from services.charts.models import chart_note, inbox
from services.charts.repository import NOTE, TITLE, sealed_rows
from services.charts.use_cases import file_notes
from shared.database.bulk import Rows, insert_new_families
from shared.database.engine import create_engine
from shared.database.fields import Fields
from shared.database.migrations import upgrade
from shared.database.transactions import Database
from shared.events.envelope import Envelope
from shared.events.record import SessionRecord
from shared.identifiers import new_id
from shared.messaging.consuming import Consuming
from shared.messaging.inbox import mark_applied
from shared.messaging.messages import Parcel
from shared.testing.databases import database_on
from shared.testing.records import CLINIC, TUESDAY, a_parcel, a_session_record, enveloped
from tests.benchmarks.rows import Row
from tests.support.databases import seeing_all
from tests.support.servers import PostgresServer, as_superuser

PAIRS = 9
COMMITS = 20
SESSIONS_A_COMMIT = 20
COLUMNS = [column.name for column in chart_note.columns]

Session = Envelope[SessionRecord]


def run() -> list[Row]:
    """Measure each row in alternating pairs, after a warm-up."""
    with a_migrated_database() as url:
        return asyncio.run(measure(url))


async def measure(url: str) -> list[Row]:
    database = database_on(seeing_all(create_engine(url)))
    copying = await asyncpg.connect(as_superuser(url))
    rows = [
        await statement(database, copying, patients=8),
        await statement(database, copying, patients=25),
        await statement(database, copying, patients=100),
        await handling(database, copying, patients=25),
        *await backlog(database, copying),
    ]
    await copying.close()
    await database.engine.dispose()
    return rows


async def statement(database: Database, copying: Any, *, patients: int) -> Row:
    """The statement itself, each a transaction on a connection that is kept, as COPY's is."""

    fields = await database.fields_of([CLINIC])

    async def ours(families: Sequence[tuple[Rows, Rows]]) -> None:
        async with database.engine.connect() as connection:
            for parents, children in families:
                async with connection.begin():
                    await insert_new_families(
                        connection, parents=parents, children=children, key="documentation_id"
                    )

    def built() -> list[tuple[Rows, Rows]]:
        filed = [(CLINIC, *documented(session.data)) for session in new_sessions(COMMITS, patients)]
        return [sealed_rows(fields, [one], filed_at=TUESDAY) for one in filed]

    async def peer(copies: Sequence[Sequence[tuple[Any, ...]]]) -> None:
        for rows in copies:
            await copy(copying, rows)

    return await compare(
        f"sealed notes of one session of {patients}, one commit / COPY of them",
        notes=COMMITS * patients,
        ours=lambda: (ours, built()),
        peer=lambda: (peer, [sealed(rows, fields[CLINIC]) for rows in one_by_one(patients)]),
        reach=0.85,
    )


async def handling(database: Database, copying: Any, *, patients: int) -> Row:
    """All that an event costs once it is parsed: connection from the pool, inbox, notes built and filed."""

    async def ours(sessions: Sequence[Session]) -> None:
        for session in sessions:
            async with database.writing_for([CLINIC]) as db:
                await mark_applied(db.connection, inbox, "charts", [session.id], at=TUESDAY)
                await file_notes(db, [session], filed_at=TUESDAY)

    fields = await database.fields_of([CLINIC])
    return await compare(
        f"handler and inbox, one session of {patients} / sealing and COPY of the notes",
        notes=COMMITS * patients,
        ours=lambda: (ours, new_sessions(COMMITS, patients)),
        peer=lambda: (seal_and_copy_each(copying, fields[CLINIC]), one_by_one(patients)),
        reach=0,
    )


async def backlog(database: Database, copying: Any) -> list[Row]:
    """From the parcel as it comes out of its seal to the receipts, 20 sessions of 25 patients a commit."""
    consuming = Consuming(consumer="charts", database=database, inbox=inbox, handlers=HANDLERS)
    fields = (await database.fields_of([CLINIC]))[CLINIC]

    async def ours(parcel: Parcel) -> None:
        await consuming.receive(parcel)

    async def copying_alone(rows: Sequence[tuple[Any, ...]]) -> None:
        await copy(copying, rows)

    async def sealing_too(rows: Sequence[tuple[Any, ...]]) -> None:
        await copy(copying, sealed(rows, fields))

    def composed() -> list[tuple[Any, ...]]:
        return rows_of(new_sessions(SESSIONS_A_COMMIT, 25))

    async def beside(peer: str, work: Prepared, reach: float) -> Row:
        return await compare(
            f"event to notes, 20 sessions of 25 a commit / {peer}",
            notes=SESSIONS_A_COMMIT * 25,
            ours=lambda: (ours, a_parcel(new_sessions(SESSIONS_A_COMMIT, 25))),
            peer=work,
            reach=reach,
        )

    return [
        await beside("COPY of them", lambda: (copying_alone, sealed(composed(), fields)), 0.45),
        await beside("sealing and COPY", lambda: (sealing_too, composed()), 0),
    ]


Prepared = Callable[[], tuple[Callable[[Any], Awaitable[None]], Any]]


async def compare(name: str, *, notes: int, ours: Prepared, peer: Prepared, reach: float) -> Row:
    """Time both in turns; the ratio is the median of the ratios of pairs."""
    await seconds(ours), await seconds(peer)
    pairs = [(await seconds(ours), await seconds(peer)) for _ in range(PAIRS)]
    return {
        "name": name,
        "unit": "notes/s",
        "ours": notes / statistics.median(mine for mine, _ in pairs),
        "peer": notes / statistics.median(theirs for _, theirs in pairs),
        "ratio": statistics.median(theirs / mine for mine, theirs in pairs),
        "reach": reach,
    }


async def seconds(prepared: Prepared) -> float:
    work, material = prepared()
    started = time.perf_counter()
    await work(material)
    return time.perf_counter() - started


def seal_and_copy_each(connection: Any, fields: Fields) -> Callable[[Any], Awaitable[None]]:
    async def peer(copies: Sequence[Sequence[tuple[Any, ...]]]) -> None:
        for rows in copies:
            await copy(connection, sealed(rows, fields))

    return peer


def sealed(rows: Sequence[tuple[Any, ...]], fields: Fields) -> list[tuple[Any, ...]]:
    key, content, title = (COLUMNS.index(name) for name in ("id", "content", "group_title"))
    places = {content: NOTE, title: TITLE}
    return [
        tuple(
            fields.seal(value, place=places[column], row=row[key]) if column in places else value
            for column, value in enumerate(row)
        )
        for row in rows
    ]


def one_by_one(patients: int) -> list[list[tuple[Any, ...]]]:
    return [rows_of([session]) for session in new_sessions(COMMITS, patients)]


async def copy(connection: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    async with connection.transaction():
        await connection.copy_records_to_table(chart_note.name, records=rows, columns=COLUMNS)


def new_sessions(count: int, patients: int) -> list[Session]:
    record = a_session_record(present=patients, absent=0, description=DESCRIPTION)
    return [
        enveloped(record.model_copy(update={"session_id": new_id(), "documentation_id": new_id()}))
        for _ in range(count)
    ]


DESCRIPTION = "The group practised urge surfing and compared what had helped since the last session. " * 6


def rows_of(sessions: Sequence[Session]) -> list[tuple[Any, ...]]:
    """The rows of the notes, whole: COPY composes nothing."""
    return [
        tuple(
            facts[name] for facts in [asdict(documentation) | asdict(note) | ids_of(note)] for name in COLUMNS
        )
        for documentation, notes in (documented(session.data) for session in sessions)
        for note in notes
    ]


def ids_of(note: ChartNote) -> dict[str, Any]:
    return {"id": note.note_id, "instance_id": CLINIC, "filed_at": TUESDAY, "content": note.content}


@contextmanager
def a_migrated_database() -> Iterator[str]:
    directory = Path(tempfile.mkdtemp(prefix="opencircle-bench-"))
    server = PostgresServer(directory=directory)
    server.start()
    try:
        url = server.create_database("charts")
        asyncio.run(migrate(url))
        yield url
    finally:
        server.stop()
        shutil.rmtree(directory)


async def migrate(url: str) -> None:
    engine = create_engine(url)
    await upgrade(engine, "charts")
    await engine.dispose()
