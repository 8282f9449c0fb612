"""Renders sheets in children that can be killed and replaced: `python -m services.printing.render_worker`."""

import resource
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from celery.signals import worker_process_init

from services.printing.models import RENDERER, audit_entry
from services.printing.renderer import Press
from services.printing.rendering import Rendering
from services.printing.settings import PrintingSettings
from services.printing.storage import open_storage
from shared.events.sheet import SignInSheet
from shared.messaging.messages import Parcel, Receipt
from shared.messaging.worker import in_trail, serve_deliveries
from shared.observability.logs import configure_logging
from shared.runtime import OneLoop, new_broker, open_database, run_worker
from shared.settings import read_all_settings

HARD_LIMIT_SECONDS: Final = 120
"""A child that still renders then is killed; the ledger rings again."""
SOFT_LIMIT_SECONDS: Final = 110
"""A render is broken off then, and its job fails with that reason."""
CHILD_START_SECONDS: Final = 60.0


A_BLANK_SHEET: Final = SignInSheet(
    job_id=UUID(int=0),
    session_id=UUID(int=0),
    location_name="Warm-up",
    time_zone="UTC",
    group_title="Warm-up",
    starts_at=datetime(2000, 1, 1, tzinfo=UTC),
    duration_minutes=50,
    leaders=(),
    names=(),
)


class PoolChild:
    """What a child of the pool works with, built at its first use: after the fork.

    Connections and event loops don't survive a fork, nor does the thread that newer Pango finds fonts by.
    """

    def __init__(self, build: Callable[[], Rendering], *, megabytes_at_most: int) -> None:
        self._build = build
        self._megabytes_at_most = megabytes_at_most

    @cached_property
    def loop(self) -> OneLoop:
        return OneLoop()

    @cached_property
    def rendering(self) -> Rendering:
        return self._build()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the child's own loop."""
        return self.loop(coroutine)

    async def receive(self, parcel: Parcel) -> list[Receipt]:
        """Make the sheets of a parcel."""
        return await self.rendering.receive(parcel)

    async def refuse(self, purpose: str) -> None:
        """Write down a message that nobody of ours sent."""
        await in_trail(self.rendering.database, audit_entry)(purpose)

    def warm_up(self, **_signal: Any) -> None:
        """Be ready before the first job comes, and bounded."""
        limit_memory(self._megabytes_at_most)
        self.rendering.renderer.render(A_BLANK_SHEET)


def limit_memory(megabytes: int) -> None:
    """Have this process fail, alone, when it asks for more; a failed render is a failed job."""
    most = megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def pool_settings(own: PrintingSettings) -> dict[str, Any]:
    """Give Celery's settings for a pool whose children are replaced before they grow or hang."""
    return {
        "worker_max_tasks_per_child": own.renders_per_child,
        "worker_max_memory_per_child": own.child_megabytes * 1024,  # kibibytes
        "task_time_limit": HARD_LIMIT_SECONDS,
        "task_soft_time_limit": SOFT_LIMIT_SECONDS,
        # A child warms up before it answers; the default of 4 s would have a busy machine kill it meanwhile.
        "worker_proc_alive_timeout": CHILD_START_SECONDS,
    }


def main() -> None:
    """Render until told to stop."""
    settings, own = read_all_settings(PrintingSettings)
    configure_logging(service="printing.render_worker", level=settings.log_level)

    def build() -> Rendering:
        return Rendering(
            database=open_database(own.url, settings=settings),
            storage=open_storage(own),
            renderer=Press(session_link=own.session_link),
        )

    child = PoolChild(build, megabytes_at_most=own.render_megabytes_at_most)
    worker_process_init.connect(child.warm_up, weak=False)
    broker = new_broker(settings, name="printing.render_worker", queues=(RENDERER,))
    broker.application.conf.update(pool_settings(own))
    serve_deliveries(
        broker.application,
        child.run,
        consuming=child,
        keys=settings.keys,
        broker=broker,
        refused=child.refuse,
    )
    # Fonts and code that a first render loads are shared with all children, and are theirs at once.
    Press(session_link=own.session_link).render(A_BLANK_SHEET)
    run_worker(broker.application, settings=settings, pool="prefork", concurrency=own.render_children)


if __name__ == "__main__":
    main()
