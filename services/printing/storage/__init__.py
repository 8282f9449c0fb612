"""Where finished PDFs are kept, apart from the database: a port, and a folder or an S3 bucket behind it."""

from services.printing.storage.folder import FolderStorage
from services.printing.storage.opening import open_storage
from services.printing.storage.port import (
    BadStorageKeyError,
    FileLostError,
    Storage,
    StorageUnavailableError,
    read_whole,
    storage_key,
)
from services.printing.storage.s3 import S3Storage

__all__ = [
    "BadStorageKeyError",
    "FileLostError",
    "FolderStorage",
    "S3Storage",
    "Storage",
    "StorageUnavailableError",
    "open_storage",
    "read_whole",
    "storage_key",
]
