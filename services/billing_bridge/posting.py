"""One request to another side, with an answer that is told apart from every way of having none."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import httpcore2
import httpx2

from services.billing_bridge.connector import NothingSentError, OutcomeUnknownError
from services.billing_bridge.outside import CONNECT_SECONDS
from shared.observability.tracing import traceparent

ANSWER_BYTES_AT_MOST: Final = 2048
BODY_SECONDS_AT_MOST: Final = 5.0

USER_AGENT: Final = "OpenCircle"

BEFORE_ANY_BYTE: Final = (
    httpcore2.ConnectError,
    httpcore2.ConnectTimeout,
    httpcore2.PoolTimeout,
    httpcore2.UnsupportedProtocol,
    httpcore2.LocalProtocolError,
    httpx2.InvalidURL,
)
"""Every other error can come after the first byte, when the receiver may have the whole of it."""
BROKEN: Final = (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, TimeoutError)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the other side said; of a long body the beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def send(
    pool: httpcore2.AsyncConnectionPool,
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
    that is as good as new, where the pool keeps lines; after every other end it is closed.
    Raises `NothingSentError` and `OutcomeUnknownError`.
    """
    response = await _sent(pool, url, headers, body, within)
    keep = False
    try:
        beginning = await _beginning(response, at_most)
        answer = Answer(status=response.status, headers=_read(response.headers), body=beginning)
        keep = keeps_line_after is not None and keeps_line_after(answer)
        return answer
    finally:
        if not keep:
            await response.extensions["network_stream"].aclose()
        await response.aclose()


async def _sent(
    pool: httpcore2.AsyncConnectionPool,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    within: float,
) -> httpcore2.Response:
    try:
        async with asyncio.timeout(within):
            return await pool.handle_async_request(_request(url, headers, body))
    except BEFORE_ANY_BYTE as error:
        raise NothingSentError(f"Nothing was sent: {type(error).__name__}.") from None
    except BROKEN as error:
        raise OutcomeUnknownError(f"No answer after sending: {type(error).__name__}.") from None


def _request(url: str, headers: Mapping[str, str], body: bytes | None) -> httpcore2.Request:
    target, host = _target(url)
    traced = {"traceparent": trace} if (trace := traceparent()) else {}
    sized = {} if body is None else {"content-length": str(len(body))}
    everything = {"host": host, "user-agent": USER_AGENT, **headers, **traced, **sized}
    return httpcore2.Request(
        "GET" if body is None else "POST",
        target,
        headers=list(everything.items()),
        content=body,
        extensions={"timeout": {"connect": CONNECT_SECONDS}},
    )


@lru_cache(maxsize=256)
def _target(url: str) -> tuple[httpcore2.URL, str]:
    """Give what is asked for, and the host as its header names it; raises `InvalidURL`."""
    parsed = httpx2.URL(url)
    target = httpcore2.URL(
        scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
    )
    return target, parsed.netloc.decode()


def _read(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Read headers by their names in small letters; of one that comes twice, both values in one."""
    read: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        read[name] = f"{read[name]}, {value}" if name in read else value
    return read


async def _beginning(response: httpcore2.Response, at_most: int) -> bytes:
    """Read what is kept of an answer; a body that breaks off takes nothing from the status before it."""
    beginning = b""
    with suppress(*BROKEN):
        async with asyncio.timeout(BODY_SECONDS_AT_MOST):
            # Raw: an answer packed to swell up is kept packed.
            async for part in response.aiter_stream():
                beginning += part
                if len(beginning) > at_most:
                    break
    return beginning[:at_most]
