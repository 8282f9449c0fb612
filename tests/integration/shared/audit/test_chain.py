"""The chain of the audit trail, on both databases."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.charts.models import audit_entry
from shared.audit.anchoring import AnchorFile, Anchoring
from shared.audit.anchors import Head, read_anchors
from shared.audit.linking import LINKED_AT_MOST, Linker
from shared.audit.verifying import Fault, Finding, verify
from shared.clock import now_utc
from shared.database.audit import record_access, record_access_to
from shared.database.insert_only import REFUSAL, insert_only
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.testing.records import CLINIC, OTHER_CLINIC
from tests.support.databases import OpenDatabase

pytestmark = pytest.mark.rule("PERM-8")

TUESDAY = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
ITS_ENTRY = r"(SELECT entry_id FROM audit_link WHERE instance_id = $CLINIC AND sequence = \1)"
TABLES = ("audit_entry", "audit_link")


@pytest_asyncio.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    """Three entries of one instance and one of another, linked."""
    database = await open_database("charts")
    for minute in range(3):
        await tell(database, at=TUESDAY + timedelta(minutes=minute))
    await tell(database, instance_id=OTHER_CLINIC)
    assert await link(database) == 4
    yield database


async def tell(database: Database, *, instance_id: UUID = CLINIC, at: datetime = TUESDAY) -> None:
    async with database.writing(instance_id) as db:
        await record_access(db, audit_entry, at=at, user_id=new_id(), action="note.read", subject=new_id())


async def link(database: Database) -> int:
    return await Linker(database=database, trail=audit_entry).link_new()


async def find(database: Database, *heads: Head) -> Finding | None:
    return (await verify(database, audit_entry, linked_before=now_utc(), anchored=heads)).finding


async def anchored(database: Database, folder: Path) -> list[Head]:
    key, file = Ed25519PrivateKey.generate(), folder / "anchors.jsonl"
    anchoring = Anchoring(
        service="charts", database=database, trail=audit_entry, key=key, place=AnchorFile(file)
    )
    await anchoring.anchor(at=TUESDAY)
    return list(read_anchors(file.read_bytes(), key.public_key()))


async def tamper(database: Database, *statements: str) -> None:
    """Do what the owner of the tables can: without the triggers."""
    dialect = database.engine.dialect.name
    async with database.writing_for_all() as connection:
        for table in TABLES:
            names = [trigger.split()[2] for trigger in insert_only(table, dialect=dialect)]
            off = [f"DROP TRIGGER {name}" for name in names]
            if dialect == "postgresql":
                off = [f"ALTER TABLE {table} DISABLE TRIGGER USER"]
            for statement in off:
                await connection.execute(text(statement))
        for statement in statements:
            clinic = CLINIC if dialect == "postgresql" else CLINIC.hex
            whole = re.sub(r"\$ENTRY\((\d)\)", ITS_ENTRY, statement)
            await connection.execute(text(whole.replace("$CLINIC", f"'{clinic}'")))


async def test_what_nobody_touched_is_proved(database: Database) -> None:
    proof = await verify(database, audit_entry, linked_before=now_utc())
    assert (proof.links, proof.instances, proof.finding) == (4, 2, None)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit_entry SET outcome = 'refused' WHERE id = $ENTRY(2)", Fault.CHANGED),
        ("UPDATE audit_entry SET purpose = 'TREAT' WHERE id = $ENTRY(2)", Fault.CHANGED),
        ("DELETE FROM audit_entry WHERE id = $ENTRY(2)", Fault.ENTRY_GONE),
        ("DELETE FROM audit_link WHERE instance_id = $CLINIC AND sequence = 2", Fault.LINK_GONE),
    ],
)
async def test_the_first_row_that_does_not_hold_is_named(
    database: Database, statement: str, fault: Fault
) -> None:
    await tamper(database, statement)
    finding = await find(database)
    assert finding is not None
    assert (finding.fault, finding.instance_id, finding.sequence) == (fault, CLINIC, 2)


async def test_an_end_that_was_cut_off_is_told_by_the_anchor_alone(
    database: Database, tmp_path: Path
) -> None:
    heads = await anchored(database, tmp_path)
    await tamper(
        database,
        "DELETE FROM audit_entry WHERE id = $ENTRY(3)",
        "DELETE FROM audit_link WHERE instance_id = $CLINIC AND sequence = 3",
    )
    assert await find(database) is None
    finding = await find(database, *heads)
    assert finding is not None
    assert (finding.fault, finding.sequence) == (Fault.CUT_OFF, 3)


async def test_a_chain_that_was_made_anew_is_told_by_the_anchor_alone(
    database: Database, tmp_path: Path
) -> None:
    heads = await anchored(database, tmp_path)
    await tamper(
        database,
        "UPDATE audit_entry SET outcome = 'refused' WHERE id = $ENTRY(2)",
        "DELETE FROM audit_link WHERE instance_id = $CLINIC",
    )
    await link(database)
    assert await find(database) is None
    finding = await find(database, *heads)
    assert finding is not None
    assert finding.fault is Fault.REWRITTEN


async def test_an_entry_that_nobody_linked_is_named(database: Database) -> None:
    await tell(database, at=TUESDAY)
    finding = await find(database)
    assert finding is not None
    assert (finding.fault, finding.at) == (Fault.UNLINKED, TUESDAY)


async def test_an_entry_that_is_committed_late_is_linked_at_the_next_look(
    open_database: OpenDatabase,
) -> None:
    database = await open_database("charts")
    if database.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time: none is late")
    linker = Linker(database=database, trail=audit_entry)
    async with database.writing(CLINIC) as slow:
        await record_access(slow, audit_entry, at=TUESDAY, user_id=None, action="slow", subject="")
        await tell(database)
        assert await linker.link_new() == 1
    assert await linker.link_new() == 1
    assert await find(database) is None


async def test_what_is_more_than_one_transaction_takes_is_linked_in_one_look(database: Database) -> None:
    many = LINKED_AT_MOST + 1
    async with database.writing(CLINIC) as db:
        patient_ids = [new_id() for _ in range(many)]
        await record_access_to(
            db, audit_entry, patient_ids=patient_ids, at=TUESDAY, user_id=None, action="listed", subject=""
        )
    assert await link(database) == many
    assert await find(database) is None


async def test_two_at_once_lay_one_chain(database: Database) -> None:
    for _ in range(5):
        await tell(database)
    assert sum(await asyncio.gather(*(link(database) for _ in range(4)))) == 5
    assert await find(database) is None


@pytest.mark.parametrize("statement", ["UPDATE audit_link SET sequence = 9", "DELETE FROM audit_link"])
async def test_the_database_itself_refuses_to_change_a_link(database: Database, statement: str) -> None:
    await tell(database)
    assert await link(database) == 1
    async with database.writing_for_all() as connection:
        with pytest.raises(DBAPIError, match=REFUSAL):
            await connection.execute(text(statement))
        await connection.rollback()
