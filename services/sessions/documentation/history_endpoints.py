"""Setting aside, restoring and verifying what was documented, over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.documentation import answers, discarded, restoring, setting_aside, verification
from services.sessions.documentation.schemas import Deletion, Reason
from services.sessions.requests import CurrentCall
from shared.web.bodies import json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit

router = APIRouter(prefix="/v1/group-sessions/{session_id}", tags=["group sessions"])


@router.post("/return", status_code=204)
async def post_return(session_id: UUID, body: Reason, call: CurrentCall) -> Response:
    """Send a session back from review, with a reason (SIGN-3)."""
    await setting_aside.return_session(
        call.database, call.identity, session_id, reason=body.reason, clock=call.clock
    )
    return Response(status_code=204)


@router.post("/reopening", status_code=204)
async def post_reopening(session_id: UUID, body: Reason, call: CurrentCall) -> Response:
    """Void the signatures of a session in progress, so that it can be written again (DOC-5)."""
    await setting_aside.reopen_session(
        call.database, call.identity, session_id, reason=body.reason, clock=call.clock
    )
    return Response(status_code=204)


@router.post("/deletion", status_code=204)
async def post_deletion(session_id: UUID, body: Deletion, call: CurrentCall) -> Response:
    """Move a session back to Upcoming; what was documented stays in its history (DOC-6).

    The charts of a completed one show the reason: 409 when it names a patient who is not acknowledged.
    """
    await setting_aside.delete_session(
        call.database, call.identity, session_id, **dict(body), clock=call.clock
    )
    return Response(status_code=204)


@router.post("/restoration", response_model=answers.StatusAnswer)
async def post_restoration(session_id: UUID, call: CurrentCall) -> Response:
    """Bring back what was documented and deleted last (DOC-6)."""
    status = await restoring.restore_session(call.database, call.identity, session_id, clock=call.clock)
    return json_response({"status": status.value})


@router.get("/history", response_model=answers.HistoryPage)
async def get_history(
    session_id: UUID, call: CurrentCall, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE
) -> Response:
    """List what was set aside, and why, the newest first (DOC-6)."""
    page = await setting_aside.read_history(
        call.database, call.identity, session_id, cursor=cursor, limit=limit, clock=call.clock
    )
    return json_response(page.body())


@router.get("/history/{discarded_id}", response_model=answers.WholeDiscardedAnswer)
async def get_discarded(session_id: UUID, discarded_id: UUID, call: CurrentCall) -> Response:
    """Give one of these with what was written about each patient, to admins (DOC-6)."""
    return json_response(
        await discarded.read_discarded(
            call.database, call.identity, session_id, discarded_id, clock=call.clock
        )
    )


@router.get("/document", response_model=answers.DocumentAnswer)
async def get_document(session_id: UUID, call: CurrentCall) -> Response:
    """Give the document that a signature would be bound to, with its SHA-256 (SIGN-4)."""
    return json_response(
        await verification.read_document(call.database, call.identity, session_id, clock=call.clock)
    )


@router.get("/verification", response_model=answers.VerificationAnswer)
async def get_verification(session_id: UUID, call: CurrentCall) -> Response:
    """Tell whether what is stored is still what was signed (SIGN-4)."""
    return json_response(
        await verification.verify_session(call.database, call.identity, session_id, clock=call.clock)
    )
