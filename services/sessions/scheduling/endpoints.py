"""Generation and assignment over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.requests import CurrentCall
from services.sessions.scheduling.schemas import Horizon, NewAssignment
from services.sessions.scheduling.use_cases import assign_schedule, generate_sessions
from shared.web.bodies import json_response

router = APIRouter(tags=["scheduling"])


@router.post("/v1/group-sessions/generation")
async def post_generation(body: Horizon, call: CurrentCall) -> Response:
    """Make the sessions of all enabled templates for some days (TPL-3)."""
    ids = await generate_sessions(
        call.database, call.identity, since=body.since, until=body.until, clock=call.clock
    )
    return json_response({"session_ids": ids})


@router.post("/v1/schedules/{schedule_id}/assignments", status_code=204)
async def post_assignment(schedule_id: UUID, body: NewAssignment, call: CurrentCall) -> Response:
    """Enrol patients in a schedule from a date on (SCH-2)."""
    await assign_schedule(call.database, call.identity, schedule_id, **dict(body), clock=call.clock)
    return Response(status_code=204)
