"""Asking the billing bridge what a session would be charged, before it is signed (BILL-8)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import httpx2
import structlog
from pydantic import ValidationError

from shared.events.preview import (
    PREVIEW_PATH,
    REQUEST_PURPOSE,
    BillingPreview,
    PatientPreview,
    PreviewRequest,
)
from shared.events.record import SessionRecord
from shared.messaging.sealing import KeyRing, UnsealableError
from shared.observability.logs import describe_exception
from shared.web.sealed import ask_sealed

log = structlog.get_logger()

PREVIEW_SECONDS: Final = 3.0
"""A signer waits for it; billing that is slower is not asked."""

CONNECT_SECONDS: Final = 1.0


class PreviewUnavailableError(Exception):
    """The billing bridge did not tell what it would charge; sessions are signed all the same."""


class Previews(Protocol):
    """Where previews come from. Called outside of any transaction."""

    async def preview(self, instance_id: UUID, record: SessionRecord) -> Sequence[PatientPreview]:
        """Give what each present patient would be charged; raises `PreviewUnavailableError`."""


class NoPreviews:
    """For a deployment that has not said where its billing bridge is."""

    async def preview(
        self,
        instance_id: UUID,  # noqa: ARG002 - the port's
        record: SessionRecord,  # noqa: ARG002 - the port's
    ) -> Sequence[PatientPreview]:
        """Raise `PreviewUnavailableError`."""
        raise PreviewUnavailableError


@dataclass(frozen=True, kw_only=True)
class BillingBridge:
    """The billing bridge over HTTP; what is asked and answered is sealed."""

    client: httpx2.AsyncClient
    keys: KeyRing

    async def preview(self, instance_id: UUID, record: SessionRecord) -> Sequence[PatientPreview]:
        """Ask once, and wait for a few seconds at most."""
        try:
            async with asyncio.timeout(PREVIEW_SECONDS):
                preview = await ask_sealed(
                    self.client,
                    PREVIEW_PATH,
                    PreviewRequest(instance_id=instance_id, record=unnamed(record)),
                    BillingPreview,
                    keys=self.keys,
                    purpose=REQUEST_PURPOSE,
                )
        except (httpx2.HTTPError, TimeoutError, ValidationError, UnsealableError) as error:
            log.warning(
                "Billing did not preview a session.",
                code="preview.unavailable",
                session_id=str(record.session_id),
                cause=describe_exception(error),
            )
            raise PreviewUnavailableError from None
        if (preview.instance_id, preview.documentation_id) != (instance_id, record.documentation_id):
            raise PreviewUnavailableError
        return preview.patients


def unnamed(record: SessionRecord) -> SessionRecord:
    """Leave out what no charge is made of: names, MRNs, birth dates and all that was written."""
    nothing: dict[str, Any] = {
        "printed_name": "",
        "family_name": None,
        "given_names": (),
        "mrn": "",
        "birth_date": None,
        "individual_note": None,
    }
    participants = tuple(one.model_copy(update=nothing) for one in record.participants)
    return record.model_copy(
        update={"participants": participants, "topic": "", "description": "", "signatures": ()}
    )


def new_client(url: str) -> httpx2.AsyncClient:
    """Build the one client of this process. It follows no redirect and asks no proxy of the environment."""
    return httpx2.AsyncClient(
        base_url=url,
        follow_redirects=False,
        trust_env=False,
        timeout=httpx2.Timeout(PREVIEW_SECONDS, connect=CONNECT_SECONDS),
    )
