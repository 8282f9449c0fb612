"""A collector of OpenTelemetry on this machine: it takes spans by OTLP over HTTP and keeps them."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.servers import LOOPBACK


@dataclass(kw_only=True)
class Collector:
    """What was sent, with the service that sent it."""

    url: str = ""
    spans: list[tuple[str, Span]] = field(default_factory=list)

    def traces(self) -> dict[bytes, set[tuple[str, str]]]:
        """Give the services and names of the spans of each trace."""
        traces = defaultdict[bytes, set[tuple[str, str]]](set)
        for service, one in self.spans:
            traces[one.trace_id].add((service, one.name))
        return traces


@contextmanager
def collector() -> Iterator[Collector]:
    """Serve one on a free port."""
    collected = Collector()
    handler = type("Handler", (_Handler,), {"collected": collected})
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    collected.url = f"http://{LOOPBACK}:{server.server_port}/v1/traces"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collected
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    collected: Collector

    def do_POST(self) -> None:
        request = ExportTraceServiceRequest()
        request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        for sent in request.resource_spans:
            named = {one.key: one.value.string_value for one in sent.resource.attributes}
            spans = [span for scope in sent.scope_spans for span in scope.spans]
            self.collected.spans += [(named["service.name"], span) for span in spans]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass
