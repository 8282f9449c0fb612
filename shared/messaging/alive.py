"""A process's sign of life: a file that its own loop touches, so that a stuck loop shows as an old file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from celery import Celery, bootsteps

TOUCHED_EVERY_SECONDS: Final = 5.0
"""A running task of a solo worker holds the loop; look for an age well above the longest one."""


def touch_while_alive(application: Celery, path: Path) -> None:
    """Have the worker of `application` touch `path` from its start on."""

    class AliveFile(bootsteps.StartStopStep):
        requires = ("celery.worker.components:Timer",)

        def start(self, parent: Any) -> None:
            path.touch()
            parent.timer.call_repeatedly(TOUCHED_EVERY_SECONDS, path.touch)

    application.steps["worker"].add(AliveFile)


def sign_of_life(path: Path | None) -> Callable[[], None]:
    """Give what a loop calls at each turn: it touches `path`, or does nothing without one."""
    return path.touch if path is not None else show_no_life


def show_no_life() -> None:
    """Do nothing: nobody watches this process."""
