"""Traces of this process for tests: kept, in place of being sent."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.spans import Tracer


class Spans:
    """The spans that have ended."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        self.processor = SimpleSpanProcessor(self._kept)

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all() if span.name == name]

    def all(self) -> list[ReadableSpan]:
        return list(self._kept.get_finished_spans())


@contextmanager
def kept_spans(sample_ratio: float = 1.0) -> Iterator[Spans]:
    """Traces are on meanwhile."""
    spans = Spans()
    tracer = Tracer("shakerqueue-tests", spans.processor, sample_ratio)
    tracing.use(tracer)
    try:
        yield spans
    finally:
        tracing.stop()
