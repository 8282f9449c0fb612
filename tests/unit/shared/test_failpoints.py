import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from shared.failpoints import CRASH_POINTS, SETTING
from tests.checks.crash_points import PAGE, page

ROOT = Path(__file__).parents[3]
DIE = "from shared.failpoints import reached; reached('relay.sent'); print('alive')"


def placed() -> Counter[str]:
    """The names that the code reaches."""
    files = [path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")]
    calls = [
        node
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reached"
    ]
    return Counter(ast.literal_eval(call.args[0]) for call in calls)


def come_by(folder: Path, environment: str) -> subprocess.CompletedProcess[str]:
    told = {SETTING: str(folder), "OPENCIRCLE_ENVIRONMENT": environment}
    return subprocess.run(
        [sys.executable, "-c", DIE],
        cwd=ROOT,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_point_of_the_table_stands_in_the_code_once_and_no_other() -> None:
    assert placed() == Counter(list(CRASH_POINTS))


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text() == page()


def test_a_process_dies_where_it_was_told_to_and_only_once(tmp_path: Path) -> None:
    (tmp_path / "relay.sent").touch()
    assert come_by(tmp_path, "embedded").returncode == -signal.SIGKILL
    assert come_by(tmp_path, "embedded").stdout == "alive\n"


def test_a_process_lives_where_nobody_told_it_to_die(tmp_path: Path) -> None:
    (tmp_path / "relay.claimed").touch()
    assert come_by(tmp_path, "embedded").stdout == "alive\n"


@pytest.mark.parametrize("environment", ["production", ""])
def test_nothing_dies_in_production(tmp_path: Path, environment: str) -> None:
    (tmp_path / "relay.sent").touch()
    assert come_by(tmp_path, environment).stdout == "alive\n"
