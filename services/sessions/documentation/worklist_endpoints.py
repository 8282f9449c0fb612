"""Worklists over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.documentation.list_answers import WorklistPage
from services.sessions.documentation.worklists import read_worklist
from services.sessions.requests import CurrentCall
from shared.events.attention import Waiting
from shared.web.bodies import json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit

router = APIRouter(prefix="/v1/worklists", tags=["worklists"])


@router.get("/{kind}", response_model=WorklistPage)
async def get_worklist(
    kind: Waiting,
    call: CurrentCall,
    location_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE,
) -> Response:
    """List what waits for the caller, the longest waiting first; admins see all that waits (DOC-7)."""
    page = await read_worklist(
        call.database,
        call.identity,
        kind,
        location_id=location_id,
        cursor=cursor,
        limit=limit,
        clock=call.clock,
    )
    return json_response(page.body())
