"""Where finished PDFs are kept, apart from the database: as a port, and as a folder of this machine."""

import asyncio
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

FOLDER_MODE: Final = 0o700

_KEY: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.pdf"
)


def storage_key(instance_id: UUID, job_id: UUID) -> str:
    """Name the file of a job: each instance has its own folder."""
    return f"{instance_id}/{job_id}.pdf"


class BadStorageKeyError(Exception):
    """A storage key was not made by `storage_key`: nothing outside of the storage is ever touched."""


class FileLostError(Exception):
    """The file of a ready print job is gone from the storage: restore it, or request the sheet again."""


class Storage(Protocol):
    """Keeps files by key."""

    async def keep(self, key: str, content: bytes) -> None:
        """Keep all of `content` for good, or, raising `OSError`, nothing; replaces what the key had."""

    async def read(self, key: str) -> bytes:
        """Give the file of a key; raises `FileLostError`."""


@dataclass(frozen=True)
class FolderStorage:
    """Keeps files below one folder, which nobody but this process's user can enter."""

    root: Path

    async def keep(self, key: str, content: bytes) -> None:
        await asyncio.to_thread(self._write, self._path(key), content)

    async def read(self, key: str) -> bytes:
        path = self._path(key)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            raise FileLostError(key) from None

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise BadStorageKeyError
        return self.root / key

    def _write(self, path: Path, content: bytes) -> None:
        self.root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        path.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        # Created with mode 0600. A reader sees the old file or the whole new one, after a power cut too.
        descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".partial")
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


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
