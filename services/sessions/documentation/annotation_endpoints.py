"""Annotations of signed notes, over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.sessions.documentation import annotating
from services.sessions.documentation.answers import AnnotationAnswer, AnnotationList
from services.sessions.documentation.assurance import require_assurance
from services.sessions.documentation.schemas import AnnotationText
from services.sessions.requests import CurrentCall
from shared.web.bodies import json_response

router = APIRouter(
    prefix="/v1/group-sessions/{session_id}/roster/{patient_id}/annotations", tags=["group sessions"]
)


@router.post("", status_code=201, response_model=AnnotationAnswer, dependencies=[Depends(require_assurance)])
async def post_annotation(
    session_id: UUID, patient_id: UUID, body: AnnotationText, call: CurrentCall
) -> Response:
    """Add signed text to a note of a completed session; needs a log-in of the last five minutes (SIGN-5)."""
    added = await annotating.annotate_note(
        call.database,
        call.identity,
        session_id,
        patient_id,
        text=body.text,
        acknowledged=body.acknowledged,
        clock=call.clock,
    )
    return json_response(added, status=201)


@router.get("", response_model=AnnotationList)
async def get_annotations(session_id: UUID, patient_id: UUID, call: CurrentCall) -> Response:
    """List what was added to one patient's note, oldest first (SIGN-5)."""
    items = await annotating.read_annotations(
        call.database, call.identity, session_id, patient_id, clock=call.clock
    )
    return json_response({"items": items})
