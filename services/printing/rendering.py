"""The consumer `printing.render`: makes files, with no transaction open meanwhile (PRINT-5).

What a job comes to, ready or failed, is written with its inbox row. If the child dies before that,
the ledger rings again, and a file of the same facts is made again, under the same key. A job whose facts have
changed has another revision, and its file another key: what an overtaken render made is removed.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol
from uuid import UUID

import structlog

from services.printing.domain import PrintedFile, PrintFailure
from services.printing.models import RENDERER, inbox
from services.printing.originals import document_of, sheets_in
from services.printing.pages import count_pages
from services.printing.renderer import Printable, PrintedPdf, content_hash
from services.printing.repository import begin_rendering, find_printed, finish, revision_of
from services.printing.storage import FileLostError, Storage, read_whole, storage_key
from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.events.catalogue import parse
from shared.events.envelope import Envelope
from shared.events.sheet import PrintJobQueued
from shared.failpoints import reached
from shared.messaging.consuming import ATTEMPTS_AT_MOST
from shared.messaging.failures import CannotApplyError, reason_of, verdict_on
from shared.messaging.inbox import already_applied, count_attempts, mark_applied
from shared.messaging.messages import Delivery, Parcel, Receipt, Verdict

log = structlog.get_logger()


class Renderer(Protocol):
    """Makes a PDF of a document."""

    session_link: str | None
    """What the codes on sheets open, with `{session_id}` in it; None: there are none."""

    def render(self, document: Printable) -> PrintedPdf:
        """Give the PDF; the same document gives the same bytes."""


class NothingToRenderError(CannotApplyError):
    """A print job was rung for that is not there."""


class RenderKeepsDyingError(Exception):
    """Rendering this was begun again and again and never ended: it kills its process."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A job that is marked as rendering."""

    job_id: UUID
    instance_id: UUID
    revision: int
    replaced: str | None
    """The key of its file at an older revision."""
    document: Printable | Exception
    """What is to be printed, or why its facts are no document."""
    attempts: int
    """How often it was begun after its first ring; 0 at the first."""


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """Makes the files of queued jobs, one at a time."""

    database: Database
    storage: Storage
    renderer: Renderer
    clock: Clock = now_utc

    async def receive(self, parcel: Parcel) -> list[Receipt]:
        """Bring each job to its end; give a receipt for each delivery."""
        return [await self._receipt(delivery) for delivery in parcel.deliveries]

    async def _receipt(self, delivery: Delivery) -> Receipt:
        try:
            await self._print(parse(delivery.body, delivery.type), delivery.ring)
        except Exception as error:  # noqa: BLE001 - reported to the ledger, which retries or parks
            return _not_applied(delivery, error)
        return Receipt(delivery_id=delivery.delivery_id, verdict=Verdict.APPLIED)

    async def _print(self, event: Envelope[PrintJobQueued], ring: int) -> None:
        begun = await self._begin(event, ring)
        if begun is None:
            await self._remove_overtaken(event)
            return
        reached("render.begun")
        outcome = await self._outcome(begun)
        if begun.replaced is not None and _is_own(begun, begun.replaced):
            # Nobody is given it meanwhile: the job is not ready.
            await self.storage.remove(begun.replaced)
        await self._finish(event, begun.job_id, outcome)
        await self._remove_overtaken(event)

    async def _finish(
        self, event: Envelope[PrintJobQueued], job_id: UUID, outcome: PrintedFile | PrintFailure
    ) -> None:
        async with self.database.writing(event.instanceid) as db:
            # Nothing is new when another child, rung for the same job, was quicker.
            if await mark_applied(db.connection, inbox, RENDERER, [event.id], at=self.clock()):
                revision = event.data.revision
                await finish(db, job_id, outcome, revision=revision, at=self.clock())

    async def _remove_overtaken(self, event: Envelope[PrintJobQueued]) -> None:
        """Remove what was made for an event if its job is at a newer revision: nobody is ever given it."""
        job_id, revision = event.data.job_id, event.data.revision
        async with self.database.reading(event.instanceid) as db:
            newest = await revision_of(db, job_id)
        if newest is not None and newest > revision:
            await self.storage.remove(storage_key(event.instanceid, job_id, revision=revision))

    async def _begin(self, event: Envelope[PrintJobQueued], ring: int) -> Begun | None:
        """Mark the job as rendering; None when it was brought to its end before, or has changed since."""
        job_id = event.data.job_id
        async with self.database.writing(event.instanceid) as db:
            if await already_applied(db.connection, inbox, RENDERER, [event.id]):
                return None
            # Committed before the render, so that one which kills its child is counted all the same.
            counted = await count_attempts(db.connection, inbox, RENDERER, {event.id} if ring > 1 else ())
            job = await begin_rendering(db, job_id, revision=event.data.revision, at=self.clock())
            if job is None and await revision_of(db, job_id) is not None:
                # A newer event of it is on its way, or was quicker.
                await mark_applied(db.connection, inbox, RENDERER, [event.id], at=self.clock())
                return None
            if job is None:
                raise NothingToRenderError(job_id)
            document = await document_of(db, job)
        return Begun(
            job_id=job_id,
            instance_id=event.instanceid,
            revision=event.data.revision,
            replaced=job.storage_key,
            document=document,
            attempts=counted.get(event.id, 0),
        )

    async def _outcome(self, job: Begun) -> PrintedFile | PrintFailure:
        """Make and keep the file; a failure that may pass is raised, for the ledger to try again."""
        try:
            if job.attempts > ATTEMPTS_AT_MOST:
                raise RenderKeepsDyingError(job.job_id)  # noqa: TRY301 - a failure like those below
            return await self._file(job)
        except Exception as error:
            if verdict_on(error) is Verdict.TRANSIENT:
                raise
            return _failure(job, error)

    async def _file(self, job: Begun) -> PrintedFile:
        if isinstance(job.document, Exception):
            raise job.document
        sheets = sheets_in(job.document)
        content = content_hash(sheets, session_link=self.renderer.session_link) if sheets else None
        made = await self._made_before(job.instance_id, content)
        if made is not None:
            return made
        printed = self.renderer.render(job.document)
        key = storage_key(job.instance_id, job.job_id, revision=job.revision)
        await self.storage.keep(key, printed.pdf)
        reached("render.kept")
        return PrintedFile(
            storage_key=key,
            byte_size=len(printed.pdf),
            sha256=sha256(printed.pdf).hexdigest(),
            pages=count_pages(printed.pdf),
            warnings=_warnings(job, printed),
            content_sha256=content,
        )

    async def _made_before(self, instance_id: UUID, content_sha256: str | None) -> PrintedFile | None:
        """Give the file of an earlier job that shows the same, if it is there still."""
        if content_sha256 is None:
            return None
        async with self.database.reading(instance_id) as db:
            made = await find_printed(db, content_sha256)
        if made is None:
            return None
        try:
            await read_whole(self.storage, made.storage_key, sha256=made.sha256)
        except FileLostError:
            return None
        return made


def _is_own(job: Begun, key: str) -> bool:
    """Whether a file was made for this job, not for another that shows the same."""
    return key.startswith(f"{job.instance_id}/{job.job_id}")


def _warnings(job: Begun, printed: PrintedPdf) -> tuple[str, ...]:
    if not printed.scripts_without_font:
        return ()
    log.warning(
        "Letters that no installed font has were printed as boxes.",
        code="print_job.letters_missing",
        job_id=str(job.job_id),
        count=printed.letters_without_font,
    )
    scripts = ", ".join(printed.scripts_without_font)
    return (f"Some letters are printed as boxes, as no font for them is installed: {scripts}.",)


def _failure(job: Begun, error: Exception) -> PrintFailure:
    failure = PrintFailure(reason=reason_of(error))
    log.error(
        "Something can't be printed.", code="print_job.failed", job_id=str(job.job_id), reason=failure.reason
    )
    return failure


def _not_applied(delivery: Delivery, error: Exception) -> Receipt:
    receipt = Receipt(delivery_id=delivery.delivery_id, verdict=verdict_on(error), reason=reason_of(error))
    log.error(
        "A delivery could not be applied.",
        code="delivery.failed",
        delivery_id=str(delivery.delivery_id),
        event_type=delivery.type,
        verdict=receipt.verdict.value,
        reason=receipt.reason,
    )
    return receipt
