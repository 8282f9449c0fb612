"""Sending to queues by name; no exchanges, so that nothing is dropped for want of a binding."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from celery import Celery
from kombu.exceptions import KombuError

UNSHOWN: Final = "(sealed)"
"""Stands for the arguments wherever Celery would print them."""


class BrokerUnavailableError(Exception):
    """The broker could not take messages; what it was to take stays owed in the ledger."""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One sealed message for one queue."""

    queue: str
    task: str
    sealed: str


@dataclass(frozen=True, kw_only=True)
class Broker:
    """The broker, as a place to send to. Blocking: a call takes about a millisecond a message."""

    application: Celery

    def send(self, messages: Iterable[Outgoing]) -> None:
        """Send all in one round trip where the transport can; raises `BrokerUnavailableError`.

        After an error it is not known which messages arrived: send again, consumers know doubles.
        """
        try:
            # kombu's stubs are older than its batches.
            with self.application.producer_pool.acquire(block=True) as producer, producer.batch():  # type: ignore[attr-defined]
                for message in messages:
                    self.application.send_task(
                        message.task,
                        args=(message.sealed,),
                        queue=message.queue,
                        producer=producer,
                        argsrepr=UNSHOWN,
                        kwargsrepr=UNSHOWN,
                        retry=False,
                    )
        except (KombuError, OSError) as error:
            raise BrokerUnavailableError(type(error).__name__) from None
