"""A process's sign of life: a file that its own loop touches, so that a stuck loop shows as an old file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from celery import Celery, bootsteps

from shared.observability.metrics import LOOP_TURNED

TOUCHED_EVERY_SECONDS: Final = 5.0
"""A running task of a solo worker holds the loop; look for an age well above the longest one."""


def touch_while_alive(application: Celery, path: Path | None) -> None:
    """Have the worker of `application` show its life from its start on, as `sign_of_life` does."""
    show_life = sign_of_life(path)

    class AliveFile(bootsteps.StartStopStep):
        requires = ("celery.worker.components:Timer",)

        def start(self, parent: Any) -> None:
            show_life()
            parent.timer.call_repeatedly(TOUCHED_EVERY_SECONDS, show_life)

    application.steps["worker"].add(AliveFile)


def sign_of_life(path: Path | None) -> Callable[[], None]:
    """Give what a loop calls at each turn: it sets the metric, and touches `path` where there is one."""

    def show_life() -> None:
        LOOP_TURNED.set_to_current_time()
        if path is not None:
            path.touch()

    return show_life


def show_no_life() -> None:
    """Do nothing: nobody watches this process."""
