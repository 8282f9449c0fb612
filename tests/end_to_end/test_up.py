import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.demo_run import ROOT, ready
from tests.support.fhir_exports import patient
from tests.support.servers import free_port

# A machine that does much else starts eleven processes slowly.
pytestmark = pytest.mark.timeout(240)
PATIENCE_SECONDS = 100


@dataclass(frozen=True, kw_only=True)
class Up:
    """`make up`'s command, under way."""

    process: subprocess.Popen[str]
    folder: Path
    port: int

    def pids(self) -> list[int]:
        return [int(file.read_text()) for file in (self.folder / "run").glob("*.pid")]


def command(folder: Path, port: int) -> list[str]:
    module = [sys.executable, "-m", "deploy.embedded", "up"]
    return [*module, "--data-dir", str(folder), "--port", str(port)]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One for all tests that leave it running."""
    with _started(tmp_path_factory.mktemp("up") / "data") as running:
        yield running


@pytest.fixture
def up_to_end(tmp_path: Path) -> Iterator[Up]:
    """One of its own for a test that ends it."""
    with _started(tmp_path / "data") as running:
        yield running


@contextmanager
def _started(folder: Path) -> Iterator[Up]:
    port = free_port()
    process = subprocess.Popen(command(folder, port), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    running = Up(process=process, folder=folder, port=port)
    try:
        eventually(lambda: len(running.pids()) == 11 and ready(port))
        yield running
    finally:
        process.kill()
        process.communicate()


def eventually(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists() and _command_of(pid)]


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_ctrl_c_stops_every_part(up_to_end: Up) -> None:
    pids = up_to_end.pids()
    up_to_end.process.send_signal(signal.SIGINT)
    assert up_to_end.process.wait(PATIENCE_SECONDS) == 0
    assert alive(pids) == []


def test_a_killed_supervisor_leaves_no_part_behind(up_to_end: Up) -> None:
    pids = up_to_end.pids()
    up_to_end.process.kill()
    eventually(lambda: alive(pids) == [])


def test_a_second_start_on_the_same_folder_is_refused_in_one_line(up: Up) -> None:
    second = subprocess.run(
        command(up.folder, free_port()), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert second.stderr.startswith("opencircle: Another OpenCircle runs on this data folder")
    assert second.stderr.count("\n") == 1


def test_a_taken_port_is_named_in_one_line(up: Up, tmp_path: Path) -> None:
    second = subprocess.run(
        command(tmp_path / "other", up.port), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert str(up.port) in second.stderr
    assert second.stderr.count("\n") == 1


def test_nobody_else_can_read_what_is_kept(up: Up) -> None:
    kept = [up.folder, *up.folder.rglob("*")]
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_an_import_beside_a_running_deployment_leaves_nothing_broken(up: Up, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "Patient.ndjson").write_text(json.dumps(patient()))
    for command_line in (["import", str(tmp_path / "export")], ["doctor"]):
        program = [f"{ROOT}/opencircle", *command_line, "--data-dir", str(up.folder)]
        told = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
