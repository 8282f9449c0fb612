"""Asking for sign-in sheets, over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.documentation.schemas import QueuedSheets, SheetsRequest
from services.sessions.documentation.sheets import request_sheets, request_sign_in_sheet
from services.sessions.requests import CurrentCall
from shared.web.bodies import json_response

router = APIRouter(prefix="/v1", tags=["sign-in sheets"])


@router.post("/group-sessions/{session_id}/sign-in-sheet", status_code=202, response_model=QueuedSheets)
async def post_sign_in_sheet(session_id: UUID, call: CurrentCall) -> Response:
    """Ask for the sign-in sheet; it is rendered by a worker and fetched from printing (PRINT-5)."""
    return _queued(await request_sign_in_sheet(call.database, call.identity, session_id, clock=call.clock))


@router.post("/sign-in-sheets", status_code=202, response_model=QueuedSheets)
async def post_sign_in_sheets(body: SheetsRequest, call: CurrentCall) -> Response:
    """Ask for the sheets of a session, a day, a week or a schedule in one file (PRINT-2)."""
    if body.session_id is not None:
        return await post_sign_in_sheet(body.session_id, call)
    return _queued(await request_sheets(call.database, call.identity, body.days(), clock=call.clock))


def _queued(job_id: UUID) -> Response:
    place = f"/v1/printing/jobs/{job_id}"
    answer = {"job_id": job_id, "status": "queued", "job": place}
    return json_response(answer, status=202, headers={"Location": place})
