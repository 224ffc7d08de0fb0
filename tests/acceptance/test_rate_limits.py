"""Limits of a real server with several processes: one count in a store, which may go away at any time."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from dev.redis_server import PrivateRedis
from tests.support.bar import Bar, sign_in
from tests.support.waiting import eventually

TRIES = 150
LIMIT = 120  # sign-ins from an address in a minute
LOWEST_LEFT_SECONDS = 10
IN_TIME_SECONDS = 0.5


@pytest.fixture
def api(bar: Bar, redis: PrivateRedis) -> Iterator[httpx.Client]:
    """Two workers that count in a store."""
    bar.extra_environment |= {"RATE_LIMITS": "on", "RATE_LIMIT_STORAGE_URI": redis.url}
    with bar.api() as client:
        yield client


def asked(api: httpx.Client, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """On a connection of its own, so that any worker may get it."""
    return api.request(method, path, json={}, headers={**(headers or {}), "Connection": "close"})


def seconds_left(answer: httpx.Response) -> int:
    return int(answer.headers["RateLimit"].rpartition("=")[2])


def test_the_processes_let_through_exactly_as_many_together_as_one_would(api: httpx.Client) -> None:
    eventually(lambda: seconds_left(asked(api, "POST", "/register")) > LOWEST_LEFT_SECONDS, 15, poll_seconds=0.5)
    statuses = Counter(asked(api, "POST", "/login").status_code for _ in range(TRIES))
    assert {422: LIMIT, 429: TRIES - LIMIT} == statuses


def stands_still(redis: PrivateRedis) -> None:
    os.kill(redis.pid, signal.SIGSTOP)


@pytest.mark.alone
@pytest.mark.parametrize("breaks", [PrivateRedis.kill, PrivateRedis.stop, stands_still])
def test_without_the_store_orders_are_taken_as_fast_as_ever(
    api: httpx.Client, redis: PrivateRedis, breaks: object
) -> None:
    guest = sign_in(api)
    order = {"recipe": "Negroni"}
    assert callable(breaks)
    breaks(redis)
    took_seconds = []
    for _ in range(40):
        began = time.perf_counter()
        assert 202 == api.post("/orders", json=order, headers=guest | {"Connection": "close"}).status_code
        took_seconds.append(time.perf_counter() - began)
    assert max(took_seconds) < IN_TIME_SECONDS
    assert "principal" in asked(api, "GET", "/orders", guest).headers["RateLimit"]
