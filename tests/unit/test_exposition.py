"""Where Prometheus asks: an address of its own, few threads, one part's metrics."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from shakerqueue.errors import ConfigurationError
from shakerqueue.telemetry import exposition
from shakerqueue.telemetry.exposition import MAX_REQUESTS, MetricsServer, expose
from shakerqueue.telemetry.metrics import Part
from tests.support.bar import Bar, free_port
from tests.support.metrics import Exposed
from tests.support.waiting import eventually

SETTINGS = Bar("", "", "none", Path()).settings


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(port: int) -> Iterator[MetricsServer]:
    server = expose(replace(SETTINGS, metrics_port=port), Part.CONSUMER)
    assert server
    yield server
    server.stop()


@pytest.mark.usefixtures("server")
def test_a_part_tells_its_own_metrics_and_no_other_parts(port: int) -> None:
    told = Exposed(port).families()
    assert {"shakerqueue_retries", "shakerqueue_build_info", "process_resident_memory_bytes"} <= told.keys()
    assert [] == [name for name in told if "http_request" in name or "webhook" in name]


@pytest.mark.usefixtures("server")
def test_nothing_else_is_there(port: int) -> None:
    assert 404 == httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code


def test_it_listens_on_this_machine_alone_unless_told_otherwise() -> None:
    assert "127.0.0.1" == SETTINGS.metrics_host


def test_without_a_port_nobody_is_answered() -> None:
    assert None is SETTINGS.metrics_port
    assert None is expose(SETTINGS, Part.API)


def test_a_port_that_is_taken_is_said_in_one_line(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), pytest.raises(ConfigurationError) as refused:
        expose(replace(SETTINGS, metrics_port=port), Part.WEBHOOKS)
    assert f"cannot listen for metrics on 127.0.0.1:{port}: Address already in use" == str(refused.value)


@pytest.mark.usefixtures("server")
def test_who_comes_while_as_many_are_answered_as_may_be_is_turned_away(port: int) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(MAX_REQUESTS)]
        for one in slow:
            one.sendall(b"GET /met")
        eventually(lambda: turned_away(port))
    eventually(lambda: not turned_away(port))


def test_who_sends_a_byte_now_and_then_keeps_no_place(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(exposition, "ANSWER_SECONDS", 0.5)
    server = expose(replace(SETTINGS, metrics_port=port), Part.CONSUMER)
    assert server
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET /metrics HTTP/1.0\r\nX-Slow: ")
        eventually(lambda: is_hung_up(slow))
    server.stop()


def is_hung_up(client: socket.socket) -> bool:
    """Whether nobody takes one more byte of it."""
    try:
        client.sendall(b"a")
    except OSError:
        return True
    return False


def turned_away(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=5)
    except httpx.TransportError:
        return True
    return False
