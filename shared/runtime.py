"""What composition roots share: engines, bells and the one event loop of a process."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, Final

import uvicorn
from celery import Celery
from celery.signals import setup_logging
from prometheus_client import REGISTRY, Metric, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp

from shared.database.engine import create_engine
from shared.database.field_keys import FieldKeys
from shared.database.transactions import Bell, Database, SilentBell
from shared.messaging.alive import sign_of_life, touch_while_alive
from shared.messaging.bells import PostgresBell, PostgresWake, SocketBell, SocketWake, SweepOnly, Wake
from shared.messaging.broker import Broker
from shared.messaging.celery_application import new_celery_application
from shared.messaging.deafness import end_when_deaf
from shared.messaging.relay import Relay
from shared.messaging.tables import Ledger
from shared.observability.logs import configure_logging
from shared.observability.tracing import report_to
from shared.settings import Settings, end_if_wrong, read_settings
from shared.web.stopping import Server, Stoppable

STARTUP_FAILURE: Final = 3
"""As uvicorn itself ends when it could not start to serve."""


def open_database(url: str, *, settings: Settings, rings: str | None = None) -> Database:
    """Build a database whose commits wake the relay of the service `rings`."""
    return Database(
        engine=create_engine(url),
        field_keys=FieldKeys(master_keys=settings.master_keys),
        bell=_bell(url, settings, rings),
    )


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
    send_traces(settings, service=service)
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
    # Whoever hears this signal sets up logging, and it is done: Celery would silence all below its own level.
    setup_logging.connect(_keep_logging, weak=False)
    touch_while_alive(application, settings.alive_file)
    REGISTRY.register(WorkerTasks())
    observe_loop(settings, service=application.main)
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


def _keep_logging(**_signal: Any) -> None:
    """Leave logging as `configure_logging` has set it up."""


def observe_loop(settings: Settings, *, service: str) -> None:
    """Show this loop's own metrics on OPENCIRCLE_METRICS_PORT, in a thread, and send its traces."""
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, addr=settings.http_host)
    send_traces(settings, service=service)


def send_traces(settings: Settings, *, service: str) -> None:
    """Send the spans of this process to OPENCIRCLE_OTLP_ENDPOINT; nowhere without one."""
    if settings.otlp_endpoint is None:
        return
    try:
        from shared.observability.otel import report_by_otlp  # noqa: PLC0415 - an optional extra
    except ImportError:
        end_if_wrong([("OPENCIRCLE_OTLP_ENDPOINT", "needs the extra `otel` (requirements-otel.lock)")])
        raise
    report_to(report_by_otlp(str(settings.otlp_endpoint), service=service))


class WorkerTasks(Collector):
    """Counts what a worker has begun, in its main process: its children's own counters die with them."""

    def collect(self) -> Iterator[Metric]:
        """Give both metrics."""
        from celery.worker import state  # noqa: PLC0415 - a quarter of a second that only workers have spent

        yield CounterMetricFamily(
            "opencircle_worker_tasks", "Tasks begun by this worker.", value=sum(state.total_count.values())
        )
        yield GaugeMetricFamily(
            "opencircle_worker_tasks_active", "Tasks under way.", value=len(state.active_requests)
        )


def run_relay(*, service: str, url: str, ledger: Ledger, settings: Settings) -> None:
    """Serve the ledger of `service` until told to stop."""
    observe_loop(settings, service=f"{service}.relay")

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
