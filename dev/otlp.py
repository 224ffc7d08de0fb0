"""A small collector: takes spans as OTLP over HTTP, keeps them, and finds those of one trace."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from dev.ports import LOOPBACK

TRACES_PATH = "/v1/traces"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSpan:
    """One span, ids in hexadecimal digits, times in seconds since 1970."""

    service: str
    name: str
    trace_id: str
    id: str
    parent_id: str
    began_at: float
    ended_at: float
    attributes: dict[str, Any]
    linked_ids: tuple[str, ...]


@dataclass(slots=True)
class Collector:
    """What came in so far at `endpoint`; `headers` of each export."""

    endpoint: str
    spans: list[ReceivedSpan] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def trace(self, trace_id: str) -> list[ReceivedSpan]:
        """The spans of a trace, and the traces of batches that its spans were part of, as they began."""
        own = [span for span in self.spans if span.trace_id == trace_id]
        linked = {id for span in own for id in span.linked_ids}
        batches = {span.trace_id for span in self.spans if span.id in linked}
        return sorted((span for span in self.spans if span.trace_id in {trace_id, *batches}), key=lambda s: s.began_at)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on the loopback interface. It takes anything else as well, such as webhooks, and forgets it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == TRACES_PATH:
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                collector.spans.extend(_spans_of(ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://{LOOPBACK}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _spans_of(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _received(service, span)


def _received(service: str, span: Span) -> ReceivedSpan:
    return ReceivedSpan(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        began_at=span.start_time_unix_nano / 1e9,
        ended_at=span.end_time_unix_nano / 1e9,
        attributes=_values(span.attributes),
        linked_ids=tuple(link.span_id.hex() for link in span.links),
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
