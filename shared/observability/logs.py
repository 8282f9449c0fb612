"""Logs: one sentence, a stable code, ids. Fields and error texts that could name a patient are left out."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from shared.observability.tracing import trace_id

ALLOWED_FIELDS: Final = frozenset(
    {
        "action", "attempt", "cause", "charge_id", "code", "consumer", "count", "delivery_id",
        "documentation_id", "duration_ms", "event", "event_type", "exception", "file", "instance_id",
        "job_id", "level", "line", "logger", "method", "outcome", "path", "pid", "port", "purpose",
        "reason", "request_id", "route", "seconds", "service", "session_id", "setting", "signal", "status",
        "timestamp", "trace_id", "trace_ids", "user_id", "verdict", "version",
    }
)  # fmt: skip
"""An allowlist: what is not named here never reaches a log."""


def configure_logging(*, service: str, level: str = "INFO") -> None:
    """Send all logs of this process, libraries' too, to stderr as JSON lines."""
    shared_steps: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_service(service),
        _name_trace,
        _describe_exception,
        _keep_allowed,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_hide_arguments, *shared_steps],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # Libraries say too much at INFO, and some of it holds what they were given.
    for name in (
        "celery",
        "kombu",
        "uvicorn",
        "sqlalchemy",
        "httpx2",
        "httpcore2",
        "weasyprint",
        "fontTools",
        "alembic",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared_steps,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _name_service(service: str) -> Any:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def _name_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if (current := trace_id()) is not None:
        event.setdefault("trace_id", current)
    return event


def _hide_arguments(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # A library's message is its format without the arguments: those may be rows or request bodies.
    record = event.get("_record")
    if record is not None:
        event["event"] = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    return event


def _describe_exception(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = describe_exception(error)
    return event


def describe_exception(error: BaseException) -> str:
    """Give the classes and places of an error and its causes, without their texts."""
    places = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    text = f"{type(error).__name__} [{' < '.join(reversed(places))}]"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{text} from {describe_exception(cause)}" if cause else text


def _keep_allowed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    kept = {name: value for name, value in event.items() if name in ALLOWED_FIELDS or name.startswith("_")}
    left_out = len(event) - len(kept)
    return kept | {"left_out": left_out} if left_out else kept
