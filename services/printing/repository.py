"""Print jobs and documented sessions as rows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Update, exists, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.printing.domain import UNFINISHED, JobStatus, Kind, NewJob, PrintedFile, PrintFailure
from services.printing.models import documented_session, print_job
from shared.database.bulk import insert_new
from shared.database.dialects import upsert
from shared.database.fields import Fields
from shared.database.transactions import Transaction, WideTransaction

SHEET: Final = "print_job.sheet"
RECORD: Final = "documented_session.record"
RETRACTED: Final = "documented_session.retracted"

_NEWER: Final = documented_session.alias("newer_documentation")
# A session is documented anew only after what it had was deleted: should that news be late, the newer
# documentation tells it (DIST-5).
_SUPERSEDED: Final = exists().where(
    _NEWER.c.instance_id == documented_session.c.instance_id,
    _NEWER.c.session_id == documented_session.c.session_id,
    _NEWER.c.version > documented_session.c.version,
    _NEWER.c.record.is_not(None),
)


@dataclass(frozen=True, kw_only=True)
class JobToRender:
    """A job that waits for a render of its own."""

    id: UUID
    instance_id: UUID
    revision: int


@dataclass(frozen=True, kw_only=True)
class JobToPrint:
    """A job whose render begins."""

    id: UUID
    kind: Kind
    sheet: Any
    documentation_id: UUID | None
    patient_id: UUID | None
    storage_key: str | None
    """Of its file at an older revision, which is of no use any more."""


@dataclass(frozen=True, kw_only=True)
class Documented:
    """What is known of a documentation: its newest record, and whether and why it is void."""

    session_id: UUID
    record: Any | None
    retracted: Any | None
    superseded: bool


async def known_jobs(connection: AsyncConnection, ids: Collection[UUID]) -> set[UUID]:
    """Tell which of the jobs exist already."""
    statement = select(print_job.c.id).where(print_job.c.id.in_(ids))
    return set((await connection.execute(statement)).scalars())


async def add_queued_jobs(db: WideTransaction, jobs: Sequence[NewJob], *, at: datetime) -> None:
    """Add queued jobs, in one statement."""
    rows = [
        asdict(job)
        | {
            "kind": job.kind.value,
            "sheet": db.fields[job.instance_id].seal_json(job.sheet, place=SHEET, row=job.id),
            "status": JobStatus.QUEUED.value,
            "status_since": at,
        }
        for job in jobs
    ]
    await insert_new(db.connection, print_job, rows)


async def queue_again(
    connection: AsyncConnection, which: ColumnElement[bool], *, at: datetime
) -> list[JobToRender]:
    """Queue jobs that are there already; a render of them that is under way is of no use any more."""
    statement = (
        update(print_job)
        .where(which)
        .values(
            status=JobStatus.QUEUED.value,
            status_since=at,
            reason=None,
            # Of the file that was: only its key is needed still, to remove it.
            pages=None,
            byte_size=None,
            warnings=null(),
            revision=print_job.c.revision + 1,
        )
        .returning(print_job.c.id, print_job.c.instance_id, print_job.c.revision)
    )
    rows = (await connection.execute(statement)).all()
    return [JobToRender(id=row.id, instance_id=row.instance_id, revision=row.revision) for row in rows]


async def keep_newest_records(db: WideTransaction, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Keep records that are newer than what is known of them; give the documentations that changed.

    An annotation leaves the version as it is: of two the one that tells more is newer.
    """
    newest = {row["documentation_id"]: row for row in sorted(rows, key=itemgetter("version", "annotations"))}
    return await _keep(db, newest, ("version", "annotations", "record"), _is_newer)


def _is_newer(new: Any) -> ColumnElement[bool]:
    known = documented_session.c
    more = (known.version == new.version) & (known.annotations < new.annotations)
    newer: ColumnElement[bool] = (known.version < new.version) | more
    return newer


async def keep_retracted(db: WideTransaction, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Keep why documentations are void; give those of which it was not known."""
    first = {row["documentation_id"]: row for row in reversed(rows)}
    table = documented_session
    return await _keep(db, first, ("retracted",), lambda _new: table.c.retracted.is_(None))


async def superseded(connection: AsyncConnection, session_ids: Collection[UUID]) -> set[UUID]:
    """Give the documentations of sessions that were documented anew since."""
    old = documented_session.c
    statement = select(old.documentation_id).where(old.session_id.in_(session_ids), _SUPERSEDED)
    return set((await connection.execute(statement)).scalars())


async def _keep(
    db: WideTransaction,
    rows: Mapping[UUID, Mapping[str, Any]],
    changed: Collection[str],
    is_news: Callable[[Any], ColumnElement[bool]],
) -> set[UUID]:
    if not rows:
        return set()
    table, many = documented_session, [_sealed(row, db.fields[row["instance_id"]]) for row in rows.values()]
    statement = upsert(db.connection, table, many[0])
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["documentation_id"],
        set_={name: new[name] for name in changed},
        where=is_news(new) & (table.c.instance_id == new.instance_id),
    )
    returning = statement.returning(table.c.documentation_id)
    return set((await db.connection.execute(returning, many)).scalars())


def _sealed(row: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    key = row["documentation_id"]
    return dict(row) | {
        column: fields.seal_json(row[column], place=place, row=key)
        for column, place in (("record", RECORD), ("retracted", RETRACTED))
        if column in row
    }


async def begin_rendering(db: Transaction, job_id: UUID, *, revision: int, at: datetime) -> JobToPrint | None:
    """Mark a job as rendering and give it; None when it is finished, or is at another revision.

    A job that is rendering already is begun again: its child may have died. Should it live after
    all, both make a file of the same facts under the same key.
    """
    statement = _unfinished(db, job_id, revision).values(status=JobStatus.RENDERING.value, status_since=at)
    job = print_job.c
    row = await db.one_or_none(
        statement.returning(
            job.id, job.kind, job.sheet, job.documentation_id, job.patient_id, job.storage_key
        )
    )
    return row and JobToPrint(
        id=row.id,
        kind=Kind(row.kind),
        sheet=db.fields.unseal_json(row.sheet, place=SHEET, row=row.id),
        documentation_id=row.documentation_id,
        patient_id=row.patient_id,
        storage_key=row.storage_key,
    )


async def revision_of(db: Transaction, job_id: UUID) -> int | None:
    """Give the revision that a job is at; None where this instance has no such job."""
    statement = db.rows_of(print_job, print_job.c.revision).where(print_job.c.id == job_id)
    found = await db.one_or_none(statement)
    return None if found is None else int(found.revision)


async def load_documented(db: Transaction, documentation_id: UUID | None) -> Documented | None:
    """Give what is known of a documentation."""
    table = documented_session
    known = db.rows_of(table, *table.c, _SUPERSEDED.label("superseded"))
    row = await db.one_or_none(known.where(table.c.documentation_id == documentation_id))
    if row is None:
        return None
    record = db.fields.unseal_any(row.record, place=RECORD, row=row.documentation_id)
    retracted = db.fields.unseal_any(row.retracted, place=RETRACTED, row=row.documentation_id)
    return Documented(
        session_id=row.session_id,
        record=None if record is None else orjson.loads(record),
        retracted=None if retracted is None else orjson.loads(retracted),
        superseded=row.superseded,
    )


async def finish(
    db: Transaction, job_id: UUID, outcome: PrintedFile | PrintFailure, *, revision: int, at: datetime
) -> None:
    """Mark a job as ready or failed; one that is either, or has changed meanwhile, stays as it is."""
    status = JobStatus.READY if isinstance(outcome, PrintedFile) else JobStatus.FAILED
    values = asdict(outcome)
    if "warnings" in values:
        values["warnings"] = list(values["warnings"])
    if (content := values.pop("content_sha256", None)) is not None:
        values["content_sha256"] = _found_by(db, content)
    await db.execute(_unfinished(db, job_id, revision).values(status=status.value, status_since=at, **values))


async def find_printed(db: Transaction, content_sha256: str) -> PrintedFile | None:
    """Give a file that shows exactly this; None where there is none without warnings."""
    job, found_by = print_job.c, _found_by(db, content_sha256)
    columns = (job.storage_key, job.byte_size, job.sha256, job.pages)
    statement = db.rows_of(print_job, *columns, job.warnings).where(
        job.content_sha256 == found_by, job.status == JobStatus.READY.value
    )
    for row in await db.all(statement.order_by(job.status_since.desc()).limit(10)):
        if not row.warnings:
            return PrintedFile(
                storage_key=row.storage_key,
                byte_size=row.byte_size,
                sha256=row.sha256,
                pages=row.pages,
                content_sha256=content_sha256,
            )
    return None


def _found_by(db: Transaction, content_sha256: str) -> str:
    # Blind: who guesses a sheet, names and all, must not be able to try whether it was printed.
    return db.fields.blind(content_sha256, place="print_job.content_sha256")


def _unfinished(db: Transaction, job_id: UUID, revision: int) -> Update:
    return update(print_job).where(
        print_job.c.instance_id == db.instance_id,
        print_job.c.id == job_id,
        print_job.c.revision == revision,
        or_(*(print_job.c.status == status.value for status in UNFINISHED)),
    )
