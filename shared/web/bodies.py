"""Bodies, straight to bytes."""

import hashlib
from typing import Any, Final
from uuid import UUID

import orjson
from fastapi import Response

UNKEPT: Final = {"Cache-Control": "no-store"}
"""No cache may keep it: it is health data."""


def json_bytes(value: Any) -> bytes:
    """Write JSON: datetimes as RFC 3339 with Z, UUIDs as text."""
    return orjson.dumps(value, default=_as_text, option=orjson.OPT_UTC_Z)


def _as_text(value: object) -> str:
    # asyncpg gives UUIDs of a class of its own, which orjson does not know.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON that no cache may keep."""
    return Response(
        json_bytes(value), status_code=status, media_type="application/json", headers=UNKEPT | (headers or {})
    )


def unless_known(body: bytes, if_none_match: str | None) -> Response:
    """Answer with JSON, or 304 to who has this very text (RFC 9110, 13.1.2): its ETag is its digest.

    Whatever differs in the text differs in the ETag: no version that somebody forgot to raise can hide it.
    """
    etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    headers = UNKEPT | {"ETag": etag}
    if if_none_match is not None and etag in {one.strip() for one in if_none_match.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def etag_of(version: int) -> str:
    """Give the ETag of a version."""
    return f'"{version}"'
