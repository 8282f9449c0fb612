"""The directory over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Final

from fastapi import APIRouter, Request, Response

from services.sessions.directory import answers
from services.sessions.directory.fhir import LINE_BYTES_AT_MOST
from services.sessions.directory.importing import import_lines
from services.sessions.directory.use_cases import access_of
from services.sessions.requests import CurrentCall
from shared.web.bodies import json_response
from shared.web.shapes import TimeZone

IMPORT_PATH: Final = "/v1/directory/imports"

router = APIRouter(prefix="/v1/directory", tags=["directory"])


@router.get("/me", response_model=answers.Me)
async def get_me(call: CurrentCall) -> Response:
    """Give what the caller may do."""
    async with call.database.reading(call.identity.instance_id) as db:
        access = await access_of(db, call.identity)
    return json_response(answers.me(access))


@router.post(
    "/imports",
    response_model=answers.ImportReport,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/fhir+ndjson": {"schema": {"type": "string"}}},
        }
    },
)
async def import_directory(
    request: Request, call: CurrentCall, time_zone: TimeZone = "America/New_York"
) -> Response:
    """Import one NDJSON file of a FHIR R4 bulk export; lines that can't be used are named.

    `time_zone` is for locations that state none.
    """
    report = await import_lines(
        call.database,
        call.identity,
        _lines(request),
        default_time_zone=time_zone,
        issuer=call.issuer,
        clock=call.clock,
    )
    return json_response(asdict(report))


async def _lines(request: Request) -> AsyncIterator[bytes]:
    # Of a line that is too long, one byte more than is taken is kept: enough to be reported as such.
    rest = b""
    async for chunk in request.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        rest = rest[: LINE_BYTES_AT_MOST + 1]
    yield rest
