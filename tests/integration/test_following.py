"""Following: told, caches are read at once; untold, in time; and nothing ends the thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
from psycopg import Connection

from shakerqueue.following import Follower
from tests.support.bar import Bar
from tests.support.waiting import eventually

CONNECTED = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'shakerqueue-follower'"
)


class CountingCache:
    """Counts how often it was read; the first readings fail where that is asked for."""

    pause_seconds = 0.1

    def __init__(self, channel: str, max_age_seconds: float = 60.0, fails: int = 0) -> None:
        self.channel = channel
        self.max_age_seconds = max_age_seconds
        self.readings = 0
        self._fails = fails

    def read(self, conn: Connection[Any]) -> None:
        conn.execute("SELECT 1")
        if self._fails:
            self._fails -= 1
            raise KeyError("a defect of the cache")
        self.readings += 1


@contextmanager
def following(bar: Bar, *caches: CountingCache) -> Iterator[None]:
    follower = Follower(bar.database_url, caches)
    follower.start()
    yield
    follower.stop()
    eventually(lambda: not bar.query(CONNECTED))


def test_only_what_changed_is_read_again(bar: Bar) -> None:
    one, other = CountingCache("one_changed"), CountingCache("Other changed")
    with following(bar, one, other):
        eventually(lambda: (one.readings, other.readings) == (1, 1))
        bar.query("SELECT pg_notify('Other changed', '')")
        eventually(lambda: other.readings == 2)
        assert 1 == one.readings


def test_who_waits_for_news_is_called_once_they_were_read_and_not_for_what_is_only_old(bar: Bar) -> None:
    told, old = CountingCache("changed"), CountingCache("other_changed", max_age_seconds=0.05)
    calls: list[tuple[object, int]] = []
    follower = Follower(bar.database_url, [told, old], lambda cache: calls.append((cache, told.readings)))
    follower.start()
    eventually(lambda: old.readings > 3)
    assert [] == calls
    bar.query("SELECT pg_notify('changed', '')")
    eventually(lambda: calls)
    follower.stop()
    assert [(told, 2)] == calls


def test_changes_that_follow_each_other_fast_are_read_together(bar: Bar) -> None:
    cache = CountingCache("changed")
    with following(bar, cache), psycopg.connect(bar.database_url, autocommit=True) as conn:
        eventually(lambda: cache.readings == 1)
        began = monotonic()
        for _ in range(300):
            conn.execute("NOTIFY changed")
        pauses = (monotonic() - began) / cache.pause_seconds
        eventually(lambda: cache.readings > 1)
        assert cache.readings <= 3 + pauses


def test_what_nobody_tells_is_read_in_time(bar: Bar) -> None:
    cache = CountingCache("never_told", max_age_seconds=0.05)
    with following(bar, cache):
        eventually(lambda: cache.readings >= 3)


def test_a_cache_that_fails_does_not_end_the_thread(bar: Bar) -> None:
    cache = CountingCache("changed", fails=1)
    with following(bar, cache):
        eventually(lambda: cache.readings == 1)
