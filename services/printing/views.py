"""What is shown: one query each, straight to bytes. `schemas` says what the fields mean."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func

from services.printing.domain import JobStatus
from services.printing.models import print_job
from shared.database.transactions import Transaction
from shared.web.bodies import json_bytes

JOBS_PATH: Final = "/v1/printing/jobs"

JobRow = Row[Any]
"""`id`, `session_id`, `status`, `reason`, `pages`, `byte_size` and `storage_key`: the sheet stays unread."""


async def one_job(db: Transaction, job_id: UUID) -> JobRow | None:
    """Find a job, or None where this instance has no such one."""
    job = print_job.c
    columns = job.id, job.session_id, job.status, job.reason, job.pages, job.byte_size, job.storage_key
    return await db.one_or_none(db.rows_of(print_job, *columns).where(job.id == job_id))


def shown(job: JobRow) -> bytes:
    """Show a job; when it is ready, with the link to its file."""
    links = {"self": f"{JOBS_PATH}/{job.id}"}
    if job.status == JobStatus.READY.value:
        links["file"] = f"{JOBS_PATH}/{job.id}/file"
    return json_bytes(
        {
            "id": job.id,
            "session_id": job.session_id,
            "status": job.status,
            "reason": job.reason,
            "pages": job.pages,
            "bytes": job.byte_size,
            "links": links,
        }
    )


async def counts(db: Transaction) -> bytes:
    """Count the jobs of the instance by status, those without any included."""
    statement = db.rows_of(print_job, print_job.c.status, func.count().label("count")).group_by(
        print_job.c.status
    )
    found = {row.status: row.count for row in await db.all(statement)}
    return json_bytes({"jobs": {status.value: found.get(status.value, 0) for status in JobStatus}})
