"""A connector is its folder and its lines in the table: with both gone, the bridge works on (decision 17)."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.billing_bridge import connectors
from services.billing_bridge.connectors import CONNECTORS

TABLE = Path(connectors.__file__)
START = """
import sys
from services import billing_bridge
billing_bridge.__path__.insert(0, sys.argv[1])
from services.billing_bridge import main, operator, pusher, worker
print(*pusher.CONNECTORS)
"""


def without(gone: set[str], folder: Path) -> Path:
    """Copy the connectors, without the folders of some and without the lines that name them."""
    copy = folder / "connectors"
    shutil.copytree(TABLE.parent, copy, ignore=shutil.ignore_patterns("__pycache__", *gone))
    lines = TABLE.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not gone & set(re.findall(r"\w+", line))]
    (copy / TABLE.name).write_text("".join(kept))
    return folder


# The import rules hold that none needs another; so two runs show of each that nothing else needs it.
@pytest.mark.parametrize("left", [{"webhook", "sftp"}, set(CONNECTORS) - {"webhook", "sftp"}], ids=sorted)
def test_what_is_left_works_without_those_that_are_gone(left: set[str], tmp_path: Path) -> None:
    folder = without(set(CONNECTORS) - left, tmp_path)
    command = [sys.executable, "-c", START, str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (set(ended.stdout.split()), ended.stderr) == (left, "")
