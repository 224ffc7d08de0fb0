"""Counting requests: exact in a window, by all processes together while there is a store, and never held up by it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from prometheus_client import REGISTRY
from structlog.testing import CapturingLogger

from dev.redis_server import PrivateRedis
from shakerqueue import shared_counts
from shakerqueue.api import rate_limits
from shakerqueue.request_counts import Count, Policy, RequestCounts
from shakerqueue.shared_counts import ANSWER_SECONDS, LOOK_SECONDS
from tests.support.imports import imported_by
from tests.support.waiting import eventually

LONG_SECONDS = 10**9
POLICY = Policy("test", limit=10, window_seconds=LONG_SECONDS)
GONE = "redis://127.0.0.1:1"
REQUESTS = 200


@contextmanager
def counting(store_url: str | None = None, workers: int = 1) -> Iterator[RequestCounts]:
    counts = RequestCounts(store_url, workers)
    yield counts
    counts.stop()


def limit_of(counts: RequestCounts, who: str = "anybody") -> int:
    """Ten while all count together; of two workers that count for themselves, five."""
    return counts.add(POLICY, who).policy.limit


def losses() -> float:
    return REGISTRY.get_sample_value("shakerqueue_rate_limit_store_lost_total") or 0.0


def test_as_many_are_let_through_as_the_policy_says(redis: PrivateRedis) -> None:
    for store_url in (None, redis.url):
        with counting(store_url) as counts:
            answers = [counts.add(POLICY, "ada") for _ in range(12)]
        assert [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0] == [answer.left for answer in answers]
        assert [False] * 10 + [True] * 2 == [answer.exceeded for answer in answers]


def test_of_many_at_once_exactly_as_many_are_let_through(redis: PrivateRedis) -> None:
    for store_url in (None, redis.url):
        with counting(store_url) as counts, ThreadPoolExecutor(16) as hands:
            exceeded = list(hands.map(lambda _: counts.add(POLICY, "ada").exceeded, range(REQUESTS)))
        assert REQUESTS - 10 == sum(exceeded)


def test_everybody_and_every_policy_has_a_count_of_its_own(redis: PrivateRedis) -> None:
    for store_url in (None, redis.url):
        with counting(store_url) as counts:
            asked = [(POLICY, "ada"), (POLICY, "bob"), (POLICY._replace(name="another"), "ada"), (POLICY, "ada")]
            assert [1, 1, 1, 2] == [counts.add(policy, who).requests for policy, who in asked]


def test_a_count_ends_with_its_window(redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_003.5
    monkeypatch.setattr(time, "time", lambda: now)
    for store_url in (None, redis.url):
        with counting(store_url) as counts:
            policy = Policy("ten seconds", limit=2, window_seconds=10)
            now = 1_800_000_003.5
            assert (1, 7) == counts.add(policy, "ada")[1:]
            now = 1_800_000_009.9
            assert (2, 1) == counts.add(policy, "ada")[1:]
            now = 1_800_000_010.0
            assert (1, 10) == counts.add(policy, "ada")[1:]


def test_processes_count_together_in_a_store_and_share_a_limit_without(redis: PrivateRedis) -> None:
    with counting(redis.url, workers=2) as one, counting(redis.url, workers=2) as other:
        assert [(1, 10), (2, 10)] == [(it.requests, it.policy.limit) for it in (count(one), count(other))]
    with counting(workers=2) as one, counting(workers=2) as other:
        assert [(1, 5), (1, 5)] == [(it.requests, it.policy.limit) for it in (count(one), count(other))]


def count(counts: RequestCounts) -> Count:
    return counts.add(POLICY, "ada")


def test_however_many_workers_there_are_one_connection_has_room_for_a_board() -> None:
    """It reads two things at each event, five times a second at most, and does what is tapped."""
    policy = rate_limits.PRINCIPAL.share(64)
    assert 2 * 2 * 5 < policy.limit / policy.window_seconds
    assert 1 == Policy("small", limit=1, window_seconds=1).share(64).limit


def test_what_is_counted_in_a_store_is_forgotten_after_its_window(redis: PrivateRedis) -> None:
    with counting(redis.url.replace("redis", "valkey")) as counts:
        assert 1 == counts.add(Policy("short", limit=2, window_seconds=1), "ada").requests
        store = counts._shared._store.storage  # type: ignore[union-attr]
        eventually(lambda: store.dbsize() == 0, deadline_seconds=5)


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_only_the_scheme_of_a_stores_url_is_redis_pys(scheme: str) -> None:
    with counting(f"{scheme}://:of-valkey@valkey") as counts:
        connects = counts._shared._store.storage.connection_pool.connection_kwargs  # type: ignore[union-attr]
    assert ("valkey", "of-valkey") == (connects["host"], connects["password"])


def is_killed(redis: PrivateRedis) -> None:
    redis.kill()


def is_stopped(redis: PrivateRedis) -> None:
    redis.stop()


def stands_still(redis: PrivateRedis) -> None:
    os.kill(redis.pid, signal.SIGSTOP)


def is_full(redis: PrivateRedis) -> None:
    """It answers, and counts nothing."""
    with counting(redis.url) as counts:
        store = counts._shared._store.storage  # type: ignore[union-attr]
        store.config_set("maxmemory", "1")


@pytest.mark.parametrize("breaks", [is_killed, is_stopped, stands_still, is_full])
def test_a_store_that_goes_away_is_told_once_and_waited_for_once(
    redis: PrivateRedis, breaks: Callable[[PrivateRedis], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(shared_counts, "log", log)
    with counting(redis.url, workers=2) as counts:
        assert 10 == limit_of(counts)
        lost_before = losses()
        breaks(redis)

        began = time.perf_counter()
        limits = [limit_of(counts, f"guest {number}") for number in range(REQUESTS)]
        took_seconds = time.perf_counter() - began

        assert [5] * REQUESTS == limits
        assert took_seconds < 2 * ANSWER_SECONDS + 0.1  # a connect and an answer at the most, once for all
        assert 1 == losses() - lost_before
        assert [("warning", ("rate_limit_store_lost",))] == [(call.method_name, call.args) for call in log.calls]


def test_many_who_ask_when_it_goes_away_wait_together_and_tell_it_once(redis: PrivateRedis) -> None:
    with counting(redis.url, workers=2) as counts, ThreadPoolExecutor(16) as hands:
        assert [10] * 16 == list(hands.map(lambda _: limit_of(counts), range(16)))
        lost_before = losses()
        stands_still(redis)
        began = time.perf_counter()
        assert [5] * REQUESTS == list(hands.map(lambda _: limit_of(counts), range(REQUESTS)))
        assert time.perf_counter() - began < 0.5
        assert 1 == losses() - lost_before


@pytest.mark.parametrize("breaks", [is_killed, stands_still])
def test_when_it_is_back_all_count_together_again(redis: PrivateRedis, breaks: Callable[[PrivateRedis], None]) -> None:
    with counting(redis.url, workers=2) as counts:
        assert 10 == limit_of(counts)
        breaks(redis)
        assert 5 == limit_of(counts)
        if redis.exit_code is None and breaks is stands_still:
            os.kill(redis.pid, signal.SIGCONT)
        else:
            redis.start()
        eventually(lambda: limit_of(counts) == 10, deadline_seconds=5 * LOOK_SECONDS)


def test_a_process_starts_without_the_store() -> None:
    with counting(GONE, workers=2) as counts:
        assert 5 == limit_of(counts)


def test_where_there_is_no_store_its_client_takes_no_memory() -> None:
    statements = "import shakerqueue.app; from shakerqueue.request_counts import RequestCounts; RequestCounts(None, 1)"
    assert [] == imported_by(statements, {"limits", "redis"})
