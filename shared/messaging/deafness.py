"""A worker that hears nothing any more, though its loop turns: it ends, and whoever keeps it starts it anew.

Measured with celery and kombu 5.7 on Redis: when the connection breaks while a task runs, its acknowledgement
fails and is only logged. The message stays counted as under way, so that no further one is asked for; and as
nothing is asked for, nobody notices that the connection is gone.
"""

import os
import signal
from typing import Any, Final

import structlog
from celery import Celery, bootsteps
from celery.worker import state

log = structlog.get_logger()

LOOKS_EVERY_SECONDS: Final = 5.0
LOOKS_IN_A_ROW: Final = 2
"""One alone may fall between the arrival of a message and the beginning of its task."""


class Ear:
    """Counts how often in a row a worker was idle, and yet would take no message."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._deaf = 0

    def look(self) -> None:
        """End the worker softly when it is deaf."""
        self._deaf = self._deaf + 1 if self._is_deaf() else 0
        if self._deaf == LOOKS_IN_A_ROW:
            log.error("This worker hears its queue no more; it ends to be started anew.", code="worker.deaf")
            os.kill(os.getpid(), signal.SIGTERM)

    def _is_deaf(self) -> bool:
        consumer = getattr(getattr(self._worker, "consumer", None), "task_consumer", None)
        # RabbitMQ itself counts what is under way: there is nothing to ask here.
        can_consume = getattr(getattr(consumer and consumer.channel, "qos", None), "can_consume", None)
        return can_consume is not None and not state.reserved_requests and not can_consume()


def end_when_deaf(application: Celery) -> None:
    """Have the worker of `application` look after its own hearing."""

    class Hearing(bootsteps.StartStopStep):
        requires = ("celery.worker.components:Timer",)

        def start(self, parent: Any) -> None:
            parent.timer.call_repeatedly(LOOKS_EVERY_SECONDS, Ear(parent).look)

    application.steps["worker"].add(Hearing)
