"""Logs: one event a line, as JSON for machines or readable on a terminal."""

import logging
import sys

import structlog


def configure_logging(level: str, log_format: str) -> None:
    """Route structlog and the standard library's loggers to standard error, in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_final(log_format)))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # pika tells every step of every connection attempt; what matters of it we log ourselves.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # httpcore2's debug lines hold the answers' headers.
    logging.getLogger("httpcore2").setLevel(logging.WARNING)


def _final(log_format: str) -> list[structlog.typing.Processor]:
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if log_format == "console":
        return [remove_meta, structlog.dev.ConsoleRenderer()]
    return [remove_meta, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
