"""The clock of the broken machine: it can be stepped, and our own code knows nothing of it."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.embedded.children import preload

SETTING: Final = "OPENCIRCLE_TESTS_CLOCK"
NANOSECONDS: Final = struct.Struct("<q")


@contextmanager
def steppable(folder: Path) -> Iterator[Path]:
    """Have all modules forked from a process whose clock is off by what is in the file.

    Databases, brokers and whoever judges keep the machine's own clock.
    """
    offset = folder / "clock"
    step(offset, 0)
    os.environ[SETTING] = str(offset)
    preload("tests.chaos.stepped")
    del os.environ[SETTING]
    yield offset


def step(offset: Path, seconds: float) -> None:
    """Step from the true time by so much; the file stays the one that processes have mapped."""
    with offset.open("r+b" if offset.exists() else "w+b", buffering=0) as file:
        file.write(NANOSECONDS.pack(int(seconds * 1e9)))
