"""Files in a bucket of Amazon S3, or of anything that speaks its language (MinIO, Ceph, Garage)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from services.printing.storage.port import FileLostError, StorageUnavailableError, checked
from shared.objects.bucket import Bucket, BucketUnavailableError, Objects


class S3Storage:
    """Keeps files as objects."""

    def __init__(self, bucket: Bucket, *, clock: Callable[[], datetime]) -> None:
        self._objects = Objects(bucket, clock=clock)

    async def keep(self, key: str, content: bytes) -> None:
        with _as_storage():
            await self._objects.put(checked(key), content)

    async def read(self, key: str) -> bytes:
        with _as_storage():
            content = await self._objects.get(checked(key))
        if content is None:
            raise FileLostError(key)
        return content

    async def remove(self, key: str) -> None:
        with _as_storage():
            await self._objects.delete(checked(key))


@contextmanager
def _as_storage() -> Iterator[None]:
    try:
        yield
    except BucketUnavailableError as error:
        raise StorageUnavailableError(str(error)) from error
