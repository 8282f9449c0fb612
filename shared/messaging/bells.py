"""Bells that wake a relay: PostgreSQL's own, and a datagram socket on one machine."""

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import asyncpg
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

CHANNEL = "opencircle_ledger"


class Wake(Protocol):
    """The relay's side of a bell."""

    async def __aenter__(self) -> Self:
        """Start listening."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""

    async def wait(self, timeout_seconds: float) -> None:
        """Return when the bell has rung since the last call, or after `timeout_seconds`."""


class PostgresBell:
    """Rings inside the transaction: PostgreSQL passes it on at the commit, and only then."""

    async def ring_in(self, connection: AsyncConnection) -> None:
        """Ask for a notification at commit. It has no payload."""
        await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})

    def ring_after_commit(self) -> None:
        """Do nothing: the database has rung."""


@dataclass
class SocketBell:
    """Rings by an empty datagram to the socket of a relay on the same machine."""

    path: Path
    _socket: socket.socket = field(
        default_factory=lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    )

    async def ring_in(self, connection: AsyncConnection) -> None:
        """Do nothing: SQLite can't tell anyone."""

    def ring_after_commit(self) -> None:
        """Ring. A relay that is down or has its ears full sweeps anyway."""
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", str(self.path))


class _Waiting:
    """An event that is set from outside and waited for with a limit."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self, *_: object) -> None:
        self._rung.set()

    async def wait(self, timeout_seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), timeout_seconds)
        self._rung.clear()


class PostgresWake(_Waiting):
    """Listens on a connection of its own; the sweep covers for it while that is lost."""

    def __init__(self, url: str) -> None:
        super().__init__()
        # As the engine reads it: asyncpg itself would take `?ssl=` for a setting of the server.
        parsed = make_url(url)
        self._arguments = parsed.translate_connect_args(username="user") | dict(parsed.query)
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def __aenter__(self) -> Self:
        """Start listening."""
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._connection is not None:
            await self._connection.close()

    async def wait(self, timeout_seconds: float) -> None:
        """Wait; listen again first when the database was restarted."""
        if self._connection is None or self._connection.is_closed():
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                await self._listen()
        await super().wait(timeout_seconds)

    async def _listen(self) -> None:
        self._connection = await asyncpg.connect(**self._arguments)
        await self._connection.add_listener(CHANNEL, self.ring)


class SocketWake(_Waiting):
    """Listens on a datagram socket; takes the path over from a relay that died."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    async def __aenter__(self) -> Self:
        """Start listening."""
        self._path.unlink(missing_ok=True)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)
        asyncio.get_running_loop().add_reader(self._socket, self._hear)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(1)
                self.ring()


class SweepOnly(_Waiting):
    """No bell at all: the relay looks at every sweep."""

    async def __aenter__(self) -> Self:
        """Have nothing to start."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Have nothing to stop."""
