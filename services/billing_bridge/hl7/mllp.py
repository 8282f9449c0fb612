"""Kept MLLP connections: a message is framed, sent, and its answers are read, one message at a time."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from services.billing_bridge.connector import NothingSentError, NoTurnError, OutcomeUnknownError
from services.billing_bridge.networks import Networks
from services.billing_bridge.outside import CONNECT_SECONDS

FRAME_BEGINS: Final = b"\x0b"
FRAME_ENDS: Final = b"\x1c\r"
TURN_SECONDS: Final = 5.0
"""How long a message waits for the one before it; longer, and it is claimed again, in its place."""
IDLE_SECONDS_AT_MOST: Final = 30.0
"""Firewalls forget quiet connections without a word: to a message that meets it the outcome is unknown."""
DEFAULT_PORT: Final = 2575

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(kw_only=True)
class Line:
    """One connection to one listener, opened when it is needed and kept."""

    url: str
    tls: ssl.SSLContext
    networks: Networks
    answer_seconds: float
    """From the first byte to the last answer."""
    _streams: Streams | None = field(default=None, init=False)
    _used_at: float = field(default=0.0, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    @asynccontextmanager
    async def sending(self, content: bytes) -> AsyncIterator["Exchange"]:
        """Send a message and let its answers be read; whatever goes wrong closes the connection.

        A connection on which an answer is still to come is never used again: it would be read as the
        answer to the next message. Raises `NothingSentError` and `OutcomeUnknownError`.
        """
        await self._take_turn()
        try:
            reader, writer = await self._open()
            try:
                yield await _sent(content, reader, writer, within=self.answer_seconds)
            except BaseException:
                self.close()
                raise
            self._used_at = asyncio.get_running_loop().time()
        finally:
            self._turn.release()
        # The next message is sent before this one's answer is thought over: no line stands idle meanwhile.
        await asyncio.sleep(0)

    async def _take_turn(self) -> None:
        if not self._turn.locked():
            await self._turn.acquire()
            return
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise NoTurnError("Nothing was sent: the connection is busy with others.") from None

    async def _open(self) -> Streams:
        if self._streams is None or self._is_spent(*self._streams):
            self.close()
            self._streams = await self._connected()
        return self._streams

    def _is_spent(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        idle = asyncio.get_running_loop().time() - self._used_at
        return reader.at_eof() or writer.is_closing() or idle > IDLE_SECONDS_AT_MOST

    async def _connected(self) -> Streams:
        parts = urlsplit(self.url)
        tls = self.tls if parts.scheme == "mllps" else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self.networks.connect(parts.hostname or "", parts.port or DEFAULT_PORT, tls=tls)
        except (OSError, TimeoutError) as error:
            raise NothingSentError(f"Nothing was sent: {type(error).__name__}.") from None

    def close(self) -> None:
        """Hang up."""
        if self._streams:
            self._streams[1].transport.abort()
        self._streams = None

    async def aclose(self) -> None:
        """Hang up, at the end of the process."""
        self.close()


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A message that is on its way."""

    reader: asyncio.StreamReader
    ends_at: float

    async def answer(self) -> bytes:
        """Read one answer; raises `OutcomeUnknownError` when none comes, or one too long."""
        try:
            async with asyncio.timeout_at(self.ends_at):
                framed = await self.reader.readuntil(FRAME_ENDS)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError) as error:
            raise OutcomeUnknownError(f"No answer after sending: {type(error).__name__}.") from None
        return framed.removesuffix(FRAME_ENDS).rpartition(FRAME_BEGINS)[2]


async def _sent(
    content: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, within: float
) -> Exchange:
    ends_at = asyncio.get_running_loop().time() + within
    try:
        writer.write(FRAME_BEGINS + content + FRAME_ENDS)
        # Most messages are gone at once: nothing is left to wait for.
        if writer.transport.get_write_buffer_size():
            async with asyncio.timeout_at(ends_at):
                await writer.drain()
    except (OSError, TimeoutError) as error:
        raise OutcomeUnknownError(f"The connection broke while sending: {type(error).__name__}.") from None
    return Exchange(reader=reader, ends_at=ends_at)
