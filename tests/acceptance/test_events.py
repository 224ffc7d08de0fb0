"""Streams of the real server: they end with it, and a reader who leaves makes room for another."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice

import httpx
import psycopg
import pytest

from shakerqueue.intake import insert_orders
from tests.support.bar import Bar, free_port, is_ready, sign_in
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually

END_SECONDS = 10
MANY = 2_000  # events of ten kilobytes
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(bar: Bar, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """One worker with room for two streams."""
    bar.extra_environment |= {"WORKERS": "1", "THREADS": "4", "STREAMS": "2"}
    with bar.process("serve", port=port) as server, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        eventually(lambda: is_ready(client), deadline_seconds=30)
        yield server


@pytest.fixture
def staff(server: subprocess.Popen[bytes], port: int) -> dict[str, str]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        return sign_in(client, "bartender@example.com")


@contextmanager
def stream(port: int, staff: dict[str, str]) -> Iterator[tuple[httpx.Response, Iterator[str]]]:
    """A stream that has said where it begins, and the lines that follow; or its refusal."""
    with httpx.stream("GET", f"http://127.0.0.1:{port}/events", headers={**staff, **STREAM}, timeout=20) as answer:
        lines = answer.iter_lines()
        if answer.is_success:
            assert any(line == "event: ready" for line in lines)
        yield answer, lines


def test_a_reader_who_leaves_makes_room_for_another(port: int, staff: dict[str, str]) -> None:
    with ExitStack() as first, ExitStack() as second:
        for stack in (first, second):
            assert 200 == stack.enter_context(stream(port, staff))[0].status_code
        with stream(port, staff) as (third, _):
            assert (503, "1") == (third.status_code, third.headers["Retry-After"])
        first.close()
        eventually(lambda: has_room(port, staff), deadline_seconds=30)


def test_a_reader_who_reads_nothing_is_nobody_elses_trouble(bar: Bar, port: int, staff: dict[str, str]) -> None:
    """More events than the buffers on the way hold: the server waits for the one, and the other has them all."""
    with stream(port, staff), stream(port, staff) as (_, lines), httpx.Client(headers=staff) as client:
        with psycopg.connect(bar.database_url) as conn:
            insert_orders(conn, [order(principal_id(conn), drink(conn))])
        bar.change(
            "INSERT INTO order_events (order_id, type, principal_id, detail)"
            " SELECT order_id, 'acknowledged', principal_id, jsonb_build_object('reason', repeat('x', 10000))"
            f" FROM order_events, generate_series(1, {MANY})"
        )
        ids = (int(line.removeprefix("id: ")) for line in lines if line.startswith("id: "))
        assert list(range(1, MANY + 2)) == list(islice(ids, MANY + 1))
        assert 200 == client.get(f"http://127.0.0.1:{port}/queue").status_code


def has_room(port: int, staff: dict[str, str]) -> bool:
    """Looked at by being there: whoever has left is noticed when there is something to say."""
    httpx.post(f"http://127.0.0.1:{port}/orders", json={"recipe": "Margarita"}, headers=staff)
    with stream(port, staff) as (answer, _):
        return answer.status_code == 200


def test_streams_end_with_the_server(server: subprocess.Popen[bytes], port: int, staff: dict[str, str]) -> None:
    with stream(port, staff) as (_, lines):
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert ["data: {}", ""] == list(lines)  # the rest of `ready`, and an end in order
        assert 0 == server.wait(END_SECONDS + 5)
        assert END_SECONDS > time.monotonic() - began
