"""Puts whole objects into a bucket and gets them back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import Final

import httpx2

from shared.objects.signing import S3Keys, signed_headers

TIMEOUT_SECONDS: Final = 30.0


class BucketUnavailableError(OSError):
    """The bucket does not answer, or not as it should."""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Where a bucket is, in the path style that all of them understand: `https://host/bucket`."""

    url: str
    keys: S3Keys


class Objects:
    """The objects of a bucket. S3 shows the old one or the whole new one, and a put is durable."""

    def __init__(self, bucket: Bucket, *, clock: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._clock = clock

    @cached_property
    def _client(self) -> httpx2.AsyncClient:
        # Kept, and made at its first use: after the fork of a worker's child, on that child's loop.
        return httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False)

    async def put(self, key: str, content: bytes) -> None:
        """Keep an object; raises `BucketUnavailableError`."""
        # The hash of the content is signed: a server keeps the whole of it or refuses.
        answer = await self._ask("PUT", key, content)
        if not answer.is_success:
            raise _unavailable(answer)

    async def get(self, key: str) -> bytes | None:
        """Give an object, or None where there is none; raises `BucketUnavailableError`."""
        answer = await self._ask("GET", key)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if not answer.is_success:
            raise _unavailable(answer)
        return answer.content

    async def delete(self, key: str) -> None:
        """Remove an object, if it is there; raises `BucketUnavailableError`."""
        answer = await self._ask("DELETE", key)
        if not answer.is_success and answer.status_code != HTTPStatus.NOT_FOUND:
            raise _unavailable(answer)

    async def _ask(self, method: str, key: str, content: bytes = b"") -> httpx2.Response:
        url = f"{self._bucket.url}/{key}"
        headers = signed_headers(method, url, content, keys=self._bucket.keys, at=self._clock())
        try:
            return await self._client.request(method, url, headers=headers, content=content)
        except httpx2.HTTPError as error:
            raise BucketUnavailableError(type(error).__name__) from error


def _unavailable(answer: httpx2.Response) -> BucketUnavailableError:
    return BucketUnavailableError(f"the bucket answered {answer.status_code}")
