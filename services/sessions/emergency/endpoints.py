"""Emergency access over HTTP."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.sessions.emergency import schemas, use_cases
from services.sessions.requests import CurrentCall
from shared.web.bodies import json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit

router = APIRouter(prefix="/v1/emergency-accesses", tags=["emergency access"])


@router.post("", status_code=201, response_model=schemas.EmergencyAccessAnswer)
async def post_access(body: schemas.NewEmergencyAccess, call: CurrentCall, request: Request) -> Response:
    """Open one patient's chart to the caller for a while; it is told, audited and reviewed.

    It opens a chart to be read, and nothing to be written or signed.
    """
    opened = await use_cases.open_access(
        call.database,
        call.identity,
        patient_id=body.patient_id,
        reason=body.reason,
        lasts=timedelta(minutes=request.app.state.emergency_minutes),
        clock=call.clock,
    )
    return json_response(opened, status=201)


@router.get("", response_model=schemas.EmergencyAccessPage)
async def list_accesses(
    call: CurrentCall,
    reviewed: bool | None = None,  # noqa: FBT001 - a query parameter
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = None,
) -> Response:
    """List emergency accesses, newest first: all of them for admins, their own for others."""
    page = await use_cases.list_accesses(
        call.database, call.identity, reviewed=reviewed, cursor=cursor, limit=limit, clock=call.clock
    )
    return json_response(page.body())


@router.post("/{access_id}/end", status_code=204)
async def post_end(access_id: UUID, call: CurrentCall) -> Response:
    """End it early."""
    await use_cases.end_access(call.database, call.identity, access_id, clock=call.clock)
    return Response(status_code=204)


@router.post("/{access_id}/review", status_code=204)
async def post_review(access_id: UUID, call: CurrentCall) -> Response:
    """Mark it reviewed, as an admin who did not open it."""
    await use_cases.review_access(call.database, call.identity, access_id, clock=call.clock)
    return Response(status_code=204)
