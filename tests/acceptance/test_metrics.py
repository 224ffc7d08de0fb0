"""Metrics of the real processes: all workers of a part added up, on a port of its own, from end to end."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import psutil
import pytest

from tests.support.bar import API_WORKERS, Bar, free_port, sign_in
from tests.support.metrics import Exposed
from tests.support.waiting import eventually

ACCEPTED = "shakerqueue_orders_accepted_total"
WORKERS = "shakerqueue_api_workers"
ORDERS = 40


@contextmanager
def part(bar: Bar, command: str) -> Iterator[Exposed]:
    """A part that runs, with its metrics."""
    port = free_port()
    with replace(bar, extra_environment={"METRICS_PORT": str(port)}).process(command):
        exposed = Exposed(port)
        eventually(lambda: exposed.value("shakerqueue_build_info"), deadline_seconds=20)
        yield exposed


@pytest.fixture
def api(bar: Bar) -> Iterator[tuple[httpx.Client, Exposed]]:
    port = free_port()
    with replace(bar, extra_environment={"METRICS_PORT": str(port)}).api() as client:
        yield client, Exposed(port)


def place_orders(client: httpx.Client) -> None:
    """On connections of their own, so that every worker gets some."""
    headers = {**sign_in(client), "Connection": "close"}
    for _ in range(ORDERS):
        assert 202 == client.post("/orders", json={"recipe": "Margarita"}, headers=headers).status_code


def worker_pids() -> list[int]:
    """Those of this test's API."""
    return [
        worker.pid
        for server in psutil.Process().children()
        for worker in server.children()
        if "spawn_main" in " ".join(worker.cmdline())
    ]


def test_workers_are_added_up_and_the_counts_of_a_killed_one_stay(api: tuple[httpx.Client, Exposed]) -> None:
    client, exposed = api
    place_orders(client)
    eventually(lambda: API_WORKERS == exposed.value(WORKERS))
    assert ORDERS == exposed.value(ACCEPTED)
    requests = {"route": "/orders", "method": "POST", "status": "2xx"}
    assert ORDERS == exposed.value("shakerqueue_http_request_duration_seconds_count", **requests)

    before = worker_pids()
    assert API_WORKERS == len(before)
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: API_WORKERS - 1 == exposed.value(WORKERS))
    assert ORDERS == exposed.value(ACCEPTED)
    eventually(lambda: API_WORKERS == exposed.value(WORKERS), deadline_seconds=30)
    place_orders(client)
    assert 2 * ORDERS == exposed.value(ACCEPTED)


def test_each_part_tells_what_it_does(bar: Bar, api: tuple[httpx.Client, Exposed]) -> None:
    client, of_api = api
    with part(bar, "consume") as of_consumer, part(bar, "webhooks") as of_webhooks:
        place_orders(client)
        eventually(lambda: ORDERS == of_consumer.value("shakerqueue_orders_persisted_total", writer="consumer"))
        assert 1 == of_consumer.value("shakerqueue_consumer_connected")
        eventually(lambda: 1 == of_api.value("shakerqueue_queue_consumers", queue="orders"))
        eventually(lambda: ORDERS == of_api.value("shakerqueue_drinks_open", status="pending"))
        eventually(lambda: of_webhooks.value("shakerqueue_pool_connections_allowed"))
        bartender = sign_in(client, "bartender@example.com")
        assert 200 == client.post("/queue/claim", json={"max": 2}, headers=bartender).status_code
        assert 2 == of_api.value("shakerqueue_drink_wait_seconds_count")
        with client.stream("GET", "/events", headers=bartender) as stream:
            lines = stream.iter_lines()  # kept: without it the stream would be closed
            assert next(lines).startswith("retry:")
            eventually(lambda: 1 == of_api.value("shakerqueue_streams_open"))
        eventually(lambda: 0 == of_api.value("shakerqueue_streams_open"), deadline_seconds=20)
