"""The consumer `printing.render`: makes sheets, with no transaction open meanwhile (PRINT-5).

What a job comes to, ready or failed, is written with its inbox row. If the child dies before that,
the ledger rings again, and the same sheet is made again: the same bytes under the same key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

import structlog

from services.printing.domain import PrintedFile, PrintFailure
from services.printing.models import RENDERER, inbox
from services.printing.pages import count_pages
from services.printing.repository import begin_rendering, finish
from services.printing.storage import Storage, storage_key
from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.events.catalogue import parse
from shared.events.envelope import Envelope
from shared.events.sheet import PrintJobQueued, SignInSheet
from shared.messaging.consuming import ATTEMPTS_AT_MOST
from shared.messaging.failures import CannotApplyError, reason_of, verdict_on
from shared.messaging.inbox import already_applied, count_attempts, mark_applied
from shared.messaging.messages import Delivery, Parcel, Receipt, Verdict

log = structlog.get_logger()


class Renderer(Protocol):
    """Makes a PDF of a sheet."""

    def render(self, sheet: SignInSheet) -> bytes:
        """Give the PDF; the same sheet gives the same bytes."""


class NothingToRenderError(CannotApplyError):
    """A print job was rung for that is not there, or was finished this very moment by another child."""


class RenderKeepsDyingError(Exception):
    """Rendering this sheet was begun again and again and never ended: it kills its process."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A job that is marked as rendering."""

    job_id: UUID
    instance_id: UUID
    sheet: Mapping[str, Any]
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
            return
        outcome = await self._outcome(begun)
        async with self.database.writing(event.instanceid) as db:
            # Nothing is new when another child, rung for the same job, was quicker.
            if await mark_applied(db.connection, inbox, RENDERER, [event.id], at=self.clock()):
                await finish(db, begun.job_id, outcome, at=self.clock())

    async def _begin(self, event: Envelope[PrintJobQueued], ring: int) -> Begun | None:
        """Mark the job as rendering; None when it was brought to its end before."""
        job_id = event.data.job_id
        async with self.database.writing(event.instanceid) as db:
            if await already_applied(db.connection, inbox, RENDERER, [event.id]):
                return None
            # Committed before the render, so that one which kills its child is counted all the same.
            counted = await count_attempts(db.connection, inbox, RENDERER, {event.id} if ring > 1 else ())
            sheet = await begin_rendering(db, job_id, at=self.clock())
        if sheet is None:
            raise NothingToRenderError(job_id)
        return Begun(
            job_id=job_id, instance_id=event.instanceid, sheet=sheet, attempts=counted.get(event.id, 0)
        )

    async def _outcome(self, job: Begun) -> PrintedFile | PrintFailure:
        """Make and keep the file; a failure that may pass is raised, for the ledger to try again."""
        try:
            if job.attempts > ATTEMPTS_AT_MOST:
                raise RenderKeepsDyingError(job.job_id)  # noqa: TRY301 - a failure like those below
            pdf = self.renderer.render(SignInSheet.model_validate(job.sheet))
            file = PrintedFile(
                storage_key=storage_key(job.instance_id, job.job_id),
                byte_size=len(pdf),
                sha256=sha256(pdf).hexdigest(),
                pages=count_pages(pdf),
            )
            await self.storage.keep(file.storage_key, pdf)
        except Exception as error:
            if verdict_on(error) is Verdict.TRANSIENT:
                raise
            return _failure(job, error)
        return file


def _failure(job: Begun, error: Exception) -> PrintFailure:
    failure = PrintFailure(reason=reason_of(error))
    log.error(
        "A sheet can't be printed.", code="print_job.failed", job_id=str(job.job_id), reason=failure.reason
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
