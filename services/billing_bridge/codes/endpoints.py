"""The way in over HTTP: the catalogue of codes."""

from dataclasses import asdict
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.billing_bridge.codes import schemas, use_cases
from services.billing_bridge.endpoints import Call, CurrentCall
from shared.web.bodies import etag_of, json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit
from shared.web.preconditions import IfMatch

router = APIRouter(prefix="/v1/billing/codes", tags=["billing codes"])

CREATED = 201
CSV_BODY = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}},
}


@router.get("", response_model=schemas.CodePage)
async def list_codes(call: CurrentCall, *, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE) -> Response:
    """List the codes of this instance, with their rules."""
    return json_response(
        await use_cases.code_page(call.database, call.deed("codes.listed"), cursor=cursor, limit=limit)
    )


@router.post("", response_model=schemas.Code, status_code=CREATED)
async def add_code(call: CurrentCall, facts: schemas.CodeFacts) -> Response:
    """Add a code for a period; two periods of one code share no day."""
    code_id = await use_cases.add_code(call.database, call.deed("code.added"), facts)
    return await _shown(call, code_id, status=CREATED)


@router.post("/import", response_model=schemas.ImportReport, openapi_extra=CSV_BODY)
async def import_codes(call: CurrentCall, request: Request) -> Response:
    """Import a CSV file: all of it, or nothing, with the line and column of each fault.

    A line changes the entry of its kind, code and first day, or adds one; what is not in the file stays.
    """
    report = await use_cases.import_codes(call.database, call.deed("codes.imported"), await request.body())
    return json_response(asdict(report))


@router.get("/{code_id}", response_model=schemas.Code)
async def show_code(call: CurrentCall, code_id: UUID) -> Response:
    """Give one code."""
    return await _shown(call, code_id)


@router.put("/{code_id}", response_model=schemas.Code)
async def change_code(
    call: CurrentCall, code_id: UUID, facts: schemas.CodeFacts, if_match: IfMatch = None
) -> Response:
    """Replace a code's facts, over the version of `If-Match`; charges that were made stay as they are."""
    await use_cases.change_code(call.database, call.deed("code.changed"), code_id, facts, if_match=if_match)
    return await _shown(call, code_id)


async def _shown(call: Call, code_id: UUID, *, status: int = 200) -> Response:
    shown = await use_cases.one_code(call.database, call.deed("code.read"), code_id)
    return json_response(shown, status=status, headers={"ETag": etag_of(shown["version"])})
