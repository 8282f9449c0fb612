import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
import redis.asyncio

from deploy.embedded.demo.waiting import eventually
from deploy.embedded.folder import DataFolder
from shared.failpoints import CRASH_POINTS, SETTING
from tests.end_to_end.demo_run import ROOT
from tests.support.stage import Stage, stage_in

pytestmark = pytest.mark.timeout(240)
on_one_loop = pytest.mark.asyncio(loop_scope="module")

MIGRATING = sorted(name for name in CRASH_POINTS if name.startswith("migration."))
PUSHING = ("push.claimed", "push.answered", "push.closed")
"""What their pusher had under way, other charges too, waits for the end of a lease of minutes."""
RINGS_QUICKLY = {"OPENCIRCLE_RING_AGAIN_AFTER_SECONDS": "[0.5, 1, 2, 5]"}
# What has to go wrong first, so that the point is come by at all.
BEFORE = {"consumer.counted": "worker.received"}
SIGNING = sorted(set(CRASH_POINTS) - set(MIGRATING) - {"relay.handed_back", "replay.written"})


class Signed:
    """Sessions that were documented and wait for a signature, and how many have it."""

    def __init__(self, waiting: list[str]) -> None:
        self.waiting = waiting
        self.count = 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage_in(tmp_path_factory.mktemp("crash"), settings=RINGS_QUICKLY) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def signed(stage: Stage) -> Signed:
    return Signed(await stage.sessions(len(SIGNING) + 2))


async def sign_one(stage: Stage, signed: Signed) -> None:
    signed.count += 1
    await stage.sign(signed.waiting.pop())


async def died(stage: Stage, point: str) -> None:
    while stage.is_armed(point):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)


@on_one_loop
@pytest.mark.parametrize("point", SIGNING)
async def test_a_process_that_dies_there_loses_and_doubles_nothing(
    stage: Stage, signed: Signed, point: str
) -> None:
    for one in (BEFORE.get(point, point), point):
        stage.arm(one)
    await sign_one(stage, signed)
    await asyncio.wait_for(died(stage, point), 30)
    found = await stage.settled(signed.count, minutes_later=point in PUSHING)
    assert found.is_all_of(signed.count), found


@on_one_loop
async def test_a_relay_that_dies_while_the_broker_is_away_loses_and_doubles_nothing(
    stage: Stage, signed: Signed
) -> None:
    socket = stage.deployment.supervisor.sockets / "broker.sock"
    hidden = socket.rename(socket.with_suffix(".hidden"))
    async with redis.asyncio.Redis(unix_socket_path=str(hidden)) as client:
        await client.client_kill_filter(_type="normal", skipme=True)
    stage.arm("relay.handed_back")
    await sign_one(stage, signed)
    await asyncio.wait_for(died(stage, "relay.handed_back"), 30)
    hidden.rename(socket)
    found = await stage.settled(signed.count)
    assert found.is_all_of(signed.count), found


@on_one_loop
async def test_a_replay_that_dies_before_its_commit_is_asked_for_again(stage: Stage, signed: Signed) -> None:
    await sign_one(stage, signed)
    assert (await stage.settled(signed.count)).is_all_of(signed.count)
    await stage.run("sessions", "UPDATE delivery SET state = 'parked' WHERE consumer = 'charts'")
    stage.arm("replay.written")
    with pytest.raises(httpx2.TransportError):
        await stage.admin.post("/v1/deliveries/retry", {"everything": True})
    assert await stage.run("sessions", "SELECT 1 FROM audit_entry WHERE action = 'delivery.retried'") == []
    await eventually(lambda: retried(stage))
    found = await stage.settled(signed.count)
    assert found.is_all_of(signed.count), found


async def retried(stage: Stage) -> bool:
    try:
        return bool((await stage.admin.post("/v1/deliveries/retry", {"everything": True}))["deliveries"])
    except httpx2.TransportError:
        return False


@pytest.mark.parametrize("point", MIGRATING)
def test_a_migration_that_dies_there_is_done_whole_by_the_next_start(tmp_path: Path, point: str) -> None:
    folder = DataFolder(root=tmp_path / "data")
    folder.prepare()
    (tmp_path / point).touch()
    assert migrate(folder, points=tmp_path) == -signal.SIGKILL
    with closing(sqlite3.connect(folder.database("charts"))) as charts:
        (tables,) = charts.execute("SELECT count(*) FROM sqlite_master").fetchone()
    assert (tables > 0) == (point == "migration.committed")
    assert migrate(folder, points=tmp_path) == 0
    assert "charts" not in folder.outdated_services()


def migrate(folder: DataFolder, *, points: Path) -> int:
    url = f"sqlite+aiosqlite:///{folder.database('charts')}"
    told = {SETTING: str(points), "OPENCIRCLE_ENVIRONMENT": "embedded"}
    command = (sys.executable, "-m", "shared.database.migrations", "upgrade", "charts", url)
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **told}, check=False).returncode
