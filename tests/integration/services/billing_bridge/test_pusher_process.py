"""The pusher as a process of its own: how it starts, wakes, stops and is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.messaging.bells import PostgresBell, PostgresWake
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.testing.databases import database_on
from shared.testing.identity import ISSUER
from shared.testing.records import a_session_record, webhook_billing
from tests.integration.services.billing_bridge.conftest import Billing, RunningReceiver
from tests.integration.services.billing_bridge.connectors.test_hl7 import listener
from tests.integration.services.billing_bridge.scripted_receiver import hanging, scripted_receiver

PATIENCE_SECONDS = 20.0


@contextmanager
def _running_pusher(billing: Billing, key_ring: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    url = billing.database.engine.url.render_as_string(hide_password=False)
    environment = {
        "OPENCIRCLE_ENVIRONMENT": "embedded",
        "OPENCIRCLE_BROKER_URL": "redis://unused",
        "OPENCIRCLE_MESSAGE_KEYS": new_key_ring(),
        "OPENCIRCLE_ISSUER": ISSUER,
        "OPENCIRCLE_TOKEN_KEYS": str(billing.issuer.key_file),
        "OPENCIRCLE_BILLING_DATABASE_URL": url,
        "OPENCIRCLE_BILLING_CONNECTION_KEYS": key_ring,
    }
    command = [sys.executable, "-m", "services.billing_bridge.pusher"]
    with (folder / "pusher.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def key_ring(billing: Billing) -> str:
    text = new_key_ring()
    # The API seals with the ring that the process is given.
    billing.application.state.connection_keys = KeyRing.parse(text)
    return text


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


@pytest.mark.rule("BILL-4")
async def test_it_pushes_what_is_made_and_says_no_secret(
    billing: Billing, receiver: RunningReceiver, key_ring: str, tmp_path: Path
) -> None:
    async def all_accepted() -> bool:
        return await billing.statuses() == ["accepted"] * 8

    await billing.connect(receiver.url, secret=receiver.secret)
    with _running_pusher(billing, key_ring, tmp_path) as process:
        await billing.hear(a_session_record(present=8))
        await _until(all_accepted)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert receiver.secret not in (tmp_path / "pusher.log").read_text()


@pytest.mark.rule("BILL-4")
async def test_it_pushes_hl7_to_an_independent_listener(
    billing: Billing, key_ring: str, tmp_path: Path
) -> None:
    async def all_accepted() -> bool:
        return await billing.statuses() == ["accepted"] * 3

    async with listener() as heard:
        await billing.connect(heard.url, system="hl7")
        with _running_pusher(billing, key_ring, tmp_path):
            await billing.hear(a_session_record(present=3, billing=webhook_billing(system="hl7")))
            await _until(all_accepted)
    assert sorted(str(one.segment("PID")(3)).partition("^")[0] for one in heard.heard) == [
        "MRN-00000",
        "MRN-00001",
        "MRN-00002",
    ]


@pytest.mark.rule("BILL-5")
async def test_killed_while_a_push_is_under_way_it_leaves_the_attempt_open(
    billing: Billing, key_ring: str, tmp_path: Path
) -> None:
    async with scripted_receiver(hanging) as receiver:

        async def one_arrived() -> bool:
            return len(receiver.received) == 1

        await billing.one_charge(receiver.url)
        with _running_pusher(billing, key_ring, tmp_path) as process:
            await _until(one_arrived)
            process.send_signal(signal.SIGKILL)
            process.wait()
        billing.watch.forward(hours=1)
        await billing.pusher.recover()
        shown = await billing.shown()
        assert (shown["status"], shown["pushes"][0]["ended_at"]) == ("unknown", None)
        await billing.push()
        assert len(receiver.received) == 1


async def test_a_consumers_commit_rings_for_the_pusher(billing: Billing) -> None:
    if billing.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite is rung by sockets, which have their own tests")
    url = billing.database.engine.url.render_as_string(hide_password=False)
    ringing = database_on(billing.database.engine, bell=PostgresBell())
    async with PostgresWake(url) as wake:
        await Billing(**vars(billing) | {"database": ringing}).hear(a_session_record(present=1))
        begun = time.monotonic()
        await wake.wait(PATIENCE_SECONDS)
    assert time.monotonic() - begun < PATIENCE_SECONDS / 2
