"""A TCP proxy between two parts: it delays, it resets, and it goes silent with its connections half open."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

READ_BYTES: Final = 65536


@dataclass(kw_only=True)
class Proxy:
    """Passes bytes on to `host` and `port`, as well as it is told to."""

    host: str
    port: int
    listens_on: int = 0
    delay_seconds: float = 0.0
    is_broken: bool = False
    _lets_pass: asyncio.Event = field(default_factory=asyncio.Event)
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Proxy"]:
        self._lets_pass.set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.listens_on = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.reset()

    def reset(self) -> None:
        """Break every connection, in the middle of whatever goes over it."""
        for line in tuple(self._lines):
            line.transport.abort()

    def break_off(self) -> None:
        """Break every connection, and each new one at once, until it is mended."""
        self.is_broken = True
        self.reset()

    def mend(self) -> None:
        self.is_broken = False

    async def be_slow(self, seconds: float, *, by: float) -> None:
        self.delay_seconds = by
        await asyncio.sleep(seconds)
        self.delay_seconds = 0.0

    async def be_half_open(self, seconds: float) -> None:
        """Take connections and bytes, pass nothing on, then break all of them."""
        self._lets_pass.clear()
        await asyncio.sleep(seconds)
        self.reset()
        self._lets_pass.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_broken:
            writer.transport.abort()
            return
        self._lines.add(writer)
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
            self._lines.add(far_writer)
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
            self._lines.discard(far_writer)
        writer.transport.abort()
        self._lines.discard(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while content := await reader.read(READ_BYTES):
                await self._lets_pass.wait()
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                writer.write(content)
                await writer.drain()
        writer.transport.abort()
