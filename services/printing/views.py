"""What is shown: one query each, straight to bytes. `schemas` says what the fields mean."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func

from services.printing.domain import JobStatus, Kind
from services.printing.models import documented_session, print_job
from shared.database.transactions import Transaction
from shared.web.bodies import json_bytes

JOBS_PATH: Final = "/v1/printing/jobs"

JobRow = Row[Any]
"""`id`, `kind`, `session_id`, `documentation_id`, `patient_id`, `status`, `reason`, `warnings`, `pages`,
`byte_size`, `storage_key`, `sha256` and `revision`: what is printed stays unread."""


async def one_job(db: Transaction, job_id: UUID) -> JobRow | None:
    """Find a job, or None where this instance has no such one."""
    job = print_job.c
    columns = (
        job.id, job.kind, job.session_id, job.documentation_id, job.patient_id, job.status, job.reason,
        job.warnings, job.pages, job.byte_size, job.storage_key, job.sha256, job.revision,
    )  # fmt: skip
    return await db.one_or_none(db.rows_of(print_job, *columns).where(job.id == job_id))


async def newest_documentation(db: Transaction, session_id: UUID) -> UUID | None:
    """Give the documentation of a session that was signed last, void or not."""
    table = documented_session
    signed = db.rows_of(table, table.c.documentation_id).where(
        table.c.session_id == session_id, table.c.record.is_not(None)
    )
    row = await db.one_or_none(signed.order_by(table.c.version.desc()).limit(1))
    return row.documentation_id if row else None


def job_path(job: JobRow) -> str:
    """Give where it is told how a job stands."""
    return f"{JOBS_PATH}/{job.id}"


def file_path(job: JobRow) -> str | None:
    """Give where the file is; None before the job is ready."""
    return f"{job_path(job)}/file" if job.status == JobStatus.READY.value else None


def shown(job: JobRow) -> bytes:
    """Show a job; when it is ready, with the link to its file."""
    links = {"self": job_path(job)}
    if (file := file_path(job)) is not None:
        links["file"] = file
    return json_bytes(
        {
            "id": job.id,
            "kind": job.kind,
            "session_id": None if job.kind == Kind.SIGN_IN_SHEETS.value else job.session_id,
            "status": job.status,
            "reason": job.reason,
            "warnings": job.warnings or [],
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
