"""TERM ends API and consumer in order, within ten seconds, whatever they wait for; a second one changes nothing."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest

from tests.support.bar import Bar, free_port, is_ready, sign_in
from tests.support.waiting import eventually

END_SECONDS = 10
ORDER = {"recipe": "Margarita"}


def seconds_to_end(process: subprocess.Popen[bytes], signals: int = 1) -> float:
    began = time.monotonic()
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)
    assert 0 == process.wait(END_SECONDS + 5)
    return time.monotonic() - began


@pytest.mark.parametrize("signals", [1, 3])
def test_an_order_that_is_waited_for_is_answered_when_the_api_ends(bar: Bar, signals: int) -> None:
    """The answer is held back for twenty seconds; TERM has it given at once."""
    port = free_port()
    with bar.process("serve", port=port) as server, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        eventually(lambda: is_ready(client), deadline_seconds=30)
        guest = sign_in(client)
        order = client.post("/orders", json=ORDER, headers=guest).headers["Location"]
        with ThreadPoolExecutor(1) as requests:
            held = requests.submit(client.get, f"{order}?wait=20", headers=guest, timeout=30)
            eventually(lambda: bar.query("SELECT FROM pg_stat_activity WHERE query LIKE '%FROM orders%'"))
            assert END_SECONDS > seconds_to_end(server, signals)
            assert (200, "queued") == (held.result().status_code, held.result().json()["status"])


@pytest.mark.parametrize("signals", [1, 3])
def test_the_consumer_finishes_its_batch(bar: Bar, signals: int) -> None:
    """It is told to end in the middle of its work: what it took is stored and acknowledged, the rest stays queued."""
    with bar.api() as client:
        guest = sign_in(client)
        placed = {client.post("/orders", json=ORDER, headers=guest).json()["id"] for _ in range(60)}
    bar.extra_environment["CONSUMER_BATCH_SIZE"] = "5"
    with bar.process("consume") as consumer:
        eventually(lambda: bar.query("SELECT FROM orders"), deadline_seconds=30)
        assert END_SECONDS > seconds_to_end(consumer, signals)
    stored = {str(row[0]) for row in bar.query("SELECT id FROM orders")}
    eventually(lambda: len(placed - stored) == orders_waiting(bar))
    assert stored <= placed
    assert [(len(stored),)] == bar.query("SELECT count(*) FROM order_events")


def orders_waiting(bar: Bar) -> int:
    """Orders that were placed one after the other travel one in a message."""
    return bar.queue_length(bar.topology.orders_queue)


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and never says a word, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def test_a_consumer_ends_though_the_broker_hangs(bar: Bar) -> None:
    with silent_server() as port:
        mute = replace(bar, amqp_url=f"amqp://127.0.0.1:{port}")
        with mute.process("consume") as consumer:
            log = bar.folder / "consume.log"
            eventually(lambda: "consumer_disconnected" in log.read_text(), deadline_seconds=30)
            assert END_SECONDS > seconds_to_end(consumer)


def test_a_consumer_ends_though_the_database_hangs(bar: Bar) -> None:
    with silent_server() as port:
        mute = replace(bar, database_url=f"postgresql://someone@127.0.0.1:{port}/none")
        with mute.process("consume") as consumer:
            log = bar.folder / "consume.log"
            eventually(lambda: "waiting_for_database" in log.read_text(), deadline_seconds=30)
            assert END_SECONDS > seconds_to_end(consumer)


def test_an_api_ends_though_everything_hangs(bar: Bar) -> None:
    with silent_server() as port:
        mute = replace(
            bar,
            database_url=f"postgresql://someone@127.0.0.1:{port}/none",
            amqp_url=f"amqp://127.0.0.1:{port}",
        )
        api = free_port()
        with mute.process("serve", port=api) as server:
            eventually(lambda: answers(api), deadline_seconds=30)
            assert END_SECONDS > seconds_to_end(server)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
    except httpx.TransportError:
        return False
