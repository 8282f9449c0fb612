"""The way in over HTTP: reading, and nothing but reading (DIST-2)."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from services.charts import schemas, use_cases
from services.charts.printable import content_security_policy, printable
from shared.database.transactions import Database
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit
from shared.web.identity import current_identity

router = APIRouter(prefix="/v1/charts", tags=["charts"])

UNKEPT: Final = {"Cache-Control": "no-store"}


@router.get("/patients/{patient_id}/notes", response_model=schemas.ChartPage)
async def list_notes(
    request: Request, patient_id: UUID, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """List a patient's chart notes, newest session first."""
    reading = _reading(request, "chart.listed")
    page = await use_cases.read_chart(_database(request), reading, patient_id, cursor=cursor, limit=limit)
    return _json(page)


# Before the route below, which would take the ending for a part of the id.
@router.get("/notes/{note_id}.html", response_class=HTMLResponse)
async def print_note(request: Request, note_id: UUID) -> Response:
    """Give one chart note as a page to print."""
    reading = _reading(request, "chart_note.printed")
    note = await use_cases.read_note(_database(request), reading, note_id)
    headers = {"Content-Security-Policy": content_security_policy(), "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(printable(note.served), headers=UNKEPT | headers)


@router.get("/notes/{note_id}", response_model=schemas.ChartNote)
async def show_note(request: Request, note_id: UUID) -> Response:
    """Give one chart note whole: byte for byte as it was filed, then what was said of it later."""
    reading = _reading(request, "chart_note.read")
    return _json((await use_cases.read_note(_database(request), reading, note_id)).served)


@router.get("/patients/{patient_id}/attendance", response_model=schemas.AttendanceTotals)
async def show_attendance(request: Request, patient_id: UUID) -> Response:
    """Count a patient's presences and absences in each group; refused where SET-4 is off."""
    reading = _reading(request, "attendance.read")
    return _json(await use_cases.read_attendance(_database(request), reading, patient_id))


@router.get("/sessions/{session_id}/individual-notes", response_model=schemas.NotePage)
async def list_individual_notes(
    request: Request, session_id: UUID, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """Give the notes of all patients of a session as they stand in the charts; refused where SET-3 is off."""
    reading = _reading(request, "individual_notes.read")
    page = await use_cases.read_individual_notes(
        _database(request), reading, session_id, cursor=cursor, limit=limit
    )
    return _json(page)


@router.get("/sessions/{session_id}/filing", response_model=schemas.Filing)
async def show_filing(request: Request, session_id: UUID) -> Response:
    """Tell which charts a session has reached."""
    reading = _reading(request, "filing.read")
    return _json(await use_cases.read_filing(_database(request), reading, session_id))


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _reading(request: Request, action: str) -> use_cases.Reading:
    return use_cases.Reading(identity=current_identity(request), action=action, at=request.app.state.clock())


def _json(body: bytes | str) -> Response:
    return Response(body, media_type="application/json", headers=UNKEPT)
