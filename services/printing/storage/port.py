"""What every storage does, and how its files are named."""

import hashlib
import re
from typing import Final, Protocol
from uuid import UUID

_KEY: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-\d{1,10})?\.pdf"
)


class BadStorageKeyError(Exception):
    """A storage key was not made by `storage_key`: nothing outside of the storage is ever touched."""


class FileLostError(Exception):
    """The file of a ready print job is gone from the storage, or is not the one that was kept."""


class StorageUnavailableError(OSError):
    """The storage does not answer, or not as it should; the ledger tries again."""


class Storage(Protocol):
    """Keeps files by key. A job that is printed again has a new key: other facts never replace a file."""

    async def keep(self, key: str, content: bytes) -> None:
        """Keep all of `content` for good, or, raising `OSError`, nothing; replaces what the key had."""

    async def read(self, key: str) -> bytes:
        """Give the file of a key; raises `FileLostError`, or `OSError` when nobody can tell now."""

    async def remove(self, key: str) -> None:
        """Remove the file of a key, if it is there; raises `OSError`."""


def storage_key(instance_id: UUID, job_id: UUID, *, revision: int) -> str:
    """Name the file of a job's revision: each instance has its own folder.

    With the revision, a slow render of older facts can't take the place of a newer file.
    """
    return f"{instance_id}/{job_id}-{revision}.pdf"


async def read_whole(storage: Storage, key: str, *, sha256: str) -> bytes:
    """Give a file whose SHA-256, in hex, is known; another one is as good as lost (`FileLostError`)."""
    content = await storage.read(key)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FileLostError(key)
    return content


def checked(key: str) -> str:
    """Give a key that leads nowhere else; raises `BadStorageKeyError`."""
    if not _KEY.fullmatch(key):
        raise BadStorageKeyError
    return key
