"""The way in over HTTP: how print jobs stand, and their files."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.printing import schemas, use_cases
from services.printing.storage import Storage
from shared.database.transactions import Database
from shared.web.identity import current_identity

router = APIRouter(prefix="/v1/printing", tags=["printing"])

UNKEPT: Final = {"Cache-Control": "no-store"}
PDF: Final = "application/pdf"


@router.get("/jobs/{job_id}", response_model=schemas.PrintJob)
async def show_job(request: Request, job_id: UUID) -> Response:
    """Tell how a print job stands: queued, rendering, ready with the link to its file, or failed."""
    return _json(await use_cases.read_job(_database(request), current_identity(request), job_id))


@router.get("/jobs/{job_id}/file", response_class=Response, responses={200: {"content": {PDF: {}}}})
async def download_file(request: Request, job_id: UUID) -> Response:
    """Give the PDF of a print job that is ready."""
    storage: Storage = request.app.state.storage
    pdf = await use_cases.read_file(
        _database(request), storage, current_identity(request), job_id, at=request.app.state.clock()
    )
    headers = {
        "Content-Disposition": f'inline; filename="sign-in-sheet-{job_id}.pdf"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(pdf, media_type=PDF, headers=UNKEPT | headers)


@router.get("/counts", response_model=schemas.Counts)
async def count_jobs(request: Request) -> Response:
    """Count the instance's print jobs by status."""
    return _json(await use_cases.count_jobs(_database(request), current_identity(request)))


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers=UNKEPT)
