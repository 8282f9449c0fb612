"""One deployment, from an empty folder to all parts serving, and down again."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.children import preload
from deploy.embedded.errors import OperatorError
from deploy.embedded.folder import DataFolder, socket_folder
from deploy.embedded.parts import parts_of
from deploy.embedded.supervisor import Report, Supervisor


class PreparationFailedError(OperatorError):
    """The databases could not be brought to this version; the last line says why."""


class PortTakenError(OperatorError):
    """Something listens on this port already; choose another with --port."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A deployment that serves."""

    address: str
    folder: DataFolder
    supervisor: Supervisor

    def first_login(self) -> tuple[str, str] | None:
        """Give the login and password made at the first start; None once somebody has deleted the file."""
        file = self.folder.root / "first-login.json"
        if not file.exists():
            return None
        kept = json.loads(file.read_text())
        return kept["login"], kept["password"]


@asynccontextmanager
async def running(root: Path, *, port: int, report: Report) -> AsyncIterator[Deployment]:
    """Serve from `root` during the block.

    Raises `FolderInUseError`, `PortTakenError`, `PreparationFailedError` or `PartFailedError`.
    """
    folder = DataFolder(root=root)
    with folder.locked(), socket_folder() as sockets:
        preload()
        folder.prepare()
        _require_free(port)
        await _prepare_databases(folder, report)
        supervisor = Supervisor(
            parts=parts_of(data=folder.broker, sockets=sockets, port=port),
            environment=folder.environment(sockets=sockets, port=port),
            logs=folder.logs,
            sockets=sockets,
            pids=folder.pids,
            report=report,
        )
        try:
            await supervisor.start()
            with folder.announced(sockets=sockets, port=port):
                yield Deployment(address=f"http://127.0.0.1:{port}", folder=folder, supervisor=supervisor)
        finally:
            await supervisor.stop()


async def _prepare_databases(folder: DataFolder, report: Report) -> None:
    outdated = folder.outdated_services()
    if not outdated and folder.is_founded():
        return
    command = (sys.executable, "-m", "deploy.embedded.prepare", str(folder.root.resolve()), *outdated)
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise PreparationFailedError(errors.decode().strip().rpartition("\n")[2])
    report("databases", "brought to this version")


def _require_free(port: int) -> None:
    with closing(socket.socket()) as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise PortTakenError(port)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
