"""A billing system that does what a test tells it, request by request, down to breaking the connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import httpx2
import orjson

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    head: str
    body: bytes

    @property
    def headers(self) -> httpx2.Headers:
        parts = (line.partition(": ") for line in self.head.split("\r\n")[1:] if line)
        return httpx2.Headers([(name, value) for name, _, value in parts])


@dataclass
class ScriptedReceiver:
    """Acts by `script`, one act for each request; after the last one it accepts."""

    script: list[Act] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    url: str = ""

    @property
    def keys(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.received]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(Received(head, b"").headers["content-length"])
                self.received.append(Received(head, await reader.readexactly(length)))
                act = self.script.pop(0) if self.script else answering(201)
                await act(writer)


def answering(status: int, content: object = None, **headers: str) -> Act:
    async def answer(writer: asyncio.StreamWriter) -> None:
        body = orjson.dumps(content or {})
        lines = [f"HTTP/1.1 {status} As Told", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return answer


async def hanging_up(writer: asyncio.StreamWriter) -> None:
    """Takes the whole request and breaks the connection without a word."""
    writer.transport.abort()


async def hanging(writer: asyncio.StreamWriter) -> None:
    """Takes the whole request and says nothing, for longer than any test."""
    await asyncio.sleep(60)


async def saying_half(writer: asyncio.StreamWriter) -> None:
    """Says that it has accepted and breaks off in the body."""
    writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()


async def pouring(writer: asyncio.StreamWriter) -> None:
    """Accepts with an answer of ten megabytes."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        for _ in range(100):
            writer.write(b"x" * 100_000)
            await writer.drain()


@contextlib.asynccontextmanager
async def scripted_receiver(*script: Act) -> AsyncIterator[ScriptedReceiver]:
    receiver = ScriptedReceiver(list(script))
    server = await asyncio.start_server(receiver._serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/charges"
    try:
        yield receiver
    finally:
        server.close()
