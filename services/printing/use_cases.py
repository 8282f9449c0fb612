"""What the printing service can do: queue sheets, and show jobs and files to those who may print."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.printing import views
from services.printing.domain import PRINTS_FEATURES, PRINTS_ROLES, JobStatus
from services.printing.models import SERVICE, audit_entry, ledger, staff_access
from services.printing.repository import add_queued_jobs, known_jobs
from services.printing.storage import Storage
from shared.database.audit import record_access
from shared.database.transactions import Database, SilentBell, Transaction
from shared.events.catalogue import PRINT_JOB_QUEUED
from shared.events.envelope import Envelope
from shared.events.sheet import PrintJobQueued, SignInSheet
from shared.messaging.outbox import publish
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, NotFoundProblem
from shared.web.staff_access import require_any
from shared.web.staff_access import staff_access as access_of


class PrintJobNotReadyProblem(ConflictProblem):
    """The file of a print job was asked for before there is one, or though it failed (409)."""

    name, title = "print-job-not-ready", "This sheet is not ready"


async def queue_sheets(
    connection: AsyncConnection, requests: Sequence[Envelope[SignInSheet]], *, queued_at: datetime
) -> None:
    """Make a job of each request and publish that it waits, in the transaction of the inbox (PRINT-5).

    A job that was requested before stays as it is. Whoever commits rings the bell.
    """
    known = await known_jobs(connection, [request.data.job_id for request in requests])
    new = [request for request in requests if request.data.job_id not in known]
    await add_queued_jobs(connection, new, queued_at=queued_at)
    # One after the other: a request is one sheet or a few, and its render takes a thousand times longer.
    for request in new:
        await publish(
            Transaction(connection=connection, instance_id=request.instanceid, bell=SilentBell()),
            ledger,
            source=SERVICE,
            event_type=PRINT_JOB_QUEUED,
            subject=request.data.job_id,
            facts=PrintJobQueued(job_id=request.data.job_id),
            at=queued_at,
        )


async def read_job(database: Database, identity: Identity, job_id: UUID) -> bytes:
    """Tell how a job stands; raises `ForbiddenProblem`, `NotFoundProblem`. It names no patient."""
    async with database.reading(identity.instance_id) as db:
        await _require_printing(db, identity)
        return views.shown(await _job(db, job_id))


async def count_jobs(database: Database, identity: Identity) -> bytes:
    """Count the instance's jobs by status; raises `ForbiddenProblem`."""
    async with database.reading(identity.instance_id) as db:
        await _require_printing(db, identity)
        return await views.counts(db)


async def read_file(
    database: Database, storage: Storage, identity: Identity, job_id: UUID, *, at: datetime
) -> bytes:
    """Give the PDF of a job, and write down who read it (PERM-8).

    Raises `ForbiddenProblem`, `NotFoundProblem`, `PrintJobNotReadyProblem`.
    """
    async with database.writing(identity.instance_id) as db:
        await _require_printing(db, identity)
        job = await _job(db, job_id)
        if job.status != JobStatus.READY.value:
            raise PrintJobNotReadyProblem(
                f"The print job is {job.status}; its file is there once it is ready."
            )
        await record_access(
            db, audit_entry, at=at, user_id=identity.user_id, action="print_job.file_read", subject=job_id
        )
    return await storage.read(job.storage_key)


async def _job(db: Transaction, job_id: UUID) -> views.JobRow:
    job = await views.one_job(db, job_id)
    if job is None:
        raise NotFoundProblem("There is no such print job.")
    return job


async def _require_printing(db: Transaction, identity: Identity) -> None:
    access = await access_of(db, staff_access, identity.user_id)
    require_any(access, roles=PRINTS_ROLES, features=PRINTS_FEATURES)
