"""Asking the charts service which notes are filed (BILL-10)."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from uuid import UUID

import httpx2
import structlog
from pydantic import ValidationError

from shared.events.filing import (
    FILED_PATH,
    FILED_PURPOSE,
    Filed,
    FiledDocumentation,
    FiledRequest,
)
from shared.messaging.sealing import KeyRing, UnsealableError
from shared.observability.logs import describe_exception
from shared.web.sealed import ask_sealed

log = structlog.get_logger()

ANSWER_SECONDS: Final = 15.0


class FiledNotesUnavailableError(Exception):
    """The charts service did not tell which notes are filed; the reconciliation says so."""


class FiledNotes(Protocol):
    """Where it is known which notes are filed. Called outside of any transaction."""

    async def filed(
        self, instance_id: UUID, documentation_ids: Collection[UUID], *, on: date
    ) -> tuple[FiledDocumentation, ...]:
        """Give what is filed of these documentations and of all that began on that day in UTC.

        Raises `FiledNotesUnavailableError`.
        """


class NoCharts:
    """For a deployment that has not said where its charts are."""

    async def filed(
        self,
        instance_id: UUID,  # noqa: ARG002 - the port's
        documentation_ids: Collection[UUID],  # noqa: ARG002 - the port's
        *,
        on: date,  # noqa: ARG002 - the port's
    ) -> tuple[FiledDocumentation, ...]:
        """Raise `FiledNotesUnavailableError`."""
        raise FiledNotesUnavailableError


@dataclass(frozen=True, kw_only=True)
class ChartsService:
    """The charts service over HTTP; what is asked and answered is sealed."""

    url: str
    keys: KeyRing = field(repr=False)
    transport: httpx2.AsyncBaseTransport | None = None

    async def filed(
        self, instance_id: UUID, documentation_ids: Collection[UUID], *, on: date
    ) -> tuple[FiledDocumentation, ...]:
        """Ask once."""
        since = datetime.combine(on, time(), UTC)
        request = FiledRequest(
            instance_id=instance_id,
            documentation_ids=tuple(sorted(documentation_ids)),
            since=since,
            until=since + timedelta(days=1),
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._asked(request)
        except (httpx2.HTTPError, TimeoutError, ValidationError, UnsealableError, ValueError) as error:
            log.warning(
                "The charts service did not tell what is filed.",
                code="filing.unavailable",
                cause=describe_exception(error),
            )
            raise FiledNotesUnavailableError from None
        if answer.instance_id != instance_id:
            raise FiledNotesUnavailableError
        return answer.documentations

    async def _asked(self, request: FiledRequest) -> Filed:
        # A client of its own: this is asked a few times a day. It follows no redirect, asks no proxy.
        async with httpx2.AsyncClient(
            base_url=self.url, follow_redirects=False, trust_env=False, transport=self.transport
        ) as client:
            return await ask_sealed(client, FILED_PATH, request, Filed, keys=self.keys, purpose=FILED_PURPOSE)
