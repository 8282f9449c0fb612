"""One request to another side, with an answer that is told apart from every way of having none."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import httpx2

from services.billing_bridge.connector import NothingSentError, OutcomeUnknownError
from shared.observability.tracing import traceparent

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
"""Every other error can come after the first byte, when the receiver may have the whole of it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the other side said; of a long body the beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def send(
    client: httpx2.AsyncClient,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    within: float,
    at_most: int = ANSWER_BYTES_AT_MOST,
    keeps_line_after: Callable[[Answer], bool] | None = None,
) -> Answer:
    """Post `body`, or get where there is none; follow nothing and unpack nothing.

    The answer must begin `within` so many seconds. `keeps_line_after` tells which answers leave a line
    that is as good as new, where the client keeps lines; after every other end it is closed.
    Raises `NothingSentError` and `OutcomeUnknownError`.
    """
    method = "GET" if body is None else "POST"
    traced = {"traceparent": trace} if (trace := traceparent()) else {}
    request = client.build_request(method, url, content=body, headers={**headers, **traced})
    response = await _sent(client, request, within)
    keep = False
    try:
        beginning = await _beginning(response, at_most)
        answer = Answer(status=response.status_code, headers=response.headers, body=beginning)
        keep = keeps_line_after is not None and keeps_line_after(answer)
        return answer
    finally:
        if not keep:
            await response.extensions["network_stream"].aclose()
        await response.aclose()


async def _sent(client: httpx2.AsyncClient, request: httpx2.Request, within: float) -> httpx2.Response:
    try:
        async with asyncio.timeout(within):
            return await client.send(request, stream=True, follow_redirects=False)
    except BEFORE_ANY_BYTE as error:
        raise NothingSentError(f"Nothing was sent: {type(error).__name__}.") from None
    except (httpx2.HTTPError, TimeoutError) as error:
        raise OutcomeUnknownError(f"No answer after sending: {type(error).__name__}.") from None


async def _beginning(response: httpx2.Response, at_most: int) -> bytes:
    """Read what is kept of an answer; a body that breaks off takes nothing from the status before it."""
    beginning = b""
    with suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(BODY_SECONDS_AT_MOST):
            # Raw: an answer packed to swell up is kept packed.
            async for part in response.aiter_raw():
                beginning += part
                if len(beginning) > at_most:
                    break
    return beginning[:at_most]
