"""What waits to be printed: sheets that were asked for, and the records of sessions that are signed.

All of it happens in the transaction of the inbox or of the request. Whoever commits rings the bell.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

from services.printing.domain import JobStatus, Kind, NewJob, record_job_id
from services.printing.models import SERVICE, ledger, print_job
from services.printing.repository import (
    JobToRender,
    add_queued_jobs,
    keep_newest_records,
    keep_retracted,
    known_jobs,
    queue_again,
    superseded,
)
from shared.database.dialects import take_turns
from shared.database.transactions import Transaction, WideTransaction
from shared.events.catalogue import PRINT_JOB_QUEUED
from shared.events.envelope import Envelope
from shared.events.record import SessionRecord, SessionRetracted
from shared.events.sheet import PrintJobQueued, SignInSheet, SignInSheets
from shared.messaging.outbox import publish


async def queue_sheets(
    db: WideTransaction,
    requests: Sequence[Envelope[SignInSheet] | Envelope[SignInSheets]],
    *,
    queued_at: datetime,
) -> None:
    """Make a job of each request and publish that it waits (PRINT-2, PRINT-5)."""
    await queue_jobs(db, [_sheets_job(one) for one in requests], at=queued_at)


def _sheets_job(request: Envelope[SignInSheet] | Envelope[SignInSheets]) -> NewJob:
    several = isinstance(request.data, SignInSheets)
    first = request.data.sheets[0] if isinstance(request.data, SignInSheets) else request.data
    return NewJob(
        id=request.data.job_id,
        instance_id=request.instanceid,
        kind=Kind.SIGN_IN_SHEETS if several else Kind.SIGN_IN_SHEET,
        requested_at=request.time,
        session_id=first.session_id,
        sheet=request.data.model_dump(mode="json"),
    )


async def keep_records(
    db: WideTransaction, envelopes: Sequence[Envelope[SessionRecord]], *, at: datetime
) -> None:
    """Keep what records and notes are printed from, and have the attendance record made (PRINT-3).

    What was printed of an older version is made again, and what was printed of an older documentation of
    the session, as entered in error: a file shows how things stand, or is not there.
    """
    await _take_turns(db, envelopes)
    rows = [
        _documented(one)
        | {"annotations": len(one.data.annotations), "record": one.data.model_dump(mode="json")}
        for one in envelopes
    ]
    changed = await keep_newest_records(db, rows)
    sessions = {one.data.session_id for one in envelopes if one.data.documentation_id in changed}
    await _print_again(db, changed | await superseded(db.connection, sessions), at=at)
    records = {one.data.documentation_id: _record_job(one, at) for one in envelopes}
    await queue_jobs(db, [records[one] for one in sorted(changed)], at=at)


async def keep_retractions(
    db: WideTransaction, envelopes: Sequence[Envelope[SessionRetracted]], *, at: datetime
) -> None:
    """Have all that was printed of a void documentation printed again, as entered in error (DOC-6)."""
    await _take_turns(db, envelopes)
    # Version 0: the record may come later, at any version.
    none_yet = {"version": 0}
    rows = [
        _documented(one) | none_yet | {"retracted": one.data.model_dump(mode="json")} for one in envelopes
    ]
    changed = await keep_retracted(db, rows)
    await _print_again(db, changed, at=at)


async def _take_turns(
    db: WideTransaction, envelopes: Sequence[Envelope[SessionRecord] | Envelope[SessionRetracted]]
) -> None:
    """Let what else comes or is asked for of these sessions wait for this commit.

    Two documentations of one session that come at once would each miss the other, and a note that is
    asked for meanwhile would be printed as things stood.
    """
    await take_turns(db.connection, {one.data.session_id for one in envelopes})


def _documented(envelope: Envelope[SessionRecord] | Envelope[SessionRetracted]) -> dict[str, Any]:
    facts = envelope.data
    return {
        "documentation_id": facts.documentation_id,
        "instance_id": envelope.instanceid,
        "session_id": facts.session_id,
        "version": facts.version,
    }


def _record_job(envelope: Envelope[SessionRecord], at: datetime) -> NewJob:
    return NewJob(
        id=record_job_id(envelope.data.documentation_id),
        instance_id=envelope.instanceid,
        kind=Kind.ATTENDANCE_RECORD,
        requested_at=at,
        session_id=envelope.data.session_id,
        sheet={},
        documentation_id=envelope.data.documentation_id,
    )


async def queue_jobs(db: WideTransaction, jobs: Sequence[NewJob], *, at: datetime) -> None:
    """Queue jobs and publish that they wait; one that was queued before stays as it is."""
    known = await known_jobs(db.connection, [job.id for job in jobs])
    new = [job for job in jobs if job.id not in known]
    await add_queued_jobs(db, new, at=at)
    waiting = [JobToRender(id=job.id, instance_id=job.instance_id, revision=0) for job in new]
    await _publish(db, waiting, at=at)


async def _print_again(db: WideTransaction, documentation_ids: set[UUID], *, at: datetime) -> None:
    of_these = print_job.c.documentation_id.in_(documentation_ids)
    await _publish(db, await queue_again(db.connection, of_these, at=at), at=at)


async def retry_failed(db: Transaction, job_id: UUID, *, at: datetime) -> None:
    """Queue a job again that failed: what it failed for may be mended. Any other stays as it is."""
    failed = print_job.c.status == JobStatus.FAILED.value
    await _retry(db, (print_job.c.id == job_id) & failed, at=at)


async def replace_lost(db: Transaction, job_id: UUID, *, revision: int, at: datetime) -> None:
    """Queue a ready job again whose file is lost, unless that was done meanwhile."""
    ready = (print_job.c.status == JobStatus.READY.value) & (print_job.c.revision == revision)
    await _retry(db, (print_job.c.id == job_id) & ready, at=at)


async def _retry(db: Transaction, which: ColumnElement[bool], *, at: datetime) -> None:
    ours = (print_job.c.instance_id == db.instance_id) & which
    await _publish(db.wide, await queue_again(db.connection, ours, at=at), at=at)
    await db.ring()


async def _publish(db: WideTransaction, jobs: Sequence[JobToRender], *, at: datetime) -> None:
    # One after the other: a request is one file or a few, and its render takes a thousand times longer.
    for job in jobs:
        await publish(
            db.of(job.instance_id),
            ledger,
            source=SERVICE,
            event_type=PRINT_JOB_QUEUED,
            subject=job.id,
            facts=PrintJobQueued(job_id=job.id, revision=job.revision),
            at=at,
        )
