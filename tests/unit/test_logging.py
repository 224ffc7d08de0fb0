"""Log lines: one a record, whatever it tells of, and without what is secret."""

import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import structlog

from shakerqueue.config import Settings
from shakerqueue.telemetry.logging import configure_logging
from tests.support.bar import Bar

HOSTILE = '\r\n{"event": "request", "forged": true}\x1b[31m\x1b]0;pwned\x07\x00\u2028\u0085\x9b31m\ud800'
QUICK_SECONDS = 0.5  # it takes some milliseconds; what looks ahead from everywhere takes seconds
CONTROL = set(map(chr, [*range(32), 0x7F, *range(0x80, 0xA0), 0x2028, 0x2029]))


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def settings() -> Settings:
    bar = Bar("postgresql://bar:Spritz%2FSpritz7@localhost/bar", "amqp://bar:NegroniNegroni7@localhost", "sq", Path())
    return replace(
        bar.settings,
        otlp_headers="authorization=Bearer%20Collector-Token-7",
        rate_limit_storage_url="valkey://:ValkeyValkey7@localhost",
        log_level="DEBUG",
    )


Written = Callable[..., StringIO]


@pytest.fixture
def written(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """Logs of this process, from now on: what reaches standard error."""
    root, hook = logging.getLogger(), sys.excepthook
    before = root.handlers, root.level

    def configure(log_format: str = "json", stream: StringIO | None = None) -> StringIO:
        stream = stream or StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        configure_logging(replace(settings, log_format=log_format))
        return stream

    yield configure
    root.handlers, root.level = before
    sys.excepthook = hook
    logging.captureWarnings(capture=False)


def only_line(stream: StringIO) -> dict[str, Any]:
    [line] = stream.getvalue().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def fail_and_log(password: str) -> None:
    """An error that somebody else's words made, in a function that knows a secret."""
    try:
        int(HOSTILE * len(password))
    except ValueError:
        structlog.get_logger("test").exception("failed")


def test_what_a_client_sends_stays_in_its_field_of_one_line(written: Written) -> None:
    stream = written()
    structlog.get_logger("test").info("request", path=HOSTILE)
    assert (HOSTILE, "request") == ((line := only_line(stream))["path"], line["event"])
    assert not CONTROL & set(stream.getvalue().removesuffix("\n"))


def test_other_libraries_lines_are_in_the_same_form(written: Written) -> None:
    stream = written()
    logging.getLogger("somebody").warning("it said %s", HOSTILE)
    line = only_line(stream)
    assert (f"it said {HOSTILE}", "warning", "somebody") == (line["event"], line["level"], line["logger"])
    assert line["timestamp"].endswith("Z")


def test_a_traceback_is_one_field(written: Written) -> None:
    stream = written()
    fail_and_log("hunter2")
    line = only_line(stream)
    assert line["exception"].startswith("Traceback (most recent call last)")
    assert "ValueError" in line["exception"]


def test_a_line_that_cannot_be_formatted_is_still_a_line(written: Written) -> None:
    stream = written()
    logging.getLogger("somebody").info("%d drinks", "Margarita-7")
    assert {"event": "log_line_failed", "level": "error", "logger": "somebody"} == only_line(stream)


def test_what_nobody_caught_is_a_line(written: Written) -> None:
    stream = written()
    error = RuntimeError(HOSTILE)
    sys.excepthook(type(error), error, None)
    assert ("uncaught_exception", "critical") == ((line := only_line(stream))["event"], line["level"])


def test_a_terminal_gets_no_control_sequence_of_others(written: Written) -> None:
    stream = written("console")
    logger = structlog.get_logger("test")
    logger.info(HOSTILE, path=HOSTILE, short="\x1b[31m", items=[HOSTILE])
    logging.getLogger("somebody").info("it said %s", HOSTILE)
    assert 2 == len(stream.getvalue().splitlines())
    assert not CONTROL & set(stream.getvalue().replace("\n", ""))


def test_a_traceback_on_a_terminal_is_set_in_and_shows_no_values(written: Written) -> None:
    stream = written("console")
    fail_and_log("hunter2")
    head, *traceback = stream.getvalue().splitlines()
    assert "failed" in head
    assert all(line.startswith("    ") for line in traceback)
    assert "hunter2" not in stream.getvalue()
    assert not CONTROL & set(stream.getvalue().replace("\n", ""))


@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"),
    [
        ("auto", StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("console", StringIO, False),
    ],
)
def test_auto_is_readable_on_a_terminal_and_json_elsewhere(
    written: Written, log_format: str, stream: type[StringIO], is_json: bool
) -> None:
    told = written(log_format, stream())
    structlog.get_logger("test").info("hello")
    assert is_json == told.getvalue().startswith("{")
    assert (stream is Terminal and not is_json) == ("\x1b[" in told.getvalue())


def test_this_processs_own_secrets_are_blotted_out(written: Written, settings: Settings) -> None:
    stream = written()
    secrets = [settings.jwt_secret, settings.password_pepper, "Spritz%2FSpritz7", "Spritz/Spritz7", "NegroniNegroni7"]
    secrets += ["ValkeyValkey7", "Bearer%20Collector-Token-7", "Bearer Collector-Token-7"]
    structlog.get_logger("test").info("oops", said=secrets)
    assert ["[redacted]"] * len(secrets) == only_line(stream)["said"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("no host in postgresql://bar:abc@[::1", "no host in postgresql://[redacted]@[::1"),
        ("host=db password=abc dbname=bar", "host=db password=[redacted] dbname=bar"),
        ("Bearer eyJhbGciOi.eyJzdWIi.c2ln\n", "Bearer [redacted]\n"),
        ("sqk_AbCd1234_0123456789abcdef is gone", "sqk_AbCd1234_[redacted] is gone"),
        ("whsec_C2FVsBQIhrs+/wRc= is new", "[redacted] is new"),
        ("/t/AbC-_9", "/t/[redacted]"),
        ("//t/AbC-_9/", "//t/[redacted]/"),
        ("http://127.0.0.1:8080/orders@bar", "http://127.0.0.1:8080/orders@bar"),
        ("T7 at 12:30, /tables/7", "T7 at 12:30, /tables/7"),
    ],
)
def test_what_has_the_form_of_a_credential_is_blotted_out(written: Written, told: str, kept: str) -> None:
    stream = written()
    structlog.get_logger("test").info("oops", said=told)
    assert kept == only_line(stream)["said"]


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        ("://", "a:"),
        ("", "://a:"),
        ("", "eyJ"),
        ("eyJ", "a.eyJ"),
        ("", "sqk_"),
        ("sqk_", "a"),
        ("", "whsec_"),
        ("", "/t/"),
        ("", "password="),
    ],
)
def test_no_line_takes_long_to_look_through(written: Written, begin: str, again: str) -> None:
    """A stranger chooses the path, and while it is looked through this process serves nobody."""
    stream = written()
    path = begin + again * (60_000 // len(again))
    began = perf_counter()
    structlog.get_logger("test").info("request", path=path)
    assert perf_counter() - began < QUICK_SECONDS
    assert "request" == only_line(stream)["event"]


def test_a_warning_is_a_line(written: Written) -> None:
    stream = written()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(HOSTILE, UserWarning, stacklevel=1)
    assert ("py.warnings", "warning") == ((line := only_line(stream))["logger"], line["level"])
