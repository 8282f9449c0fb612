"""Other sides of every connector, each in its own language, that do what a test tells them."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from services.billing_bridge.connector import Destination
from services.billing_bridge.connectors.webhook.secrets import new_secret
from services.billing_bridge.domain import Charge
from services.billing_bridge.outside import Outside

Read = Callable[[asyncio.StreamReader], Awaitable[bytes]]
Answer = Callable[[bytes], bytes]

ACCEPT, REJECT, BUSY, FAIL, TWICE = "accept", "reject", "busy", "fail", "answer twice"
FOUND, NOT_FOUND = "found", "not found"
HANG_UP, HANG, POUR, LATE, CUT = "hang up", "hang", "pour", "late", "cut at the first byte"
LATE_SECONDS: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """A language: how a request is read and what its answers look like."""

    system: str
    scheme: str
    read: Read
    answers: Mapping[str, Answer]
    beginning: bytes
    """The beginning of an answer that never ends."""
    secret: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    keeps_line: bool = False
    """Each answer names what it answers, so one connection takes all."""
    acts = frozenset({ACCEPT, REJECT, BUSY, FAIL, HANG_UP, HANG, POUR, LATE})
    sends_again_after = BUSY
    lays_down = False

    def open(self, outside: Outside, *script: str) -> contextlib.AbstractAsyncContextManager["OtherSide"]:
        del outside
        return other_side(self, *script)

    def receipt_of(self, charges: Sequence[Charge]) -> str:
        del charges
        return "R-7"


async def read_http(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    return head + await reader.readexactly(length)


async def read_mllp(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\x1c\r")


def http(status: int, body: bytes = b'{"receipt_id": "R-7"}', *, to: bytes = b"") -> bytes:
    """An answer; it names the request `to` which it is, if that is given."""
    echo = f"webhook-id: {key_of(to)}\r\n" if to else ""
    return f"HTTP/1.1 {status} As Told\r\n{echo}content-length: {len(body)}\r\n\r\n".encode() + body


def key_of(request: bytes) -> str:
    (line,) = (one for one in request.decode().split("\r\n") if one.lower().startswith("webhook-id:"))
    return line.partition(":")[2].strip()


def control_id(request: bytes) -> str:
    message = request[request.index(b"MSH") :].decode()
    return message.split("\r")[0].split("|")[9]


def ack(request: bytes, code: str, *, of: str | None = None) -> bytes:
    name = control_id(request) if of is None else of
    lines = ("MSH|^~\\&|B|B|O|O|20260310||ACK^P03^ACK|R-7|P|2.5.1", f"MSA|{code}|{name}")
    return "".join(f"{line}\r" for line in lines).encode()


def mllp(content: bytes) -> bytes:
    return b"\x0b" + content + b"\x1c\r"


WEBHOOK: Final = Speaker(
    system="webhook",
    scheme="http",
    read=read_http,
    answers={
        ACCEPT: lambda _: http(201),
        REJECT: lambda _: http(400),
        BUSY: lambda _: http(429),
        FAIL: lambda _: http(500),
        FOUND: lambda _: http(200),
        NOT_FOUND: lambda _: http(404, b"{}"),
    },
    beginning=b"HTTP/1.1 500 As Told\r\ncontent-length: 100000000\r\n\r\n",
    secret=new_secret(),
)
AR_IS_BUSY: Final = {"profile": {"answers": {"AR": "not_taken"}}}


ECHOING: Final = replace(
    WEBHOOK,
    answers={
        ACCEPT: lambda one: http(201, to=one),
        REJECT: lambda one: http(400, to=one),
        BUSY: lambda one: http(429, to=one),
        FAIL: lambda one: http(500, to=one),
        TWICE: lambda one: http(201, to=one) * 2,
    },
    settings={"echoes_key": True},
    keeps_line=True,
)


def hl7_over_mllp(system: str) -> Speaker:
    return Speaker(
        system=system,
        scheme="mllp",
        read=read_mllp,
        answers={
            ACCEPT: lambda one: mllp(ack(one, "AA")),
            REJECT: lambda one: mllp(ack(one, "AE")),
            BUSY: lambda one: mllp(ack(one, "AR")),
            FAIL: lambda one: mllp(ack(one, "ZZ")),
            TWICE: lambda one: mllp(ack(one, "AA")) * 2,
        },
        beginning=b"\x0bMSH|^~\\&|",
        settings=AR_IS_BUSY,
        keeps_line=True,
    )


HL7_OVER_HTTP: Final = Speaker(
    system="hl7",
    scheme="http",
    read=read_http,
    answers={
        ACCEPT: lambda one: http(200, ack(one, "AA")),
        REJECT: lambda one: http(200, ack(one, "AE")),
        BUSY: lambda one: http(200, ack(one, "AR")),
        FAIL: lambda _: http(500, b"oops"),
    },
    beginning=b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\nMSH|^~\\&|",
    secret="a-token-of-the-receiver",
    settings=AR_IS_BUSY | {"authorization": "bearer"},
)
SPEAKERS: Final = {
    "webhook": WEBHOOK,
    "webhook that echoes the key": ECHOING,
    "hl7 over MLLP": hl7_over_mllp("hl7"),
    "hl7 over HTTP": HL7_OVER_HTTP,
    "avea": hl7_over_mllp("avea"),
    "cmd": hl7_over_mllp("cmd"),
}


@dataclass
class Held:
    """The connections of a server: none outlives its test."""

    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @contextlib.contextmanager
    def until_the_end(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            try:
                yield
            finally:
                writer.transport.abort()

    async def let_go(self) -> None:
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)


@dataclass
class OtherSide:
    """Does what `script` says, once for each request; after that it accepts."""

    speaker: Speaker
    script: list[str]
    received: list[bytes] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    held: Held = field(default_factory=Held)

    @property
    def destination(self) -> Destination:
        return Destination(url=self.url, secret=self.speaker.secret, settings=self.speaker.settings)

    @property
    def in_the_clear(self) -> Destination:
        return self.destination

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with self.held.until_the_end(writer):
            while not writer.is_closing():
                if self.script[:1] == [CUT]:
                    self.script.pop(0)
                    self.received.append(await reader.readexactly(1))
                    return
                request = await self.speaker.read(reader)
                self.received.append(request)
                await self._act(self.script.pop(0) if self.script else ACCEPT, request, writer)

    async def _act(self, act: str, request: bytes, writer: asyncio.StreamWriter) -> None:
        if act == HANG:
            await asyncio.sleep(60)
        elif act == HANG_UP:
            writer.transport.abort()
        elif act == POUR:
            writer.write(self.speaker.beginning)
            for _ in range(100):
                writer.write(b"x" * 100_000)
                await writer.drain()
        else:
            if act == LATE:
                await asyncio.sleep(LATE_SECONDS)
            answer = self.speaker.answers.get(act, self.speaker.answers[ACCEPT])
            writer.write(answer(request))
            await writer.drain()


@contextlib.asynccontextmanager
async def other_side(
    speaker: Speaker, *script: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[OtherSide]:
    side = OtherSide(speaker, list(script))
    server = await asyncio.start_server(side.serve, "127.0.0.1", 0, ssl=tls)
    scheme = f"{speaker.scheme}s" if tls else speaker.scheme
    side.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/charges"
    try:
        yield side
    finally:
        server.close()
        await side.held.let_go()
