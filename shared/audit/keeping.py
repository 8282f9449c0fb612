"""Lays and anchors the chain of a service's trail beside the requests that its process serves."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Table

from shared.audit.anchoring import Anchoring, open_anchoring
from shared.audit.linking import Linker
from shared.audit.settings import AnchorSettings
from shared.clock import Clock, now_utc
from shared.database.transactions import Database
from shared.messaging.failures import reason_of

LOOK_EVERY_SECONDS: Final = 5.0

log = structlog.get_logger()


@dataclass(kw_only=True)
class ChainKeeping:
    """Links what is new every few seconds, and anchors the heads every few minutes."""

    linker: Linker
    anchoring: Anchoring | None
    anchored_every: timedelta
    clock: Clock = now_utc
    _anchored_at: datetime | None = field(default=None, init=False)

    async def run(self) -> None:
        """Keep on until cancelled; what fails is tried again at the next look."""
        while True:
            try:
                await self.keep()
            except Exception as error:  # noqa: BLE001 - nobody else would hear
                log.warning(
                    "The audit trail's chain waits: it is laid when its database, or the place of its "
                    "anchors, is there again.",
                    code="audit.waiting",
                    reason=reason_of(error),
                )
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def keep(self) -> None:
        """Link what is new, and anchor when it is time."""
        await self.linker.link_new()
        now = self.clock()
        if self.anchoring and (self._anchored_at is None or now - self._anchored_at >= self.anchored_every):
            # Without a head it is time still: the first is anchored as soon as it is there.
            self._anchored_at = now if await self.anchoring.anchor(at=now) else None


def keeping_chain(
    settings: AnchorSettings, *, service: str, database: Database, trail: Table
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Give what an application runs beside its requests, in every process: one works at a time."""
    keeping = ChainKeeping(
        linker=Linker(database=database, trail=trail),
        anchoring=open_anchoring(settings, service=service, database=database, trail=trail),
        anchored_every=timedelta(minutes=settings.every_minutes),
    )
    return keeping.run
