"""The HTTP server under the settings we give it. What is seen here is what docs/server.md tells."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from shakerqueue.server import check_address_is_free
from tests.support.bar import free_port
from tests.support.waiting import eventually
from tests.support.wsgi_probe import SLOW_SECONDS

WORKERS, THREADS, STREAMS = 2, 8, 8
MODULES = 1_000  # they alone are more objects than that
SERVE = f"""
import dataclasses, sys
from shakerqueue.server import serve
from tests.support.bar import Bar
from pathlib import Path
settings = dataclasses.replace(
    Bar("", "", "none", Path()).settings, port=int(sys.argv[1]), workers={WORKERS}, threads={THREADS}, streams={STREAMS}
)
serve(settings, "tests.support.wsgi_probe:create_app")
"""


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def worker_pids(client: httpx.Client) -> set[int]:
    """Who answers; each request on a connection of its own, so that every worker gets its turn."""
    try:
        return {int(client.get("/", headers={"Connection": "close"}).text) for _ in range(20)}
    except httpx.TransportError:
        return set()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with serving(tmp_path, port) as process:
        yield process


@pytest.fixture
def client(server: subprocess.Popen[bytes], port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
        eventually(lambda: WORKERS == len(worker_pids(client)), deadline_seconds=20)
        yield client


def test_what_lives_as_long_as_the_process_is_no_garbage_to_be_looked_for(client: httpx.Client) -> None:
    assert int(client.get("/frozen").text) > MODULES


def test_a_killed_worker_is_replaced_while_the_others_serve(
    server: subprocess.Popen[bytes], client: httpx.Client
) -> None:
    victim, *_ = before = worker_pids(client)
    os.kill(victim, signal.SIGKILL)

    eventually(lambda: victim not in (now := worker_pids(client)) and len(now) == WORKERS, deadline_seconds=20)
    assert server.poll() is None
    assert before - {victim} <= worker_pids(client)


def test_a_port_in_use_is_refused_in_one_line(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        refused = subprocess.run(
            [sys.executable, "-c", SERVE, str(port)], capture_output=True, text=True, timeout=20, check=False
        )
    assert 1 == refused.returncode
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr.splitlines()[-1]


def test_a_second_instance_on_the_same_port_is_refused(client: httpx.Client, port: int) -> None:
    """Granian itself would let both listen, each getting half of the requests."""
    second = subprocess.run(
        [sys.executable, "-c", SERVE, str(port)], capture_output=True, text=True, timeout=20, check=False
    )
    assert (1, True) == (second.returncode, "cannot listen" in second.stderr)


def test_term_lets_the_requests_in_hand_finish(server: subprocess.Popen[bytes], client: httpx.Client) -> None:
    with ThreadPoolExecutor(6) as requests:
        slow = [requests.submit(httpx.get, f"{client.base_url}/slow", timeout=20) for _ in range(6)]
        eventually(lambda: any(count >= 1 for count in slow_requests_inside(client)), deadline_seconds=SLOW_SECONDS)
        server.terminate()
        codes = [answer.result().status_code for answer in slow if answer.exception() is None]
    assert len(codes) >= 1
    assert {200} == set(codes)
    assert 0 == server.wait(SLOW_SECONDS + 12)


def slow_requests_inside(client: httpx.Client) -> set[int]:
    return {int(client.get("/inside", headers={"Connection": "close"}).text) for _ in range(4)}


def test_a_worker_that_dies_again_and_again_does_not_end_the_server(
    server: subprocess.Popen[bytes], client: httpx.Client
) -> None:
    for _ in range(3):
        victim, *_ = worker_pids(client)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(worker_pids(client)) == WORKERS, deadline_seconds=20)
    assert server.poll() is None


def test_workers_end_with_the_main_process(server: subprocess.Popen[bytes], client: httpx.Client, port: int) -> None:
    """An orphan would hold the port for ever, and the next start would be refused."""
    orphans = worker_pids(client)
    server.kill()
    eventually(lambda: not any(is_running(pid) for pid in orphans), deadline_seconds=15)
    check_address_is_free("127.0.0.1", port)


def is_running(pid: int) -> bool:
    """A process that has ended may stay in the table, where nobody asks how it ended."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_streams_leave_their_threads_to_requests(client: httpx.Client) -> None:
    """A stream that waits for news holds a thread, and no place among the requests."""
    with ExitStack() as stack:
        for _ in range(WORKERS * STREAMS):  # one worker has as many as it has threads for requests, at least
            stream = stack.enter_context(httpx.stream("GET", f"{client.base_url}/silent-stream", timeout=5))
            assert "tick" == next(stream.iter_lines())
        with ThreadPoolExecutor(WORKERS * THREADS) as requests:
            slow = [requests.submit(httpx.get, f"{client.base_url}/slow", timeout=20) for _ in range(WORKERS * THREADS)]
            assert {200} == {answer.result().status_code for answer in slow}


def test_a_stream_whose_reader_left_frees_its_thread(client: httpx.Client) -> None:
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(THREADS + STREAMS - 1):
                stream = stack.enter_context(httpx.stream("GET", f"{client.base_url}/stream", timeout=5))
                assert "tick" == next(stream.iter_lines())
    assert worker_pids(client)
