"""One supervisor owns all parts: starts them, restarts what dies, stops them in order."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.embedded.children import Child, Module, Program
from deploy.embedded.errors import OperatorError
from deploy.embedded.parts import Part

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
LOOK_EVERY_SECONDS: Final = 0.02
RESTART_PAUSES_SECONDS: Final = (0.1, 0.5, 2.0, 5.0)
CALM_SECONDS: Final = 30.0
"""A part that has run so long has recovered: its next restart is quick again."""

Report = Callable[[str, str], None]
"""Told of each part and what became of it."""


class PartFailedError(OperatorError):
    """A part ended or stayed silent at its start."""


@dataclass(kw_only=True)
class Supervisor:
    """Runs the parts of one deployment. A supervisor that is killed takes its parts with it."""

    parts: Sequence[Part]
    environment: dict[str, str]
    logs: Path
    sockets: Path
    pids: Path
    report: Report
    _children: dict[str, Child] = field(default_factory=dict, init=False)
    _watchers: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _stopping: bool = field(default=False, init=False)

    async def start(self) -> None:
        """Start everything; return when all parts serve. Raises `PartFailedError`."""
        first, *rest = self.parts
        await self._start(first)
        await asyncio.gather(*(self._start(part) for part in rest))

    async def _start(self, part: Part) -> None:
        started = time.monotonic()
        await self._spawn(part)
        await self._serves(part)
        self._watchers[part.name] = asyncio.create_task(self._keep(part))
        self.report(part.name, f"{part.does} ({time.monotonic() - started:.1f} s)")

    async def _spawn(self, part: Part) -> None:
        self._alive_file(part).unlink(missing_ok=True)
        log = self.logs / f"{part.name}.log"
        environment = self.environment | {"OPENCIRCLE_ALIVE_FILE": str(self._alive_file(part))}
        if part.program:
            child: Child = await Program.start(part.program, environment=environment, log=log)
        else:
            child = await Module.start(part.module, environment=environment, log=log)
        self._children[part.name] = child
        # Renamed into place: whoever reads it finds a whole number, or no file.
        written = self.pids / f"{part.name}.new"
        written.write_text(f"{child.pid}\n")
        written.replace(self.pids / f"{part.name}.pid")

    def _alive_file(self, part: Part) -> Path:
        return self.sockets / f"{part.name}.alive"

    async def _serves(self, part: Part) -> None:
        ended = asyncio.create_task(self._children[part.name].wait())
        deadline = time.monotonic() + START_SECONDS
        while not ended.done() and time.monotonic() < deadline:
            with suppress(OSError):
                if await part.ready():
                    ended.cancel()
                    return
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise PartFailedError(
            f"{part.name} did not start: see {self.logs / f'{part.name}.log'}{self._last_words(part)}"
        )

    def _last_words(self, part: Part) -> str:
        lines = (self.logs / f"{part.name}.log").read_text(errors="replace").splitlines()
        return f" ({lines[-1][:300]})" if lines else ""

    async def _keep(self, part: Part) -> None:
        restarts = 0
        while True:
            born = time.monotonic()
            status = await self._children[part.name].wait()
            if self._stopping:
                return
            restarts = 0 if time.monotonic() - born > CALM_SECONDS else restarts
            pause = RESTART_PAUSES_SECONDS[min(restarts, len(RESTART_PAUSES_SECONDS) - 1)]
            restarts += 1
            self.report(part.name, f"ended ({_in_words(status)}); starting again")
            await asyncio.sleep(pause)
            await self._spawn(part)

    async def stop(self) -> None:
        """Stop the parts, the broker last: what they were doing is finished or handed back."""
        self._stopping = True
        broker, *rest = self.parts
        await asyncio.gather(*(self._stop(part) for part in rest))
        await self._stop(broker)
        for watcher in self._watchers.values():
            watcher.cancel()

    async def _stop(self, part: Part) -> None:
        child = self._children.get(part.name)
        if child is None:
            return
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(child.wait(), STOP_SECONDS)
        except TimeoutError:
            self.report(part.name, "did not stop in time and was killed; the ledger rings again for its work")
            os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
        (self.pids / f"{part.name}.pid").unlink(missing_ok=True)


def _in_words(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"
