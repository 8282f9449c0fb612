"""The way in over HTTP: reading, and nothing but reading (DIST-2)."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import HTMLResponse

from services.charts import schemas, use_cases
from services.charts.printable import PAGE, printable
from services.charts.requests import CurrentCall
from services.charts.views import ReadNote, Wanted
from shared.events.record import Attendance
from shared.web.bodies import etag_of
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit
from shared.web.shapes import Day

router = APIRouter(prefix="/v1/charts", tags=["charts"])

UNKEPT: Final = {"Cache-Control": "no-store"}

From = Annotated[Day | None, Query(alias="from", description="Held on this day at the location, or later.")]
To = Annotated[Day | None, Query(alias="to", description="Held on this day at the location, or earlier.")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]


@router.get("/patients/{patient_id}/notes", response_model=schemas.ChartPage)
async def list_notes(  # noqa: PLR0917 - FastAPI passes by name
    call: CurrentCall,
    patient_id: UUID,
    held_from: From = None,
    held_to: To = None,
    template_id: UUID | None = None,
    attendance: Attendance | None = None,
    leader_id: UUID | None = None,
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = None,
) -> Response:
    """Show a patient's Group Sessions tab, newest session first, whole or of some days, groups, leaders."""
    wanted = Wanted(
        held_from=held_from,
        held_to=held_to,
        template_id=template_id,
        attendance=attendance,
        leader_id=leader_id,
    )
    deed = call.deed("chart.listed")
    page = await use_cases.read_chart(call.database, deed, patient_id, wanted, cursor=cursor, limit=limit)
    return _json(page)


# Before the route below, which would take the ending for a part of the id.
@router.get("/notes/{note_id}.html", response_class=HTMLResponse)
async def print_note(call: CurrentCall, note_id: UUID) -> Response:
    """Give one chart note as a page to print."""
    note = await use_cases.read_note(call.database, call.deed("chart_note.printed"), note_id)
    headers = {"Content-Security-Policy": PAGE.content_security_policy()}
    return HTMLResponse(printable(note.served), headers=UNKEPT | headers)


@router.get("/notes/{note_id}", response_model=schemas.ChartNote)
async def show_note(call: CurrentCall, note_id: UUID, if_none_match: IfNoneMatch = None) -> Response:
    """Give one chart note whole: byte for byte as it was filed, then what was said of it later."""
    note = await use_cases.read_note(call.database, call.deed("chart_note.read"), note_id)
    return _versioned(note, if_none_match)


@router.get("/notes/{note_id}/history", response_model=schemas.NoteHistory)
async def show_history(call: CurrentCall, note_id: UUID) -> Response:
    """Tell what became of one note: filed, annotated, entered in error; oldest first."""
    deed = call.deed("chart_note.history_read")
    return _json(await use_cases.read_history(call.database, deed, note_id))


@router.get("/patients/{patient_id}/attendance", response_model=schemas.AttendanceTotals)
async def show_attendance(call: CurrentCall, patient_id: UUID) -> Response:
    """Count a patient's presences and absences in each group; refused where SET-4 is off."""
    return _json(await use_cases.read_attendance(call.database, call.deed("attendance.read"), patient_id))


@router.get("/sessions/{session_id}/individual-notes", response_model=schemas.NotePage)
async def list_individual_notes(
    call: CurrentCall, session_id: UUID, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """Give the notes of all patients of a session as they stand in the charts; refused where SET-3 is off."""
    deed = call.deed("individual_notes.read")
    page = await use_cases.read_individual_notes(call.database, deed, session_id, cursor=cursor, limit=limit)
    return _json(page)


@router.get("/sessions/{session_id}/filing", response_model=schemas.Filing)
async def show_filing(call: CurrentCall, session_id: UUID) -> Response:
    """Tell which charts a session has reached."""
    return _json(await use_cases.read_filing(call.database, call.deed("filing.read"), session_id))


def _versioned(note: ReadNote, if_none_match: str | None) -> Response:
    # Who has it already has seen it: that too is in the audit trail by now.
    etag = etag_of(note.version)
    if if_none_match is not None and etag in {one.strip() for one in if_none_match.split(",")}:
        return Response(status_code=304, headers=UNKEPT | {"ETag": etag})
    return _json(note.served, headers={"ETag": etag})


def _json(body: bytes | str, headers: dict[str, str] | None = None) -> Response:
    return Response(body, media_type="application/json", headers=UNKEPT | (headers or {}))
