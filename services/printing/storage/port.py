"""What every storage does, and how its files are named."""

import re
from typing import Final, Protocol
from uuid import UUID

_KEY: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.pdf"
)


class BadStorageKeyError(Exception):
    """A storage key was not made by `storage_key`: nothing outside of the storage is ever touched."""


class FileLostError(Exception):
    """The file of a ready print job is gone from the storage: restore it, or request the sheet again."""


class StorageUnavailableError(OSError):
    """The storage does not answer, or not as it should; the ledger tries again."""


class Storage(Protocol):
    """Keeps files by key."""

    async def keep(self, key: str, content: bytes) -> None:
        """Keep all of `content` for good, or, raising `OSError`, nothing; replaces what the key had."""

    async def read(self, key: str) -> bytes:
        """Give the file of a key; raises `FileLostError`, or `OSError` when nobody can tell now."""


def storage_key(instance_id: UUID, job_id: UUID) -> str:
    """Name the file of a job: each instance has its own folder."""
    return f"{instance_id}/{job_id}.pdf"


def checked(key: str) -> str:
    """Give a key that leads nowhere else; raises `BadStorageKeyError`."""
    if not _KEY.fullmatch(key):
        raise BadStorageKeyError
    return key
