"""Bodies, straight to bytes."""

from typing import Any

import orjson
from fastapi import Response


def json_bytes(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Write JSON: datetimes as RFC 3339 with Z, UUIDs as text."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:  # noqa: ANN401
    """Answer with JSON that no cache may keep: it is health data."""
    return Response(
        json_bytes(value),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def etag_of(version: int) -> str:
    """Give the ETag of a version."""
    return f'"{version}"'
