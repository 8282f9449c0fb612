"""The way in over HTTP: records and notes to print, how print jobs stand, and their files."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from services.printing import schemas, use_cases, views
from services.printing.storage import Storage
from shared.database.transactions import Database
from shared.web.identity import current_identity

router = APIRouter(prefix="/v1/printing", tags=["printing"])

UNKEPT: Final = {"Cache-Control": "no-store"}
PDF: Final = "application/pdf"
SEE_FILE: Final = 303
SEE_FILE_ANSWER: Final[dict[int | str, dict[str, str]]] = {
    SEE_FILE: {"description": "The file is ready, at `Location`"}
}


@router.post(
    "/attendance-records", status_code=202, response_model=schemas.PrintJob, responses=SEE_FILE_ANSWER
)
async def post_attendance_record(request: Request, body: schemas.RecordRequest) -> Response:
    """Ask for the attendance record of a completed session: 303 to the file, or 202 to its job (PRINT-3)."""
    job = await use_cases.request_record(
        _database(request), current_identity(request), body.session_id, at=request.app.state.clock()
    )
    return _file_or_job(job)


@router.post("/chart-notes", status_code=202, response_model=schemas.PrintJob, responses=SEE_FILE_ANSWER)
async def post_chart_note(request: Request, body: schemas.NoteRequest) -> Response:
    """Ask for one chart note as a PDF: 303 to the file, or 202 to its job (PRINT-3)."""
    job = await use_cases.request_note(
        _database(request),
        current_identity(request),
        body.documentation_id,
        body.patient_id,
        at=request.app.state.clock(),
    )
    return _file_or_job(job)


@router.get("/jobs/{job_id}", response_model=schemas.PrintJob, responses=SEE_FILE_ANSWER)
async def show_job(
    request: Request, job_id: UUID, accept: Annotated[str | None, Header()] = None
) -> Response:
    """Tell how a print job stands: queued, rendering, ready with the link to its file, or failed.

    Who accepts `application/pdf` is sent on to the file (303) once it is ready.
    """
    job = await use_cases.read_job(_database(request), current_identity(request), job_id)
    return _file_or_job(job, status=200, sends_on=accept is not None and PDF in accept)


@router.get("/jobs/{job_id}/file", response_class=Response, responses={200: {"content": {PDF: {}}}})
async def download_file(request: Request, job_id: UUID) -> Response:
    """Give the PDF of a print job that is ready."""
    storage: Storage = request.app.state.storage
    file = await use_cases.read_file(
        _database(request), storage, current_identity(request), job_id, at=request.app.state.clock()
    )
    name = file.kind.value.replace("_", "-")
    headers = {"Content-Disposition": f'inline; filename="{name}-{job_id}.pdf"'}
    return Response(file.pdf, media_type=PDF, headers=UNKEPT | headers)


@router.get("/counts", response_model=schemas.Counts)
async def count_jobs(request: Request) -> Response:
    """Count the instance's print jobs by status."""
    return _json(await use_cases.count_jobs(_database(request), current_identity(request)))


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _file_or_job(job: views.JobRow, *, status: int = 202, sends_on: bool = True) -> Response:
    file = views.file_path(job) if sends_on else None
    if file is not None:
        return _json(views.shown(job), status=SEE_FILE, headers={"Location": file})
    headers = {"Location": views.job_path(job)} if sends_on else {}
    return _json(views.shown(job), status=status, headers=headers)


def _json(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    kept = UNKEPT | (headers or {})
    return Response(body, status_code=status, media_type="application/json", headers=kept)
