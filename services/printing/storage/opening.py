"""Opens the storage that the settings name."""

from pydantic import SecretStr

from services.printing.settings import PrintingSettings
from services.printing.storage.folder import FolderStorage
from services.printing.storage.port import Storage
from services.printing.storage.s3 import S3Storage
from shared.clock import now_utc
from shared.objects.bucket import Bucket
from shared.objects.signing import S3Keys


def open_storage(own: PrintingSettings) -> Storage:
    """Give the bucket where one is named, else the folder, rid of what killed processes left there."""
    if own.storage_bucket_url is not None:
        keys = S3Keys(
            access_key_id=own.storage_access_key_id or "",
            secret_access_key=own.storage_secret_access_key or SecretStr(""),
            region=own.storage_region,
        )
        return S3Storage(Bucket(url=own.storage_bucket_url, keys=keys), clock=now_utc)
    assert own.storage_folder is not None  # noqa: S101 - the settings have seen to it
    folder = FolderStorage(own.storage_folder)
    folder.sweep(now=now_utc())
    return folder
