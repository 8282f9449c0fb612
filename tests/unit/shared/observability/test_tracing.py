from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.observability import tracing
from shared.observability.otel import report_by
from shared.observability.tracing import report_to, span, trace_id, trace_id_of, traceparent

CALLERS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    monkeypatch.setattr(tracing, "_reports", [])
    exporter = InMemorySpanExporter()
    report_to(report_by(SimpleSpanProcessor(exporter), service="sessions"))
    yield exporter
    exporter.shutdown()


def test_outside_of_spans_there_is_no_trace() -> None:
    assert (traceparent(), trace_id()) == (None, None)


def test_a_span_continues_the_trace_of_its_caller() -> None:
    with span("request", after=CALLERS) as begun:
        assert (begun.trace_id, begun.parent_id) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
        assert begun.span_id != begun.parent_id
        assert trace_id_of(traceparent()) == trace_id() == begun.trace_id


def test_a_span_in_a_span_has_it_as_parent() -> None:
    with span("request") as outer, span("push") as inner:
        assert (inner.trace_id, inner.parent_id) == (outer.trace_id, outer.span_id)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "no trace",
        CALLERS.upper(),
        f"{CALLERS}-more",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
        "ff" + CALLERS[2:],
    ],
)
def test_what_is_no_trace_begins_a_new_one(header: str | None) -> None:
    assert trace_id_of(header) is None
    with span("request", after=header) as begun:
        assert begun.parent_id is None
        assert trace_id_of(begun.traceparent) == begun.trace_id


def test_spans_reach_open_telemetry_as_one_trace(exporter: InMemorySpanExporter) -> None:
    with span("request") as outer, span("push"):
        pass
    push, request = exporter.get_finished_spans()
    assert (push.name, request.name) == ("push", "request")
    assert push.parent is not None
    assert push.context.trace_id == request.context.trace_id == int(outer.trace_id, 16)
    assert push.parent.span_id == request.context.span_id
    assert request.resource.attributes["service.name"] == "opencircle.sessions"
    assert (request.start_time or 0) <= (push.start_time or 0) <= (push.end_time or 0)


def test_a_span_that_fails_is_told_all_the_same(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ZeroDivisionError), span("push"):
        raise ZeroDivisionError
    assert len(exporter.get_finished_spans()) == 1
