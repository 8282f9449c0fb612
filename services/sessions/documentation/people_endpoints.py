"""Leaders and roster of a session in progress, over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.documentation import people
from services.sessions.documentation.schemas import Leaders, Reason
from services.sessions.requests import CurrentCall
from shared.web.preconditions import IfMatch

router = APIRouter(prefix="/v1/group-sessions/{session_id}", tags=["group sessions"])


@router.put("/leaders", status_code=204)
async def put_leaders(
    session_id: UUID, body: Leaders, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Hand the session over, or add leaders who co-sign (PERM-4).

    `If-Match` may name the session's ETag that was read, or its `version` alone. What was written into notes
    and attendance since then does not count.
    """
    await people.change_leaders(
        call.database, call.identity, session_id, body.leader_ids, if_match=if_match, clock=call.clock
    )
    return Response(status_code=204)


@router.put("/roster/{patient_id}", status_code=204)
async def put_walk_in(session_id: UUID, patient_id: UUID, call: CurrentCall) -> Response:
    """Put a walk-in onto the roster (DOC-2)."""
    await people.add_walk_in(call.database, call.identity, session_id, patient_id, clock=call.clock)
    return Response(status_code=204)


@router.post("/roster/{patient_id}/removal", status_code=204)
async def post_removal(session_id: UUID, patient_id: UUID, body: Reason, call: CurrentCall) -> Response:
    """Take a patient who was added by mistake off the roster, with a reason (DOC-2)."""
    await people.remove_patient(
        call.database, call.identity, session_id, patient_id, reason=body.reason, clock=call.clock
    )
    return Response(status_code=204)
