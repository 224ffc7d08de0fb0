"""Logs: one event a line, as JSON for machines or readable on a terminal.

What a line tells of may come from anybody: it cannot break the line or reach the terminal as a control sequence, and
what looks like a secret is blotted out (`redaction.py`).
"""

import json
import logging
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from shakerqueue.config import Settings
from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.redaction import Redaction

log = structlog.get_logger(__name__)


def configure_logging(settings: Settings) -> None:
    """Route structlog, the standard library's loggers, warnings and what nobody caught to standard error."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_context(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = LineHandler()
    handler.setFormatter(LineFormatter(settings))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    # pika tells every step of every connection attempt; what matters of it we log ourselves.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # Their debug lines hold the headers and addresses of requests.
    for name in ("httpcore2", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It tells each attempt to reach a collector that is away; one line for each batch that is lost is enough.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)
    _log_what_nobody_caught()


class LineFormatter(structlog.stdlib.ProcessorFormatter):
    """Makes a line of a record, whoever wrote it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            foreign_pre_chain=_context(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                *_rendering(settings.log_format),
            ],
        )
        self._redacted = Redaction(settings)

    def format(self, record: logging.LogRecord) -> str:
        return self._redacted(super().format(record))


class LineHandler(logging.StreamHandler[TextIO]):
    """Standard error. What cannot be formatted is a line as well, which does not quote what it was about."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        line = json.dumps({"event": "log_line_failed", "level": "error", "logger": record.name})
        with suppress(Exception):
            self.stream.write(f"{line}\n")


def _context() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _add_trace_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    trace_id = tracing.trace_id()
    if trace_id is not None:
        event["trace_id"] = trace_id
    return event


def _rendering(log_format: str) -> list[Processor]:
    is_terminal = sys.stderr.isatty()
    if log_format == "console" or (log_format == "auto" and is_terminal):
        return [_escape_control_characters, structlog.dev.ConsoleRenderer(colors=is_terminal)]
    return [structlog.processors.JSONRenderer()]  # ASCII only: it escapes all that is none


def _escape_control_characters(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A traceback keeps its lines, set in, so that none of them can be taken for an event."""
    for name, value in event.items():
        if name == "exception":
            event[name] = "\n".join(f"    {_escaped(line)}" for line in value.splitlines())
        elif isinstance(value, str):
            event[name] = _escaped(value)
    return event


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _log_what_nobody_caught() -> None:
    sys.excepthook = _log_uncaught
    if threading.excepthook is threading.__excepthook__:  # whoever has put one there, such as pytest, keeps it
        threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        log.critical("uncaught_exception", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(uncaught: threading.ExceptHookArgs) -> None:
    thread = uncaught.thread.name if uncaught.thread else None
    log.critical("uncaught_exception", thread=thread, exc_info=uncaught.exc_value)
