"""A disk of its own for a database, small enough to be filled. Only root can mount one."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MEGABYTES: Final = 1536
"""More than the database and its log ever take in a run."""
SPARE_BYTES: Final = 8_000_000
PAGE_BYTES: Final = 4096


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount it there; False where that is not allowed, and the folder is like any other."""
    mount = ("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=755", "opencircle-chaos", str(folder))
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(("umount", "--lazy", str(folder)), check=True)


def fill(folder: Path, *, seconds: float) -> None:
    """Leave no room on the disk of a folder for so long."""
    ballast, room = folder / "ballast", os.statvfs(folder)
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        # Nearly all of it at once; the database takes some too, meanwhile.
        os.posix_fallocate(file.fileno(), 0, max(room.f_bavail * room.f_frsize - SPARE_BYTES, 1))
        file.seek(0, os.SEEK_END)
        while True:
            file.write(bytes(PAGE_BYTES))
    time.sleep(seconds)
    ballast.unlink()
