import gc
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

# Nearly every test has a database of its own. Where memory has room for all of them, none waits for a disk.
_MEMORY = Path("/dev/shm")  # noqa: S108 - only new folders are made in it
if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 8 * 2**30:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

# For `make nightly`: what takes seconds in `make test` takes its time here.
settings.register_profile(
    "nightly",
    max_examples=1000,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def pytest_collection_finish() -> None:
    """Nobody has to look again and again through what stays to the end: all modules and tests."""
    gc.collect()
    gc.freeze()


pytest_plugins = ["pytester", "tests.support.rules", "tests.support.servers", "tests.support.databases"]
