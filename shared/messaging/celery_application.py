"""The Celery application of one process; only composition roots build one."""

from collections.abc import Sequence
from typing import Any, Final

from celery import Celery
from kombu import Queue

VISIBILITY_TIMEOUT_SECONDS: Final = 3600
"""Longer than the longest task, so that the broker never hands out a running one a second time."""


def new_celery_application(*, name: str, broker_url: str, queues: Sequence[str] = ()) -> Celery:
    """Build an application on `broker_url` (redis, redis+socket or amqp) that consumes `queues`.

    The settings answer measured failure modes; `docs/decisions/0002-celery-as-a-doorbell.md` names each.
    """
    application = Celery(name, broker=broker_url, set_as_current=False)
    application.conf.update(
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(name, broker_url),
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        task_publish_retry=False,
        task_create_missing_queues=True,
        task_queues=[_queue(queue) for queue in queues] or None,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_soft_shutdown_timeout=25.0,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
    )
    return application


def _queue(name: str) -> Queue:
    # Sent to by name through the default exchange: a binding that does not exist can't be lost.
    return Queue(name, exchange="", routing_key=name, durable=True)


def _transport_options(name: str, broker_url: str) -> dict[str, Any]:
    if not broker_url.startswith("redis"):
        return {"confirm_publish": True}
    options: dict[str, Any] = {
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
        "unacked_restore_interval": 10,
        "socket_timeout": 30,
        "health_check_interval": 25,
        "client_name": name,
    }
    if not broker_url.startswith("redis+socket"):
        options |= {"socket_connect_timeout": 5, "socket_keepalive": True}
    return options
