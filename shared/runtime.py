"""What composition roots share: engines, bells and the one event loop of a process."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from celery import Celery

from shared.database.engine import create_engine
from shared.database.transactions import Bell, Database, SilentBell
from shared.messaging.bells import PostgresBell, PostgresWake, SocketBell, SocketWake, SweepOnly, Wake
from shared.messaging.broker import Broker
from shared.messaging.celery_application import new_celery_application
from shared.messaging.relay import Relay
from shared.messaging.tables import Ledger
from shared.settings import Settings


def open_database(url: str, *, settings: Settings, rings: str | None = None) -> Database:
    """Build a database whose commits wake the relay of the service `rings`."""
    return Database(engine=create_engine(url), bell=_bell(url, settings, rings))


def _bell(url: str, settings: Settings, service: str | None) -> Bell:
    if service is None:
        return SilentBell()
    if url.startswith("postgresql"):
        return PostgresBell()
    return SocketBell(settings.bells_folder / f"{service}.bell") if settings.bells_folder else SilentBell()


def wake_of(url: str, *, settings: Settings, service: str) -> Wake:
    """Build the relay's side of the bell of `service`."""
    if url.startswith("postgresql"):
        return PostgresWake(url)
    return SocketWake(settings.bells_folder / f"{service}.bell") if settings.bells_folder else SweepOnly()


def new_broker(settings: Settings, *, name: str, queues: tuple[str, ...] = ()) -> Broker:
    """Build this process's connection to the broker, consuming `queues` if it is a worker."""
    return Broker(
        application=new_celery_application(
            name=name, broker_url=settings.broker_url.get_secret_value(), queues=queues
        )
    )


def run_worker(application: Celery, *, arguments: tuple[str, ...] = ("--pool=solo",)) -> None:
    """Serve until told to stop; a second signal ends it at once. Scaled by starting more processes."""
    application.worker_main(
        [
            "worker",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel=WARNING",
            *arguments,
        ]
    )


def run_relay(*, service: str, url: str, ledger: Ledger, settings: Settings) -> None:
    """Serve the ledger of `service` until told to stop."""

    async def serve() -> None:
        database = open_database(url, settings=settings)
        relay = Relay(
            service=service,
            database=database,
            ledger=ledger,
            broker=new_broker(settings, name=f"{service}.relay"),
            keys=settings.keys,
            ring_again_after_seconds=settings.ring_again_after_seconds,
        )
        await relay.run(wake_of(url, settings=settings, service=service), _stopped_by_signal())
        await database.engine.dispose()

    asyncio.run(serve())


def _stopped_by_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


class OneLoop:
    """Runs coroutines one after the other on the same loop, so that pooled connections keep their home."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def __call__(self, coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it gives
        """Run it to its end."""
        return self._loop.run_until_complete(coroutine)
