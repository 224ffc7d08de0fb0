"""Traces, as the rest of the code sees them: off, unless an endpoint is set.

Off, no tracer is imported, and each call below is one comparison. What it does when it is on stands in
`spans.py`; docs/traces.md says which spans there are.

The API begins traces. All else only goes on with one that it was handed, as a W3C `traceparent`: only those of traces
that are recorded are handed on, so an order without one costs nothing further on.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

from shakerqueue.config import Settings

if TYPE_CHECKING:
    from shakerqueue.telemetry.spans import Tracer

Attributes = Mapping[str, str | int | float | bool]


class Kind(StrEnum):
    """What a span is to its neighbours: OpenTelemetry's span kinds."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"


class Span(Protocol):
    """What is done with a span: a part of OpenTelemetry's own."""

    def update_name(self, name: str) -> None: ...
    def set_attribute(self, key: str, value: str | float) -> None: ...
    def set_attributes(self, attributes: Attributes) -> None: ...
    def add_event(self, name: str) -> None: ...


class _NoSpan:
    """Takes a span's place where nothing is recorded."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was begun."""

    def update_name(self, name: str) -> None: ...
    def set_attribute(self, key: str, value: str | float) -> None: ...
    def set_attributes(self, attributes: Attributes) -> None: ...
    def add_event(self, name: str) -> None: ...


NO_SPAN = _NoSpan()
SpanContext = AbstractContextManager[Span]

_tracer: "Tracer | None" = None


def start(settings: Settings, service: str) -> None:
    """Record this process's spans from now on, if an endpoint is set. Starts a thread: call it after the fork."""
    if settings.otlp_endpoint is None:
        return
    from shakerqueue.telemetry.spans import exporting_tracer

    use(exporting_tracer(settings, service))


def use(tracer: "Tracer | None") -> None:
    """Record spans with this one from now on; None turns traces off."""
    global _tracer  # noqa: PLW0603 - one switch per process
    _tracer = tracer


def stop() -> None:
    """Send what is left, as far as that is quickly done, and record nothing more."""
    if _tracer is not None:
        tracer = _tracer
        use(None)
        tracer.stop()


def is_on() -> bool:
    """Whether spans are recorded."""
    return _tracer is not None


def begun(name: str, kind: Kind, traceparent: str | None) -> SpanContext:
    """A trace's first span in this house: of a trace that came with `traceparent`, or of a new one.

    Whoever asks may say that they record theirs; how many of all requests are recorded here is not theirs to say.
    """
    return NO_SPAN if _tracer is None else _tracer.begun(name, kind, traceparent)


def span(name: str, kind: Kind = Kind.INTERNAL, attributes: Attributes | None = None) -> SpanContext:
    """A part of the current span; nothing while there is none."""
    return NO_SPAN if _tracer is None else _tracer.child(name, kind, attributes)


def continued(name: str, kind: Kind, traceparent: str | None) -> SpanContext:
    """A span of the trace that the context belongs to; nothing where there is none."""
    return NO_SPAN if _tracer is None or traceparent is None else _tracer.continued(name, kind, traceparent)


def linked(
    name: str, kind: Kind, traceparents: Iterable[str | None], attributes: Attributes | None = None
) -> SpanContext:
    """The work on many at once: a part of the current span, else a trace of its own with a link to each of theirs.

    Nothing where none of them is traced.
    """
    return NO_SPAN if _tracer is None else _tracer.linked(name, kind, traceparents, attributes)


def share(name: str, traceparent: str | None, attributes: Attributes) -> None:
    """Tell in this trace, if it is one, of the current span's work until now, with a link to it."""
    if _tracer is not None and traceparent is not None:
        _tracer.share(name, traceparent, attributes)


def current() -> Span:
    """The current span."""
    return NO_SPAN if _tracer is None else _tracer.current()


def traceparent() -> str | None:
    """The current span's context, for whoever goes on with the trace; None where nothing is recorded."""
    return None if _tracer is None else _tracer.traceparent()


def trace_id() -> str | None:
    """The current span's trace, 32 hexadecimal digits; None where nothing is recorded."""
    return None if _tracer is None else _tracer.trace_id()
