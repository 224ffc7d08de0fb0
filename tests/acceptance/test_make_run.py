"""`make run` as its user meets it: a command with an address, an end, and data that is there the next time."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from dev import state
from dev.ports import LOOPBACK, free_ports
from dev.postgres import PrivatePostgres
from dev.servers import tagged, wait_until
from tests.support.make_run import READY, make_run, read_until

SECOND_START_SECONDS = 25.0


@pytest.fixture
def folder() -> Iterator[Path]:
    with state.temporary() as folder:
        yield folder


def rest(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.read()


@pytest.mark.alone
@pytest.mark.timeout(180)
def test_it_serves_until_ctrl_c_and_keeps_its_data(folder: Path) -> None:
    url = serve_once(folder)
    began = time.monotonic()
    assert url == serve_once(folder, url)
    assert SECOND_START_SECONDS + 5 > time.monotonic() - began  # with the sign-in and the shutdown


def serve_once(folder: Path, url: str = "") -> str:
    """One life of it, from the start to Ctrl-C: what it promises at each point. Returns its URL."""
    port = url.rpartition(":")[2] or str(free_ports(1)[0])
    with make_run(folder, PORT=port) as process:
        said = read_until(process, READY)
        url = said.split()[-1]
        assert f"http://{LOOPBACK}:{port}" == url
        assert 200 == httpx.get(f"{url}/readyz").status_code
        assert 200 == sign_in(url).status_code
        told = re.findall(r"(http\S+/metrics) \((\w+)\)", read_until(process, "  Logs"))
        assert ["API", "consumer", "webhooks"] == [part for _, part in told]
        assert {200} == {httpx.get(address, trust_env=False).status_code for address, _ in told}
        parts = psutil.Process(process.pid).children(recursive=True)
        assert 4 <= len(parts)
        process.send_signal(signal.SIGINT)
        assert "Stopped; the data is kept." in rest(process)
        assert 0 == process.wait(30)
        assert all_gone(parts)
    return url


def all_gone(parts: list[psutil.Process]) -> bool:
    """Erlang's helpers see the end of their master, and init buries them, a moment after it."""
    return wait_until(lambda: not any(alive(part) for part in parts), deadline_seconds=5)


def alive(part: psutil.Process) -> bool:
    try:
        return part.is_running() and part.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def sign_in(url: str) -> httpx.Response:
    return httpx.post(f"{url}/login", json={"email": "user@example.com", "password": "password123"})


def test_without_a_broker_it_serves_all_the_same(folder: Path) -> None:
    with make_run(folder, PORT=str(free_ports(1)[0]), AMQP_URL="off") as process:
        url = read_until(process, READY).split()[-1]
        guest = {"Authorization": f"Bearer {sign_in(url).json()['token']}"}
        placed = httpx.post(f"{url}/orders", json={"recipe": "Margarita"}, headers=guest)
        assert "pending" == httpx.get(f"{url}{placed.headers['Location']}", headers=guest).json()["status"]
        process.send_signal(signal.SIGINT)
        rest(process)
        assert 0 == process.wait(30)
    assert not (folder / "rabbitmq").exists()


def test_a_second_one_on_the_same_state_says_so(folder: Path) -> None:
    with state.lock(folder), make_run(folder) as process:
        assert f"already running here (process {os.getpid()})" in rest(process)
        assert 1 == process.wait(10)


def test_a_taken_port_is_refused_before_anything_starts(folder: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other, make_run(folder, PORT=str(other.getsockname()[1])) as process:
        said = rest(process)
        assert 1 == process.wait(10)
    assert "it is already in use" in said
    assert 1 == len(said.splitlines())
    assert not (folder / "postgres").exists()


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8080.5"])
def test_a_port_that_is_none_is_refused(folder: Path, port: str) -> None:
    with make_run(folder, PORT=port) as process:
        assert f"PORT={port} is not a port number" in rest(process)
        assert 1 == process.wait(10)


def test_an_interruption_while_starting_leaves_nothing_behind(folder: Path) -> None:
    with make_run(folder, PORT=str(free_ports(1)[0])) as process:
        read_until(process, "  PostgreSQL")  # RabbitMQ is half way up by then
        me = psutil.Process(process.pid)
        assert wait_until(lambda: bool(me.children(recursive=True)), deadline_seconds=20)
        parts = me.children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert "Stopped" in rest(process)
        assert 0 == process.wait(40)
        assert all_gone(parts)


@pytest.mark.slow
def test_a_part_that_dies_is_named_and_ends_the_rest(folder: Path) -> None:
    with make_run(folder, PORT=str(free_ports(1)[0])) as process:
        read_until(process, READY)
        postgres = PrivatePostgres(folder)
        (postmaster,) = [found for found in tagged(postgres.tag or "") if "-D" in found.cmdline()]
        postmaster.kill()
        said = rest(process)
        assert 1 == process.wait(40)
    assert "PostgreSQL ended unexpectedly (killed by SIGKILL)" in said
    assert f"log: {folder}/logs/postgres.log" in said
