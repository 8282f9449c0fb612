"""Files in a folder of this machine."""

import asyncio
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from services.printing.storage.port import FileLostError, checked

FOLDER_MODE: Final = 0o700

PARTIAL: Final = ".partial"
ABANDONED_AFTER: Final = timedelta(hours=1)
"""A write takes seconds: a partial file that old was left by a process that was killed."""


@dataclass(frozen=True)
class FolderStorage:
    """Keeps files below one folder, which nobody but this process's user can enter."""

    root: Path

    async def keep(self, key: str, content: bytes) -> None:
        await asyncio.to_thread(self._write, self.root / checked(key), content)

    async def read(self, key: str) -> bytes:
        path = self.root / checked(key)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            raise FileLostError(key) from None

    async def remove(self, key: str) -> None:
        await asyncio.to_thread((self.root / checked(key)).unlink, missing_ok=True)

    def sweep(self, *, now: datetime) -> int:
        """Remove partial files that killed processes left behind; give how many."""
        before = (now - ABANDONED_AFTER).timestamp()
        found = [path for path in self.root.glob(f"*/*{PARTIAL}") if _is_older(path, before)]
        for path in found:
            path.unlink(missing_ok=True)  # another process may sweep too
        return len(found)

    def _write(self, path: Path, content: bytes) -> None:
        self.root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        path.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        # Created with mode 0600. A reader sees the old file or the whole new one, after a power cut too.
        descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=PARTIAL)
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink()
            raise
        _make_durable(path.parent)
        _make_durable(self.root)


def _is_older(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:  # its writer has just given it its name
        return False


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
