"""What a page of one chart costs in a small table and in a large one, in the same run."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import asyncpg

from services.charts.repository import TITLE
from services.charts.views import Wanted, chart_page
from shared.database.engine import create_engine
from shared.database.transactions import Database
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.testing.databases import database_on
from shared.testing.records import CLINIC
from shared.web.cursors import cursors_sealed_with
from tests.benchmarks.notes import a_migrated_database, migrate
from tests.benchmarks.rows import Row
from tests.support.servers import OWNER, as_superuser

SMALL, LARGE = 10_000, 1_000_000
PATIENTS_A_SESSION, NOTES_A_PATIENT, PAGE = 25, 100, 50
PAIRS, PAGES_A_PAIR = 15, 20
GROWTH_AT_MOST: Final = 1.6

DOCUMENTATIONS = """
INSERT INTO chart_documentation
    (documentation_id, instance_id, session_id, version, location_id, held_on, signed_at, leader_ids)
SELECT md5('d' || n)::uuid, $1::uuid, md5('s' || n)::uuid, 1, $1::uuid, '2020-01-01'::date + n % 2000,
    '2020-01-01'::timestamptz + n % 2000 * interval '1 day', $1::uuid::text
FROM generate_series(1, $2::int) AS n
"""
NOTES = """
INSERT INTO chart_note (id, instance_id, patient_id, session_id, documentation_id, held_at, group_title,
    attendance, minutes, filed_at, content, template_id)
SELECT md5('n' || n || '-' || seat)::uuid, $1::uuid, md5('p' || n % $3::int || '-' || seat)::uuid,
    md5('s' || n)::uuid, md5('d' || n)::uuid, '2020-01-01'::timestamptz + n * interval '1 minute',
    'Process Group', 'present', 50, now(), repeat('note ', 40), $1::uuid
FROM generate_series(1, $2::int) AS n, generate_series(1, $4::int) AS seat
"""
A_PATIENT = "SELECT md5('p1-1')::uuid"


def run() -> list[Row]:
    """Ask the same page of both tables in turns."""
    keys = KeyRing.parse(new_key_ring())
    with cursors_sealed_with(keys), a_migrated_database() as url:
        return asyncio.run(measure(url))


async def measure(url: str) -> list[Row]:
    admin = await asyncpg.connect(as_superuser(url))
    await admin.execute(f"CREATE DATABASE large OWNER {OWNER}")
    await admin.close()
    larger = f"{url.rpartition('/')[0]}/large"
    await migrate(larger)
    small, large = await filled(url, SMALL), await filled(larger, LARGE)
    pairs = [(await small(), await large()) for _ in range(PAIRS)][1:]
    return [
        {
            "name": f"a page of {PAGE} of one chart, at {LARGE:,} notes / at {SMALL:,}",
            "unit": "ms",
            "ours": statistics.median(at_large for _, at_large in pairs),
            "peer": statistics.median(at_small for at_small, _ in pairs),
            "ratio": statistics.median(at_small / at_large for at_small, at_large in pairs),
            "reach": 1 / GROWTH_AT_MOST,
        }
    ]


async def filled(url: str, count: int) -> Callable[[], Awaitable[float]]:
    """Fill a database with so many notes; give what measures a page there, in milliseconds."""
    sessions = count // PATIENTS_A_SESSION
    connection = await asyncpg.connect(as_superuser(url))
    await connection.execute(DOCUMENTATIONS, CLINIC, sessions)
    await connection.execute(NOTES, CLINIC, sessions, sessions // NOTES_A_PATIENT, PATIENTS_A_SESSION)
    patient_id: UUID = await connection.fetchval(A_PATIENT)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    database = database_on(create_engine(url))
    await entitle(url, database, patient_id)

    async def milliseconds() -> float:
        started = time.perf_counter()
        for _ in range(PAGES_A_PAIR):
            async with database.reading(CLINIC) as db:
                await chart_page(db, patient_id, Wanted(), cursor=None, limit=PAGE)
        return (time.perf_counter() - started) / PAGES_A_PAIR * 1000

    return milliseconds


async def entitle(url: str, database: Database, patient_id: UUID) -> None:
    """Seal the titles of the one chart that is asked for, each for its note."""
    fields = (await database.fields_of([CLINIC]))[CLINIC]
    connection = await asyncpg.connect(as_superuser(url))
    await connection.execute("SET session_replication_role = replica")
    ids = await connection.fetch("SELECT id FROM chart_note WHERE patient_id = $1", patient_id)
    titles = [(row["id"], fields.seal("Process Group", place=TITLE, row=row["id"])) for row in ids]
    await connection.executemany("UPDATE chart_note SET group_title = $2 WHERE id = $1", titles)
    await connection.close()
