"""The printing service as it is run: four processes and a broker, asked from outside alone."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.events.catalogue import SHEET_REQUESTED, STAFF_ACCESS_CHANGED
from shared.events.contract import Contract
from shared.events.staff import Role, StaffAccess, StaffAccessChanged
from shared.identifiers import new_id
from shared.messaging.broker import Broker, Outgoing
from shared.messaging.celery_application import new_celery_application
from shared.messaging.messages import DELIVER_TASK
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC, MARGARET, a_parcel, enveloped
from tests.support.servers import LOOPBACK, ValkeyServer, free_port
from tests.unit.services.printing.renderer.sheets import a_sheet, page_texts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[4]
PROCESSES = ("main", "worker", "relay", "render_worker")
PATIENCE_SECONDS = 60.0
A_FEW_SECONDS_LONG = 900
RENDERS_PER_CHILD = 20


@dataclass(kw_only=True)
class RunningPrinting:
    folder: Path
    environment: dict[str, str]
    issuer: TokenIssuer
    keys: KeyRing
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        for name in PROCESSES:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"services.printing.{name}"],
                cwd=ROOT,
                env=os.environ | self.environment,
                start_new_session=True,
            )

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def hear(self, facts: Contract, event_type: str) -> None:
        """Send what the relay of sessions would send."""
        parcel = a_parcel([enveloped(facts, event_type=event_type)])
        sealed = self.keys.seal(parcel.model_dump(mode="json"), purpose=DELIVER_TASK)
        url = self.environment["OPENCIRCLE_BROKER_URL"]
        broker = Broker(application=new_celery_application(name="test", broker_url=url))
        broker.send([Outgoing(queue="printing", task=DELIVER_TASK, sealed=sealed)])
        broker.application.close()

    def ask(self, path: str) -> httpx2.Response:
        token = self.issuer.token_for(MARGARET, instance_id=CLINIC)
        port = self.environment["OPENCIRCLE_HTTP_PORT"]
        return httpx2.get(
            f"http://{LOOPBACK}:{port}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10
        )

    def until_status(self, job_id: UUID, *statuses: str) -> dict[str, Any]:
        """Give the job as soon as it has one of the statuses."""

        def has_it() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job.get("status") in statuses else None

        job: dict[str, Any] = until(has_it)
        return job

    def job(self, job_id: UUID) -> dict[str, Any]:
        job: dict[str, Any] = self.ask(f"/v1/printing/jobs/{job_id}").json()
        return job

    def unreceipted(self) -> int:
        """Count the renders that printing's own ledger still owes."""
        with contextlib.closing(sqlite3.connect(self.folder / "printing.sqlite3")) as connection:
            statement = "SELECT count(*) FROM delivery WHERE state <> 'receipted'"
            return int(connection.execute(statement).fetchone()[0])

    def render_children(self) -> list[int]:
        pid = self.processes["render_worker"].pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(attempt: Callable[[], Any]) -> Any:
    """Try until there is something; the API may not listen yet."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            if found := attempt():
                return found
        time.sleep(0.02)
    pytest.fail("It did not come to that.")


async def migrated(url: str) -> None:
    engine = create_engine(url)
    await upgrade(engine, "printing")
    await engine.dispose()


@pytest.fixture(scope="module")
def printing(
    valkey_server: ValkeyServer, private_directory: Callable[[str], Path]
) -> Iterator[RunningPrinting]:
    folder = private_directory("printing")
    url = f"sqlite+aiosqlite:///{folder}/printing.sqlite3"
    asyncio.run(migrated(url))
    valkey_server.wipe()
    issuer, keys = TokenIssuer(folder), new_key_ring()
    environment = {
        "OPENCIRCLE_ENVIRONMENT": "embedded",
        "OPENCIRCLE_BROKER_URL": valkey_server.url,
        "OPENCIRCLE_MESSAGE_KEYS": keys,
        "OPENCIRCLE_ISSUER": ISSUER,
        "OPENCIRCLE_TOKEN_KEYS": str(issuer.key_file),
        "OPENCIRCLE_BELLS_FOLDER": str(folder),
        "OPENCIRCLE_RING_AGAIN_AFTER_SECONDS": "[1, 1, 1]",
        "OPENCIRCLE_HTTP_PORT": str(free_port()),
        "OPENCIRCLE_PRINTING_DATABASE_URL": url,
        "OPENCIRCLE_PRINTING_STORAGE_FOLDER": str(folder / "sheets"),
        "OPENCIRCLE_PRINTING_RENDERS_PER_CHILD": str(RENDERS_PER_CHILD),
    }
    running = RunningPrinting(folder=folder, environment=environment, issuer=issuer, keys=KeyRing.parse(keys))
    running.start()
    therapist = StaffAccess(
        user_id=MARGARET, version=1, active=True, roles=frozenset({Role.THERAPIST}), features=frozenset()
    )
    running.hear(StaffAccessChanged(members=(therapist,)), STAFF_ACCESS_CHANGED)
    until(lambda: running.ask("/v1/printing/counts").status_code == 200)
    yield running
    running.stop()


@pytest.mark.rule("PRINT-5")
def test_a_requested_sheet_becomes_a_file_to_download(printing: RunningPrinting) -> None:
    sheet = a_sheet(job_id=new_id())
    printing.hear(sheet, SHEET_REQUESTED)
    job = printing.until_status(sheet.job_id, "ready", "failed")
    answer = printing.ask(job["links"]["file"])
    assert answer.headers["content-type"] == "application/pdf"
    assert len(answer.content) == job["bytes"]
    assert "Chidi O." in page_texts(answer.content)[0]


@pytest.mark.rule("PRINT-5")
def test_a_sheet_whose_render_was_killed_is_ready_all_the_same(printing: RunningPrinting) -> None:
    sheet = a_sheet(job_id=new_id(), names=tuple(f"Anna {number}." for number in range(A_FEW_SECONDS_LONG)))
    printing.hear(sheet, SHEET_REQUESTED)
    printing.until_status(sheet.job_id, "rendering")
    child = max(until(printing.render_children))
    os.kill(child, signal.SIGKILL)
    assert printing.job(sheet.job_id)["status"] == "rendering"
    job = printing.until_status(sheet.job_id, "ready", "failed")
    assert job["status"] == "ready"
    assert printing.render_children() != [child]


@pytest.mark.rule("PRINT-5")
def test_a_child_is_replaced_before_it_grows(printing: RunningPrinting) -> None:
    before = set(until(printing.render_children))
    sheets = [a_sheet(job_id=new_id()) for _ in range(RENDERS_PER_CHILD)]
    for sheet in sheets:
        printing.hear(sheet, SHEET_REQUESTED)
    # What was handed to a child that was about to leave is rung for again.
    for sheet in sheets:
        assert printing.until_status(sheet.job_id, "ready", "failed")["status"] == "ready"
    until(lambda: set(printing.render_children()) - before)


@pytest.mark.rule("PRINT-5")
def test_a_sheet_that_cant_be_printed_ends_as_failed(printing: RunningPrinting) -> None:
    sheet = a_sheet(job_id=new_id(), time_zone="Riverside/Nowhere")
    printing.hear(sheet, SHEET_REQUESTED)
    job = printing.until_status(sheet.job_id, "ready", "failed")
    assert job["status"] == "failed"
    assert job["reason"].startswith("UnknownTimeZoneError at ")


def test_printing_takes_the_receipts_of_its_own_renders(printing: RunningPrinting) -> None:
    printing.hear(a_sheet(job_id=(job_id := new_id())), SHEET_REQUESTED)
    printing.until_status(job_id, "ready")
    until(lambda: printing.unreceipted() == 0)
