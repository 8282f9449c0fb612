"""Loaded before modules are forked: from then on their clock is off by what is in a file."""

import mmap
import os
from pathlib import Path

import time_machine

from tests.chaos.clock import NANOSECONDS, SETTING


class Stepped(time_machine.Traveller):
    """Time goes on as it does; only where it stands changes, in all forks at once."""

    def __init__(self, offset: Path) -> None:
        super().__init__(0, None, tick=True)
        with offset.open("rb") as file:
            self._offset = mmap.mmap(file.fileno(), NANOSECONDS.size, access=mmap.ACCESS_READ)

    def time_ns(self) -> int:
        true: int = time_machine.escape_hatch.time.time_ns()
        return true + int(NANOSECONDS.unpack(self._offset)[0])


time_machine.travel(0).start()
time_machine.traveller_stack.append(Stepped(Path(os.environ[SETTING])))
