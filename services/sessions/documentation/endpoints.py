"""Sessions on their day, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from services.sessions.documentation import answers, use_cases
from services.sessions.documentation.assurance import require_assurance
from services.sessions.documentation.day import DayFilter, read_day
from services.sessions.documentation.list_answers import DayAnswer
from services.sessions.documentation.reading import read_session
from services.sessions.documentation.schemas import GroupNote, IndividualNote, Marks, SignatureRequest
from services.sessions.documentation.signing import sign_session
from services.sessions.requests import CurrentCall
from services.sessions.scheduling.domain import Status
from shared.web.bodies import etag_of, json_response
from shared.web.kept_bodies import kept_response
from shared.web.shapes import Day

IfMatch = Annotated[str | None, Header()]

router = APIRouter(prefix="/v1/group-sessions", tags=["group sessions"])


@router.get("", response_model=DayAnswer)
async def get_day(
    location_id: UUID,
    call: CurrentCall,
    *,
    date: Day | None = None,
    leader_id: UUID | None = None,
    template_id: UUID | None = None,
    status: Annotated[list[Status] | None, Query()] = None,
) -> Response:
    """Give the day view of a location, by default of today there (DOC-1).

    `roster_size` is who is expected until the session starts, and who is on its roster from then on.
    """
    only = DayFilter(leader_id=leader_id, template_id=template_id, statuses=status)
    seen = await read_day(
        call.database,
        call.identity,
        call.bodies,
        location_id=location_id,
        held_on=date,
        only=only,
        clock=call.clock,
    )
    return kept_response(seen)


@router.get("/{session_id}", response_model=answers.SessionAnswer)
async def get_session(session_id: UUID, call: CurrentCall) -> Response:
    """Give one session with its roster, notes and signatures."""
    seen = await read_session(call.database, call.identity, call.bodies, session_id, clock=call.clock)
    return kept_response(seen)


@router.post("/{session_id}/start", status_code=204)
async def post_start(session_id: UUID, call: CurrentCall) -> Response:
    """Start a session: its roster is frozen (DOC-2)."""
    await use_cases.start_session(call.database, call.identity, session_id, clock=call.clock)
    return Response(status_code=204)


@router.put("/{session_id}/attendance", status_code=204)
async def put_attendance(session_id: UUID, body: Marks, call: CurrentCall) -> Response:
    """Mark some patients of the roster, and with `rest` all others in one step (DOC-3)."""
    marks = {mark.patient_id: mark.model_dump(exclude={"patient_id"}) for mark in body.marks}
    await use_cases.mark_attendance(
        call.database, call.identity, session_id, marks, rest=body.rest, clock=call.clock
    )
    return Response(status_code=204)


@router.put("/{session_id}/group-note", status_code=204)
async def put_group_note(
    session_id: UUID, body: GroupNote, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Write topic, description, start and end; `If-Match` names the version that was read (DOC-4, DOC-5).

    What is left out stays as it is; null clears a time.
    """
    changes = body.model_dump(exclude_unset=True)
    version = await use_cases.write_group_note(
        call.database, call.identity, session_id, changes, if_match=if_match, clock=call.clock
    )
    return Response(status_code=204, headers={"ETag": etag_of(version)})


@router.put("/{session_id}/roster/{patient_id}/note", status_code=204)
async def put_individual_note(
    session_id: UUID, patient_id: UUID, body: IndividualNote, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Write the note about one patient; `If-Match` names the version that was read (DOC-4, DOC-5)."""
    version = await use_cases.write_individual_note(
        call.database,
        call.identity,
        session_id,
        patient_id,
        **dict(body),
        if_match=if_match,
        clock=call.clock,
    )
    return Response(status_code=204, headers={"ETag": etag_of(version)})


@router.post(
    "/{session_id}/signatures",
    status_code=201,
    response_model=answers.StatusAnswer,
    dependencies=[Depends(require_assurance)],
)
async def post_signature(
    session_id: UUID, call: CurrentCall, body: SignatureRequest | None = None
) -> Response:
    """Sign as a leader or as the reviewer; the log-in must be of the last five minutes (SIGN-1 to SIGN-4).

    What `GET /pre-sign-check` finds is changed before, or acknowledged here: else 409 with ids and places.
    """
    request = body or SignatureRequest()
    status = await sign_session(
        call.database,
        call.identity,
        session_id,
        shown_sha256=request.document_sha256,
        acknowledged=request.acknowledged,
        previews=call.previews,
        clock=call.clock,
    )
    return json_response({"status": status.value}, status=201)
