"""Front ends over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.logging_in.by_code import schemas
from services.sessions.logging_in.by_code.use_cases import add_front_end, end_front_end, list_front_ends
from services.sessions.requests import CurrentCall
from shared.web.bodies import json_response

router = APIRouter(prefix="/v1/front-ends", tags=["log-in"])


@router.get("", response_model=schemas.FrontEnds)
async def get_front_ends(call: CurrentCall) -> Response:
    """List the programs that people may log in from, newest first."""
    return json_response({"items": await list_front_ends(call.database, call.identity)})


@router.post("", status_code=201, response_model=schemas.FrontEnd)
async def post_front_end(body: schemas.NewFrontEnd, call: CurrentCall) -> Response:
    """Let people log in from another program; its id is the `client_id`."""
    added = await add_front_end(call.database, call.identity, dict(body), clock=call.clock)
    return json_response(added, status=201)


@router.post("/{front_end_id}/end", status_code=204)
async def post_end(front_end_id: UUID, call: CurrentCall) -> Response:
    """End a front end for good, and all log-ins from it."""
    await end_front_end(call.database, call.identity, front_end_id, clock=call.clock)
    return Response(status_code=204)
