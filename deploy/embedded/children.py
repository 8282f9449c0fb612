"""Starting processes: programs as they are, our own modules as forks of one that has imported everything.

Importing takes each Python process over a second; a fork has it all at once, and shares the memory.
"""

import asyncio
import ctypes
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final, Protocol

PR_SET_PDEATHSIG: Final = 1


class Child(Protocol):
    """A process of ours."""

    @property
    def pid(self) -> int:
        """Its process id."""

    async def wait(self) -> int:
        """Wait for its end; give the exit status, negative for a signal."""


class Program:
    """A command, started as it is."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> "Program":
        """Start it in a session of its own: Ctrl-C reaches the supervisor alone."""
        with log.open("ab") as output:
            return cls(
                await asyncio.create_subprocess_exec(
                    *command,
                    env={**os.environ, **environment},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    preexec_fn=end_with_parent,
                )
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end."""
        return await self._process.wait()


class Module:
    """One of our composition roots, run as `python -m` would."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.sentinel, self._note_end)

    @classmethod
    async def start(cls, module: str, *, environment: Mapping[str, str], log: Path) -> "Module":
        """Fork it from the process that has imported everything."""
        process = _FORKS.Process(target=run_module, args=(module, dict(environment), str(log)), name=module)
        # In a thread: it waits until the process that is forked from has loaded everything.
        await asyncio.to_thread(process.start)
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid or 0

    def _note_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._ended.set()

    async def wait(self) -> int:
        """Wait for its end."""
        await self._ended.wait()
        self._process.join()
        return self._process.exitcode or 0


_FORKS: Final = get_context("forkserver")


def preload(*more: str) -> None:
    """Begin to load what modules are forked from, and `more`, in a process of its own."""
    _FORKS.set_forkserver_preload(["deploy.embedded.preloaded", *more])
    forkserver.ensure_running()


def run_module(module: str, environment: Mapping[str, str], log: str) -> None:
    """Become the module, in the child."""
    os.setsid()
    end_with_parent()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.environ.update(environment)
    sys.argv = [module]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    runpy.run_module(module, run_name="__main__")


def end_with_parent() -> None:
    """Have this process told to end when its parent dies (Linux).

    Without it, a supervisor that is killed leaves parts behind that nobody knows of.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
