"""Traces by OpenTelemetry's SDK, exported as OTLP over HTTP. Imported only where traces are on.

What a span tells of an error is its type: messages and tracebacks may quote what nobody else is to read.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from random import random

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import DEFAULT_ON
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from shakerqueue import __version__
from shakerqueue.config import Settings
from shakerqueue.telemetry.tracing import NO_SPAN, Attributes, Kind, SpanContext

ERROR_TYPE = "error.type"
MAX_LINKS = 128  # what the SDK keeps of a span
STOP_SECONDS = 1.0  # of those that a process has to end

_propagator = TraceContextTextMapPropagator()


class Tracer:
    """Makes the spans of one process and hands them to `processor` as they end."""

    def __init__(self, service: str, processor: SpanProcessor, sample_ratio: float = 1.0) -> None:
        """`sample_ratio` is the part of the requests which are recorded, 0 to 1."""
        resource = Resource.create(
            {"service.name": service, "service.version": __version__, "process.pid": os.getpid()}
        )
        self._provider = TracerProvider(sampler=DEFAULT_ON, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("shakerqueue", __version__)
        self._sample_ratio = sample_ratio
        self._ending = threading.Event()
        # Started now: at the end of the process, which is when it is needed, no thread can be started any more.
        self._ender = threading.Thread(target=self._end, name="tracing-end", daemon=True)
        self._ender.start()

    def begun(self, name: str, kind: Kind, traceparent: str | None) -> SpanContext:
        if random() >= self._sample_ratio:  # noqa: S311 - chooses what is looked at, guards nothing
            return NO_SPAN
        return self.continued(name, kind, traceparent)

    def continued(self, name: str, kind: Kind, traceparent: str | None) -> SpanContext:
        return self._span(name, kind, _context_of(traceparent))

    def child(self, name: str, kind: Kind, attributes: Attributes | None) -> SpanContext:
        return self._span(name, kind, None, attributes) if trace.get_current_span().is_recording() else NO_SPAN

    def linked(
        self, name: str, kind: Kind, traceparents: Iterable[str | None], attributes: Attributes | None
    ) -> SpanContext:
        if trace.get_current_span().is_recording():
            return self._span(name, kind, None, attributes)
        theirs = (_span_context_of(one) for one in dict.fromkeys(traceparents) if one is not None)
        links = [Link(one) for one in islice(theirs, MAX_LINKS) if one.is_valid]
        return self._span(name, kind, Context(), attributes, links) if links else NO_SPAN

    def share(self, name: str, traceparent: str, attributes: Attributes) -> None:
        whole = trace.get_current_span()
        if isinstance(whole, ReadableSpan):
            self._tracer.start_span(
                name,
                _context_of(traceparent),
                attributes=attributes,
                links=[Link(whole.get_span_context())],
                start_time=whole.start_time,
            ).end()

    def current(self) -> Span:
        return trace.get_current_span()

    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        if trace.get_current_span().is_recording():
            _propagator.inject(carrier)
        return carrier.get("traceparent")

    def trace_id(self) -> str | None:
        span = trace.get_current_span()
        return trace.format_trace_id(span.get_span_context().trace_id) if span.is_recording() else None

    def stop(self) -> None:
        """Export what is left; give up after `STOP_SECONDS`."""
        self._ending.set()
        self._ender.join(STOP_SECONDS)

    def _end(self) -> None:
        self._ending.wait()
        self._provider.shutdown()

    @contextmanager
    def _span(
        self,
        name: str,
        kind: Kind,
        context: Context | None,
        attributes: Attributes | None = None,
        links: list[Link] | None = None,
    ) -> Iterator[Span]:
        """A span that is the current one meanwhile. `context` None: below the one that is current now."""
        with self._tracer.start_as_current_span(
            name,
            context,
            SpanKind[kind.name],
            attributes,
            links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute(ERROR_TYPE, type(error).__qualname__)
                span.set_status(StatusCode.ERROR)
                raise


def exporting_tracer(settings: Settings, service: str) -> Tracer:
    """A tracer that sends to the endpoint of the settings. What finds no room in its queue is dropped."""
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.otlp_endpoint}/v1/traces",
        headers=parse_env_headers(settings.otlp_headers, liberal=True),
    )
    return Tracer(service, BatchSpanProcessor(exporter), settings.trace_sample_ratio)


def _context_of(traceparent: str | None) -> Context:
    """Empty where there is none, or none that is well-formed."""
    return _propagator.extract({"traceparent": traceparent} if traceparent else {}, Context())


def _span_context_of(traceparent: str) -> trace.SpanContext:
    return trace.get_current_span(_context_of(traceparent)).get_span_context()
