import base64
import json
import os
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import redis
import time_machine
from typer.testing import CliRunner

from deploy.embedded.folder import DataFolder
from deploy.operations.checks.databases import look_at_databases
from deploy.operations.checks.findings import Finding, State
from deploy.operations.doctor import cli, examine
from deploy.operations.where import Where
from shared.audit.anchors import Head, append, read_private_key, sign
from shared.clock import now_utc
from shared.messaging.broker import Broker, Outgoing
from shared.messaging.celery_application import new_celery_application
from shared.messaging.messages import DELIVER_TASK
from shared.messaging.sealing import KeyRing, new_key_ring
from tests.support import rabbit
from tests.support.databases import OpenDatabase
from tests.support.servers import ValkeyServer, free_port

STOPPED = {"life", "broker"}
"""What is broken of a deployment that does not run."""

Break = Callable[[DataFolder], object]


async def broken_at(folder: DataFolder) -> set[str]:
    return {one.check for one in await examine(folder.root) if one.state is State.BROKEN}


def at(folder: DataFolder, service: str, statement: str, *values: object) -> None:
    with sqlite3.connect(folder.database(service)) as database:
        database.execute(statement, values)


def an_old_delivery(folder: DataFolder, *, state: str) -> None:
    long_ago = f"{now_utc() - timedelta(hours=1):%Y-%m-%d %H:%M:%S.%f}"
    columns = "(id, instance_id, type, subject, occurred_at, body)"
    at(folder, "sessions", f"INSERT INTO event {columns} VALUES ('e', 'i', 't', 's', ?, '')", long_ago)  # noqa: S608
    columns = "(id, event_id, consumer, state, rings, failures, next_ring_at)"
    values = "('d', 'e', 'charts', ?, 9, 0, ?)"
    at(folder, "sessions", f"INSERT INTO delivery {columns} VALUES {values}", state, long_ago)  # noqa: S608


def an_answer_sealed_elsewhere(folder: DataFolder) -> None:
    columns = "(id, instance_id, user_id, request_sha256, created_at, body)"
    values = "('a', 'b', 'c', 'd', '2026-01-01 00:00:00.000000', ?)"
    at(folder, "charts", f"INSERT INTO idempotency_key {columns} VALUES {values}", b"other.sealed")  # noqa: S608


def a_connection_sealed_elsewhere(folder: DataFolder) -> None:
    columns = "instance_id, system, url, sealed_secret, deduplicates, active, destination_id"
    columns = f"({columns}, changed_at, changed_by)"
    values = "('a', 'webhook', '', 'lost.sealed', 1, 1, 'b', '', 'c')"
    at(folder, "billing_bridge", f"INSERT INTO connection {columns} VALUES {values}")  # noqa: S608


BREAKS: dict[str, Break] = {
    "migrations.charts": lambda folder: at(
        folder, "charts", "UPDATE alembic_version SET version_num = '0001'"
    ),
    "database.printing": lambda folder: folder.database("printing").write_bytes(b"no database" * 100),
    "modes": lambda folder: (folder.root / "message.keys").chmod(0o644),
    "deliveries.sessions": lambda folder: an_old_delivery(folder, state="open"),
    "parked.sessions": lambda folder: an_old_delivery(folder, state="parked"),
    "keys.charts": an_answer_sealed_elsewhere,
    "field_keys.sessions": lambda folder: (folder.root / "field.keys").write_text(new_key_ring()),
    "anchors": lambda folder: append(folder.root / "anchors.jsonl", b"{}\n"),
    "connection_keys": a_connection_sealed_elsewhere,
    "issuer": lambda folder: folder.token_keys.write_text('{"keys": []}'),
}


async def test_of_a_stopped_deployment_only_what_is_stopped_is_broken(deployment: DataFolder) -> None:
    assert await broken_at(deployment) == STOPPED


@pytest.mark.parametrize("check", BREAKS)
async def test_what_is_broken_is_named_with_what_mends_it(deployment: DataFolder, check: str) -> None:
    BREAKS[check](deployment)
    findings = {one.check: one for one in await examine(deployment.root)}
    assert {one.check for one in findings.values() if one.state is State.BROKEN} == STOPPED | {check}
    assert findings[check].mend


async def test_a_new_deployment_is_not_blamed_for_what_is_not_due(deployment: DataFolder) -> None:
    def anchors(findings: list[Finding]) -> set[State]:
        return {one.state for one in findings if one.check.startswith("anchors")}

    deployment.anchor_key.touch()
    assert anchors(await examine(deployment.root)) == {State.GOOD}
    os.utime(deployment.anchor_key, (0, 0))
    assert anchors(await examine(deployment.root)) == {State.WARNING}


def test_a_file_of_keys_that_is_gone_is_said_in_one_line(deployment: DataFolder) -> None:
    (deployment.root / "field.keys").unlink()
    result = CliRunner().invoke(cli, ["--data-dir", str(deployment.root)])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "field.keys" in result.output


async def test_a_trail_that_is_not_anchored_for_an_hour_is_told(deployment: DataFolder) -> None:
    an_hour_ago = now_utc() - timedelta(hours=1)
    head = Head(service="sessions", instance_id=uuid4(), sequence=1, hash=b"", at=an_hour_ago)
    key = read_private_key(deployment.anchor_key.read_text())
    append(deployment.root / "anchors.jsonl", sign([head], key))
    found = {one.check: one for one in await examine(deployment.root)}
    assert found["anchors.sessions"].state is State.WARNING
    assert found["anchors.sessions"].says == "anchored 60 minutes ago"


async def test_an_old_backup_is_as_bad_as_none(deployment: DataFolder, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()

    async def state() -> State:
        findings = await examine(deployment.root, backups=tmp_path / "backups")
        return next(one.state for one in findings if one.check == "backups")

    assert await state() is State.BROKEN
    (tmp_path / "backups" / "monday").touch()
    assert await state() is State.GOOD
    os.utime(tmp_path / "backups" / "monday", (0, 0))
    assert await state() is State.BROKEN


@pytest.fixture
def production(
    deployment: DataFolder, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> DataFolder:
    """The same, but told by the environment, with a broker that answers."""
    for name, value in deployment.told().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENCIRCLE_ENVIRONMENT", "production")
    monkeypatch.setenv("OPENCIRCLE_BROKER_URL", valkey_server.url)
    return deployment


@pytest.fixture
def broker(valkey_server: ValkeyServer) -> redis.Redis:
    valkey_server.wipe()
    return redis.Redis.from_url(valkey_server.url)


async def broken_in_production() -> set[str]:
    found = {one.check for one in await examine(None) if one.state is not State.GOOD}
    # What was never started was never anchored.
    return {one for one in found if not one.startswith("anchors.")} - {"backups", "disk"}


async def test_a_broker_that_forgets_is_found(production: DataFolder, broker: redis.Redis) -> None:
    broker.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "broker.eviction" in await broken_in_production()
    finally:
        broker.config_set("maxmemory-policy", "noeviction")


async def test_a_message_that_others_sealed_is_found(production: DataFolder, broker: redis.Redis) -> None:
    assert "broker.keys" not in await broken_in_production()
    url = os.environ["OPENCIRCLE_BROKER_URL"]
    sealed = KeyRing.parse(new_key_ring("theirs")).seal({}, purpose=DELIVER_TASK)
    rings = Broker(application=new_celery_application(name="test", broker_url=url))
    rings.send([Outgoing(queue="charts", task=DELIVER_TASK, sealed=sealed)])
    rings.application.close()
    assert "broker.keys" in await broken_in_production()


async def test_an_unencrypted_way_to_the_broker_is_a_warning(
    production: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCIRCLE_BROKER_URL", "redis://valkey.invalid:6379/0")
    assert {"broker.scheme", "broker"} <= await broken_in_production()


async def test_a_rabbitmq_that_does_not_answer_is_found(
    production: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCIRCLE_BROKER_URL", f"amqp://clinic:secret@127.0.0.1:{free_port()}//")
    (found,) = [one for one in await examine(None) if one.check == "broker"]
    assert (found.state, "secret" in found.says) == (State.BROKEN, False)


@pytest.mark.skipif(not rabbit.is_installed(), reason="RabbitMQ is not installed.")
async def test_a_rabbitmq_that_answers_is_named(
    production: DataFolder, monkeypatch: pytest.MonkeyPatch, private_directory: Callable[[str], Path]
) -> None:
    server = rabbit.RabbitServer(directory=private_directory("rabbit"))
    server.start()
    monkeypatch.setenv("OPENCIRCLE_BROKER_URL", server.url)
    try:
        (found,) = [one for one in await examine(None) if one.check == "broker"]
    finally:
        server.stop()
    assert (found.state, found.says.partition(" ")[0]) == (State.GOOD, "RabbitMQ")


@pytest.mark.parametrize("place", ["https://127.0.0.1:9/keys", "/nowhere/jwks.json"])
async def test_an_issuer_that_can_not_be_reached_is_found(
    production: DataFolder, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("OPENCIRCLE_TOKEN_KEYS", place)
    assert "issuer" in await broken_in_production()


def test_programs_are_told_the_same_as_one_json_value(deployment: DataFolder) -> None:
    result = CliRunner().invoke(cli, ["--data-dir", str(deployment.root), "--json"])
    assert result.exit_code == 1
    assert {one["state"] for one in json.loads(result.output)} >= {"good", "broken"}


def test_people_are_told_what_to_do(deployment: DataFolder) -> None:
    output = CliRunner().invoke(cli, ["--data-dir", str(deployment.root)]).output
    assert "BROKEN  life" in output
    assert "-> Start it: `./opencircle up`." in output
    secret = (deployment.root / "message.keys").read_text().partition(":")[2]
    assert secret not in output
    assert base64.b64decode(secret) not in output.encode()


@pytest.mark.postgres
@pytest.mark.parametrize("open_database", ["postgresql"], indirect=True)
async def test_a_database_that_keeps_another_time_is_found(
    production: DataFolder, open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await open_database("charts")
    url = database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("OPENCIRCLE_CHARTS_DATABASE_URL", url)

    async def states() -> dict[str, State]:
        return {one.check: one.state async for one in look_at_databases(Where())}

    assert (await states())["clock.charts"] is State.GOOD
    with time_machine.travel(now_utc() + timedelta(minutes=1)):
        assert (await states())["clock.charts"] is State.BROKEN


async def test_a_database_that_is_away_is_found(
    production: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCIRCLE_CHARTS_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:9/charts")
    found = [one.check async for one in look_at_databases(Where()) if one.state is State.BROKEN]
    assert found == ["database.charts"]
