import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.operations.data_keys import cli
from services.sessions.metadata import LEDGER, SERVICE
from shared.clock import now_utc
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.events.catalogue import SESSION_COMPLETED
from shared.messaging.outbox import publish
from shared.messaging.sealing import new_key_ring
from shared.testing.databases import FIELD_KEYS, database_on
from shared.testing.records import CLINIC, a_session_record


@pytest.fixture(autouse=True)
def _sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment of the sessions service alone, which has told of one session."""
    url = f"sqlite+aiosqlite:///{tmp_path}/sessions.sqlite3"
    monkeypatch.setenv("OPENCIRCLE_SESSIONS_DATABASE_URL", url)
    asyncio.run(_tell_of_a_session(url))


async def _tell_of_a_session(url: str) -> None:
    database, record = database_on(create_engine(url)), a_session_record()
    await upgrade(database.engine, SERVICE)
    async with database.writing(CLINIC) as db:
        await publish(
            db,
            LEDGER,
            source=SERVICE,
            event_type=SESSION_COMPLETED,
            subject=record.session_id,
            facts=record,
            at=now_utc(),
        )
    await database.engine.dispose()


def asked_for(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def test_keys_are_counted_and_never_shown() -> None:
    wrapped, *sealed = asked_for("status").output.splitlines()
    assert wrapped == "sessions: data keys by master key: k1: 2"
    assert [one for one in sealed if "none" not in one] == ["sessions: event.body: fields by data key: 1: 1"]


def test_all_is_done_beside_the_running_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCIRCLE_FIELD_KEYS", f"{new_key_ring().replace('k1:', 'k2:')},{FIELD_KEYS}")
    assert asked_for("rewrap").output == "sessions: 2 data keys wrapped anew\n"
    assert asked_for("rotate").output == "sessions: 1 new data keys\n"
    # The new key rests.
    assert asked_for("reseal").output == ""
    assert "k2: 3" in asked_for("status").output


def test_a_master_key_that_is_missing_is_named_by_what_it_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCIRCLE_FIELD_KEYS", new_key_ring().replace("k1:", "k2:"))
    ended = asked_for("rewrap")
    assert ended.exit_code == 1
    assert f"Instance {CLINIC}, version 0." in ended.output


def test_programs_get_the_same_as_json() -> None:
    key, bodies = json.loads(asked_for("status", "--json").output)[:2]
    assert key == {"service": "sessions", "of": "data_key", "by_master_key": {"k1": 2}}
    assert (bodies["of"], bodies["insert_only"]) == ("event.body", False)
