"""What composition roots share: engines, bells and the one event loop of a process."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import uvicorn
from celery import Celery
from starlette.types import ASGIApp

from shared.database.engine import create_engine
from shared.database.transactions import Bell, Database, SilentBell
from shared.messaging.alive import sign_of_life, touch_while_alive
from shared.messaging.bells import PostgresBell, PostgresWake, SocketBell, SocketWake, SweepOnly, Wake
from shared.messaging.broker import Broker
from shared.messaging.celery_application import new_celery_application
from shared.messaging.deafness import end_when_deaf
from shared.messaging.relay import Relay
from shared.messaging.tables import Ledger
from shared.observability.logs import configure_logging
from shared.settings import Settings, read_settings
from shared.web.stopping import Server, Stoppable

STARTUP_FAILURE: Final = 3
"""As uvicorn itself ends when it could not start to serve."""


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


def serve_http(create_application: Callable[[], ASGIApp], *, service: str) -> None:
    """Serve an application on OPENCIRCLE_HTTP_HOST and _PORT until told to stop."""
    settings = read_settings(Settings)
    configure_logging(service=service, level=settings.log_level)
    application = Stoppable(create_application())
    config = uvicorn.Config(
        application,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = Server(config, stopping=application.stopping)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def run_worker(application: Celery, *, settings: Settings, pool: str = "solo", concurrency: int = 1) -> None:
    """Serve until told to stop; a second signal ends it at once. Scaled by starting more processes."""
    if settings.alive_file is not None:
        touch_while_alive(application, settings.alive_file)
    end_when_deaf(application)
    # Not by Celery's command line: that loads a shell with completion, a quarter of a second of it.
    worker = application.Worker(
        pool_cls=pool,
        concurrency=concurrency,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()


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
            show_life=sign_of_life(settings.alive_file),
        )
        await relay.run(wake_of(url, settings=settings, service=service), stopped_by_signal())
        await database.engine.dispose()

    asyncio.run(serve())


def stopped_by_signal() -> asyncio.Event:
    """Give an event that is set when this process is told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


class OneLoop:
    """Runs coroutines one after the other on the same loop, so that pooled connections keep their home."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def __call__(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run it to its end."""
        return self._loop.run_until_complete(coroutine)
