"""A worker's sign of life: a file that its own loop touches, so that a stuck loop shows as an old file."""

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
