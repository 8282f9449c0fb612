"""Pushes a charge as a signed POST (Standard Webhooks 1.0)."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx2
from standardwebhooks import Webhook

from services.billing_bridge.connector import (
    PUSH_SECONDS_AT_MOST,
    AddressRefusedError,
    Destination,
    NothingSentError,
    OutcomeUnknownError,
)
from services.billing_bridge.connectors.webhook.addresses import check_address
from services.billing_bridge.connectors.webhook.answers import outcome_of
from services.billing_bridge.connectors.webhook.body import body_of, reversal_body_of
from services.billing_bridge.domain import Charge
from services.billing_bridge.outcomes import Outcome
from shared.clock import Clock

ANSWER_BYTES_AT_MOST: Final = 2048
BODY_SECONDS_AT_MOST: Final = 5.0

BEFORE_ANY_BYTE: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    httpx2.InvalidURL,
)
"""Every other error can come after the first byte, when the receiver may have the whole charge."""


@dataclass(frozen=True)
class WebhookConnector:
    """One POST for each charge over the process's kept connections."""

    client: httpx2.AsyncClient
    clock: Clock
    embedded: bool

    async def push(self, charge: Charge, destination: Destination) -> Outcome:
        """Sign, send and read the answer."""
        return await self._told(charge, body_of(charge), str(charge.charge_id), destination)

    async def reverse(self, charge: Charge, destination: Destination) -> Outcome:
        """Do the same with its reversal."""
        return await self._told(charge, reversal_body_of(charge), charge.reversal_key, destination)

    async def _told(self, charge: Charge, body: bytes, key: str, destination: Destination) -> Outcome:
        self._refuse_address(destination.url)
        at = self.clock()
        headers = signed_headers(body, key=key, secret=destination.secret, at=at)
        status, answer_headers, answer = await self._post(destination.url, body, headers)
        hidden = (destination.secret, headers["webhook-signature"], charge.mrn)
        return outcome_of(status, answer_headers, answer, hidden=hidden, now=at)

    def _refuse_address(self, url: str) -> None:
        try:
            check_address(url, self.embedded)
        except AddressRefusedError as error:
            raise NothingSentError(str(error)) from None

    async def _post(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        request = self.client.build_request("POST", url, content=body, headers=headers)
        response = await self._send(request)
        try:
            return response.status_code, response.headers, await _beginning(response)
        finally:
            await response.aclose()

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        try:
            async with asyncio.timeout(PUSH_SECONDS_AT_MOST - BODY_SECONDS_AT_MOST):
                return await self.client.send(request, stream=True, follow_redirects=False)
        except BEFORE_ANY_BYTE as error:
            raise NothingSentError(f"Nothing was sent: {type(error).__name__}.") from None
        except (httpx2.HTTPError, TimeoutError) as error:
            raise OutcomeUnknownError(f"No answer after sending: {type(error).__name__}.") from None


async def _beginning(response: httpx2.Response) -> bytes:
    """Read what is kept of an answer; a body that breaks off takes nothing from the status before it."""
    beginning = b""
    with suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(BODY_SECONDS_AT_MOST):
            # Raw: an answer packed to swell up is kept packed.
            async for part in response.aiter_raw():
                beginning += part
                if len(beginning) > ANSWER_BYTES_AT_MOST:
                    break
    return beginning[:ANSWER_BYTES_AT_MOST]


def signed_headers(body: bytes, *, key: str, secret: str, at: datetime) -> dict[str, str]:
    """Give the headers of one attempt: the key stays the same, time and signature are the attempt's own."""
    return {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "idempotency-key": key,
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, at, body.decode()),
    }
