"""Spans to an OpenTelemetry collector (OTLP over HTTP): the extra `otel`, loaded by a setting alone."""

from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext, TraceFlags

from shared.observability.tracing import Report, Span

SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


def report_by_otlp(endpoint: str, *, service: str) -> Report:
    """Send spans to `endpoint` (`https://collector:4318/v1/traces`) in the background."""
    return report_by(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)), service=service)


def report_by(processor: SpanProcessor, *, service: str) -> Report:
    """Hand spans of `service` to a processor. They carry ids, times and fixed names: no health data."""
    resource = Resource.create({"service.name": f"opencircle.{service}"})

    def report(span: Span) -> None:
        processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.trace_id, span.span_id, is_remote=False),
                parent=_context(span.trace_id, span.parent_id, is_remote=True) if span.parent_id else None,
                resource=resource,
                start_time=span.started_ns,
                end_time=span.ended_ns,
            )
        )

    return report


def _context(trace_id: str, span_id: str, *, is_remote: bool) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=is_remote, trace_flags=SAMPLED)
