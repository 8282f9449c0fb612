"""Traces (W3C Trace Context): one id from the request that signs to the chart, the charge and its push.

Who does work opens a `span`: inside, the trace travels by itself, and `traceparent()` is what is sent on.
Spans go nowhere unless a composition root says where (`report_to`).
"""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
NOTHING: Final = ("0" * 32, "0" * 16)
"""What the standard declares invalid."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A piece of work within a trace."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    parent_id: str | None
    """The span that caused this one; None for the first."""
    name: str
    """What is done: a fixed word or two, never data."""
    started_ns: int
    ended_ns: int = 0

    @property
    def traceparent(self) -> str:
        """The header by which others continue the trace."""
        return f"00-{self.trace_id}-{self.span_id}-01"


Report = Callable[[Span], None]

_current: ContextVar[Span | None] = ContextVar("span", default=None)
_reports: list[Report] = []


def report_to(report: Report) -> None:
    """Have every span of this process told when it has ended; for composition roots."""
    _reports.append(report)


def is_reported() -> bool:
    """Tell whether anybody is told of this process's spans."""
    return bool(_reports)


def traceparent() -> str | None:
    """Give the header that continues the trace from here; None outside of every span."""
    span = _current.get()
    return span.traceparent if span else None


def trace_id() -> str | None:
    """Name the trace, for logs; None outside of every span."""
    span = _current.get()
    return span.trace_id if span else None


def trace_id_of(header: str | None) -> str | None:
    """Name the trace of a header; None where it is none."""
    parsed = _parsed(header)
    return parsed[0] if parsed else None


@contextmanager
def span(name: str, *, after: str | None = None) -> Iterator[Span]:
    """Do the block as one span: of the trace of the header `after`, of the current one, or of a new one."""
    outer = _current.get()
    parsed = _parsed(after) or ((outer.trace_id, outer.span_id) if outer else None)
    begun = Span(
        trace_id=parsed[0] if parsed else secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        parent_id=parsed[1] if parsed else None,
        name=name,
        started_ns=time.time_ns(),
    )
    token = _current.set(begun)
    try:
        yield begun
    finally:
        _current.reset(token)
        _tell(begun)


def _tell(begun: Span) -> None:
    if _reports:
        ended = replace(begun, ended_ns=time.time_ns())
        for report in _reports:
            report(ended)


def _parsed(header: str | None) -> tuple[str, str] | None:
    match = TRACEPARENT.fullmatch(header) if header else None
    if match is None or match[1] == NOTHING[0] or match[2] == NOTHING[1]:
        return None
    return match[1], match[2]
