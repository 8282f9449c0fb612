"""The same code on PostgreSQL and a networked broker, chosen by URLs alone; each part is a process."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import httpx2
import pytest
from rich.console import Console

from deploy.embedded.demo.day import Progress, live
from deploy.embedded.demo.outcome import Figures
from deploy.embedded.demo.receiver import receiver_in
from deploy.embedded.demo.sample import LAST_NAMES, write_sample
from deploy.embedded.folder import SERVICES, DataFolder
from deploy.embedded.parts import parts_of
from services.sessions.configuration.use_cases import found_instance
from shared.clock import now_utc
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.testing.databases import FIELD_KEYS, database_on
from tests.end_to_end.demo_run import ROOT, ready
from tests.support.servers import PostgresServer, ValkeyServer, free_port

LOGIN = ("admin", "a password for this test")
START_SECONDS = 100
SETTING_NAMES = {"billing_bridge": "BILLING"}


@pytest.fixture
def production_like(
    postgres_server: PostgresServer,
    valkey_server: ValkeyServer,
    tmp_path: Path,
) -> Iterator[str]:
    """Every composition root as containers run it; gives the address."""
    valkey_server.wipe()
    port = free_port()
    urls = {service: postgres_server.create_database(f"production_{service}") for service in SERVICES}
    asyncio.run(_prepare(urls))
    folder = DataFolder(root=tmp_path / "keys")
    folder.prepare()
    environment = folder.environment(sockets=tmp_path, port=port) | {
        "OPENCIRCLE_BROKER_URL": valkey_server.url,
        # The instance is founded from here, so its data keys are wrapped by the keys of all tests.
        "OPENCIRCLE_FIELD_KEYS": FIELD_KEYS,
        **{
            f"OPENCIRCLE_{SETTING_NAMES.get(name, name.upper())}_DATABASE_URL": url
            for name, url in urls.items()
        },
    }
    # PostgreSQL rings by itself: without these sockets nothing else does.
    del environment["OPENCIRCLE_BELLS_FOLDER"]
    with ExitStack() as stack:
        for part in parts_of(data=tmp_path, sockets=tmp_path, port=port)[1:]:
            module = part.module or part.program[-1]
            _start(stack, module, environment, alive=tmp_path / f"{part.name}.alive")
        _wait_for(lambda: _serving(tmp_path) and ready(port))
        yield f"http://127.0.0.1:{port}"
    for service in SERVICES:
        postgres_server.drop_database(f"production_{service}")


async def _prepare(urls: dict[str, str]) -> None:
    for service, url in urls.items():
        engine = create_engine(url)
        await upgrade(engine, service)
        if service == "sessions":
            login, password = LOGIN
            await found_instance(
                database_on(engine), name="Clinic", login=login, password=password, clock=now_utc
            )
        await engine.dispose()


def _start(stack: ExitStack, module: str, environment: dict[str, str], *, alive: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**os.environ, **environment, "OPENCIRCLE_ALIVE_FILE": str(alive)},
        stderr=stack.enter_context((alive.parent / f"{module}.log").open("w")),
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)


def _serving(folder: Path) -> bool:
    return len(list(folder.glob("*.alive"))) >= 9


def _wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not done():
        assert time.monotonic() < deadline, "the parts did not start"
        time.sleep(0.05)


@pytest.mark.postgres
@pytest.mark.timeout(240)
@pytest.mark.rule("DIST-1", "DIST-5")
def test_a_clinic_day_on_postgresql_comes_to_the_same(production_like: str, tmp_path: Path) -> None:
    figures = asyncio.run(_live_through(production_like, tmp_path))
    assert figures.complete
    assert (figures.notes, figures.charges_accepted, figures.sheets) == (85, 38, 4)
    told = [httpx2.get(f"{production_like}/metrics").text]
    told += [log.read_text() for log in tmp_path.glob("*.log")]
    assert not any(name in text for name in LAST_NAMES for text in told)


async def _live_through(address: str, folder: Path) -> Figures:
    write_sample(folder / "fhir")
    progress = Progress(console=Console(file=StringIO()))
    async with receiver_in(folder / "receiver") as receiver:
        return await live(progress, address, LOGIN, receiver=receiver, data=folder / "fhir", out=folder)
