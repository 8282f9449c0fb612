"""Bodies, straight to bytes."""

from typing import Any
from uuid import UUID

import orjson
from fastapi import Response


def json_bytes(value: Any) -> bytes:
    """Write JSON: datetimes as RFC 3339 with Z, UUIDs as text."""
    return orjson.dumps(value, default=_as_text, option=orjson.OPT_UTC_Z)


def _as_text(value: object) -> str:
    # asyncpg gives UUIDs of a class of its own, which orjson does not know.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON that no cache may keep: it is health data."""
    return bytes_response(json_bytes(value), status=status, headers=headers)


def bytes_response(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with JSON that is written already, as `json_response` does."""
    return Response(
        body,
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def etag_of(version: int) -> str:
    """Give the ETag of a version."""
    return f'"{version}"'
