"""The lines of the HTTP pool: streams of the event loop itself, to addresses that were looked at.

The pool's own streams pass each byte through another library's tasks and through TLS in Python: about
half of what a push over a kept line costs.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpcore2

from services.billing_bridge.connector import NothingSentError
from services.billing_bridge.networks import Networks

Errors = Mapping[str, type[Exception]]
CONNECTING: Errors = {"time": httpcore2.ConnectTimeout, "line": httpcore2.ConnectError}
READING: Errors = {"time": httpcore2.ReadTimeout, "line": httpcore2.ReadError}
WRITING: Errors = {"time": httpcore2.WriteTimeout, "line": httpcore2.WriteError}


@asynccontextmanager
async def _told(errors: Errors, within: float | None) -> AsyncIterator[None]:
    """Tell the pool in its own words what went wrong."""
    try:
        async with asyncio.timeout(within):
            yield
    except TimeoutError as error:
        raise errors["time"] from error
    except OSError as error:
        raise errors["line"](type(error).__name__) from error


class HttpLine(httpcore2.AsyncNetworkStream):
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the shape of the pool's streams
        async with _told(READING, timeout):
            return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        if not buffer:
            return
        async with _told(WRITING, timeout):
            self._writer.write(buffer)
            await self._writer.drain()

    async def aclose(self) -> None:
        # Nothing is left to say: whoever closes has read its answer, or gives it up.
        self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> httpcore2.AsyncNetworkStream:
        try:
            async with _told(CONNECTING, timeout):
                await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except BaseException:
            await self.aclose()
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._is_spent()
        return self._writer.get_extra_info(info)

    def _is_spent(self) -> bool:
        """Tell whether the other side has hung up, or has said something that nobody asked for."""
        unread = self._reader._buffer  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way to ask
        return bool(unread) or self._reader.at_eof() or self._writer.is_closing()


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects the pool to addresses that were looked at; TLS is still held to the host's name."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the shape of the pool's backends
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        del local_address, socket_options
        failed: Exception | None = None
        for address in await self._networks.addresses_of(host, port):
            try:
                async with _told(CONNECTING, timeout):
                    return HttpLine(*await asyncio.open_connection(address, port))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore2.ConnectError

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore2.AsyncNetworkStream:
        raise NothingSentError("Charges are not sent to sockets of this machine.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
