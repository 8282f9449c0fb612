"""The clock of the broken machine, stepped by libfaketime (Debian): our own code knows nothing of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.embedded.children import preload

LIBRARIES: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@contextmanager
def steppable(folder: Path) -> Iterator[Path | None]:
    """Have all modules forked from a process whose clock steps by what is in the file; None: not here.

    Databases, brokers and whoever judges keep the machine's own clock.
    """
    if not LIBRARIES:
        yield None
        return
    offset = folder / "clock"
    step(offset, 0)
    settings = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    os.environ.update(settings)
    preload()
    for name in settings:
        del os.environ[name]
    yield offset


def step(offset: Path, seconds: float) -> None:
    """Step from the true time by so much. Renamed into place: whoever reads it finds a whole number."""
    written = offset.with_suffix(".new")
    written.write_text(f"{seconds:+.1f}")
    written.replace(offset)
