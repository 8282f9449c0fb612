"""Print jobs as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Update, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.printing.domain import UNFINISHED, JobStatus, PrintedFile, PrintFailure
from services.printing.models import print_job
from shared.database.bulk import insert_new
from shared.database.transactions import Transaction
from shared.events.envelope import Envelope
from shared.events.sheet import SignInSheet


async def known_jobs(connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Tell which of the jobs exist already."""
    statement = select(print_job.c.id).where(print_job.c.id.in_(ids))
    return set((await connection.execute(statement)).scalars())


async def add_queued_jobs(
    connection: AsyncConnection, requests: Sequence[Envelope[SignInSheet]], *, queued_at: datetime
) -> None:
    """Add one queued job for each request, in one statement."""
    await insert_new(connection, print_job, [_row(request, queued_at) for request in requests])


async def begin_rendering(db: Transaction, job_id: UUID, *, at: datetime) -> Mapping[str, Any] | None:
    """Mark a job as rendering and give its sheet as JSON; None when it is finished, or not there.

    A job that is rendering already is begun again: its child may have died. Should it live after
    all, both make the same file.
    """
    statement = _unfinished(db, job_id).values(status=JobStatus.RENDERING.value, status_since=at)
    row = await db.one_or_none(statement.returning(print_job.c.sheet))
    return None if row is None else row.sheet


async def finish(db: Transaction, job_id: UUID, outcome: PrintedFile | PrintFailure, *, at: datetime) -> None:
    """Mark a job as ready or failed; one that is either already stays as it is."""
    status = JobStatus.READY if isinstance(outcome, PrintedFile) else JobStatus.FAILED
    values = asdict(outcome)
    await db.execute(_unfinished(db, job_id).values(status=status.value, status_since=at, **values))


def _unfinished(db: Transaction, job_id: UUID) -> Update:
    return update(print_job).where(
        print_job.c.instance_id == db.instance_id,
        print_job.c.id == job_id,
        print_job.c.status.in_([status.value for status in UNFINISHED]),
    )


def _row(request: Envelope[SignInSheet], queued_at: datetime) -> dict[str, Any]:
    return {
        "id": request.data.job_id,
        "instance_id": request.instanceid,
        "session_id": request.data.session_id,
        "status": JobStatus.QUEUED.value,
        "sheet": request.data.model_dump(mode="json"),
        "requested_at": request.time,
        "status_since": queued_at,
    }
