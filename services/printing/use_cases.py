"""What the printing service can do for a user: print records and notes, show jobs, give files."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.printing import views
from services.printing.domain import (
    MAY_SEE,
    MAY_SEE_SOME,
    PRINTS,
    Grant,
    JobStatus,
    Kind,
    NewJob,
    note_job_id,
    record_job_id,
)
from services.printing.models import audit_entry, staff_access
from services.printing.queueing import queue_jobs, replace_lost, retry_failed
from services.printing.repository import load_documented
from services.printing.storage import FileLostError, Storage, read_whole
from shared.database.audit import record_access, record_access_to
from shared.database.dialects import take_turns
from shared.database.transactions import Database, Transaction
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, NotFoundProblem
from shared.web.staff_access import require_any
from shared.web.staff_access import staff_access as access_of

log = structlog.get_logger()


class PrintJobNotReadyProblem(ConflictProblem):
    """The file of a print job was asked for before there is one, or though it failed (409)."""

    name, title = "print-job-not-ready", "This is not ready to be fetched"


@dataclass(frozen=True, kw_only=True)
class ReadFile:
    """A PDF and what it is."""

    kind: Kind
    pdf: bytes


async def request_record(
    database: Database, identity: Identity, session_id: UUID, *, at: datetime
) -> views.JobRow:
    """Give the job of a session's newest attendance record (PRINT-3); raises `NotFoundProblem`.

    It was queued when the session was completed; one that failed is queued again.
    """
    async with database.writing(identity.instance_id) as db:
        await _require(db, identity, MAY_SEE[Kind.ATTENDANCE_RECORD])
        documentation_id = await views.newest_documentation(db, session_id)
        if documentation_id is None:
            raise NotFoundProblem("There is no completed session of this id; a record is there once it is.")
        job_id = record_job_id(documentation_id)
        await retry_failed(db, job_id, at=at)
        await _record(db, identity, "attendance_record.requested", session_id, at)
        return await _job(db, job_id)


async def request_note(
    database: Database, identity: Identity, documentation_id: UUID, patient_id: UUID, *, at: datetime
) -> views.JobRow:
    """Have one patient's chart note printed; asked for again it is the same job (PRINT-3).

    One that failed is queued again.
    Raises `NotFoundProblem` where the patient was not on the roster that was signed.
    """
    job_id = note_job_id(documentation_id, patient_id)
    async with database.writing(identity.instance_id) as db:
        await _require(db, identity, MAY_SEE[Kind.CHART_NOTE])
        documented = await load_documented(db, documentation_id)
        if documented is None or patient_id not in _named_in(documented.record):
            raise NotFoundProblem("This patient has no note of such a documentation.")
        # A record or retraction that comes meanwhile finds this job, or has been committed before it is read.
        await take_turns(db.connection, [documented.session_id])
        job = NewJob(
            id=job_id,
            instance_id=db.instance_id,
            kind=Kind.CHART_NOTE,
            requested_at=at,
            session_id=documented.session_id,
            sheet={},
            documentation_id=documentation_id,
            patient_id=patient_id,
        )
        await queue_jobs(db.wide, [job], at=at)
        await retry_failed(db, job_id, at=at)
        await _record(db, identity, "chart_note.print_requested", job_id, at, patient_id=patient_id)
        return await _job(db, job_id)


def _named_in(record: dict[str, Any] | None) -> list[UUID]:
    return [UUID(one["patient_id"]) for one in record["participants"]] if record else []


async def read_job(database: Database, identity: Identity, job_id: UUID) -> views.JobRow:
    """Tell how a job stands; raises `ForbiddenProblem`, `NotFoundProblem`. It names no patient."""
    async with database.reading(identity.instance_id) as db:
        return await _seen_job(db, identity, job_id)


async def count_jobs(database: Database, identity: Identity) -> bytes:
    """Count the instance's jobs by status; raises `ForbiddenProblem`."""
    async with database.reading(identity.instance_id) as db:
        await _require(db, identity, PRINTS)
        return await views.counts(db)


async def read_file(
    database: Database, storage: Storage, identity: Identity, job_id: UUID, *, at: datetime
) -> ReadFile:
    """Give the PDF of a job, and write down who read it (PERM-8).

    Raises `ForbiddenProblem`, `NotFoundProblem`, `PrintJobNotReadyProblem`; the last one too where the
    file is lost or damaged, and then the job is queued again.
    """
    async with database.writing(identity.instance_id) as db:
        job = await _seen_job(db, identity, job_id)
        if job.status != JobStatus.READY.value:
            raise PrintJobNotReadyProblem(
                f"The print job is {job.status}; its file is there once it is ready."
            )
        await _record_reading(db, identity, job, at)
    try:
        pdf = await read_whole(storage, job.storage_key, sha256=job.sha256)
    except FileLostError:
        log.warning("A printed file is lost, and made again.", code="print_job.file_lost", job_id=str(job_id))
        async with database.writing(identity.instance_id) as db:
            await replace_lost(db, job_id, revision=job.revision, at=at)
        raise PrintJobNotReadyProblem("The file was lost and is made again; try again shortly.") from None
    return ReadFile(kind=Kind(job.kind), pdf=pdf)


async def _record_reading(db: Transaction, identity: Identity, job: views.JobRow, at: datetime) -> None:
    """Write down who read a file, a row for each patient whom it names in full."""
    named = [job.patient_id] if job.patient_id else []
    if job.kind == Kind.ATTENDANCE_RECORD.value:
        documented = await load_documented(db, job.documentation_id)
        named = _named_in(documented.record if documented else None)
    await record_access_to(
        db,
        audit_entry,
        patient_ids=named,
        at=at,
        user_id=identity.user_id,
        action="print_job.file_read",
        subject=job.id,
    )


async def _seen_job(db: Transaction, identity: Identity, job_id: UUID) -> views.JobRow:
    """Give a job to somebody who may see its kind."""
    await _require(db, identity, MAY_SEE_SOME)
    job = await _job(db, job_id)
    await _require(db, identity, MAY_SEE[Kind(job.kind)])
    return job


async def _job(db: Transaction, job_id: UUID) -> views.JobRow:
    job = await views.one_job(db, job_id)
    if job is None:
        raise NotFoundProblem("There is no such print job.")
    return job


async def _require(db: Transaction, identity: Identity, grant: Grant) -> None:
    access = await access_of(db, staff_access, identity.user_id)
    require_any(access, roles=grant.roles, features=grant.features)


async def _record(
    db: Transaction,
    identity: Identity,
    action: str,
    subject: UUID,
    at: datetime,
    *,
    patient_id: UUID | None = None,
) -> None:
    await record_access(
        db,
        audit_entry,
        at=at,
        user_id=identity.user_id,
        action=action,
        subject=subject,
        patient_id=patient_id,
    )
