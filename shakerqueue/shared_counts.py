"""Counts of requests that all processes share, in Valkey or Redis.

The strategies of `limits` ask a store two or three times to say as much, and its store in memory starts a thread for
nearly each request, which then walks through all keys; docs/architecture.md has the figures.
"""

import re
from threading import Event, Lock, Thread

import structlog
from limits.storage import RedisStorage
from redis.exceptions import RedisError

from shakerqueue.telemetry.metrics import RATE_LIMIT_STORE_LOST

ANSWER_SECONDS = 0.05  # for a connect, and for an answer: the store is in the same house
LOOK_SECONDS = 1.0  # how often it is looked for while it is away

log = structlog.get_logger(__name__)


class SharedCounts:
    """The counts of all processes, in a store that may go away at any time."""

    def __init__(self, url: str) -> None:
        """Nothing is connected to yet: a process starts without the store as well."""
        self._store = RedisStorage(
            re.sub("^valkey", "redis", url),  # one protocol, and redis-py speaks it
            key_prefix="shakerqueue",
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        )
        self._lock = Lock()
        self._away = False
        self._stopped = Event()

    def stop(self) -> None:
        self._stopped.set()

    def add(self, key: str, window_seconds: int) -> int | None:
        """One more under a key, which is forgotten after so long; how many there are now, None while nobody can say."""
        if self._away:
            return None
        try:
            return self._store.incr(key, window_seconds)
        except (RedisError, OSError) as error:
            self._lose(error)
            return None

    def _lose(self, error: Exception) -> None:
        """Ask no more until it is back. Of all the requests that have waited for it in vain, the first one tells."""
        with self._lock:
            if self._away:
                return
            self._away = True
        RATE_LIMIT_STORE_LOST.inc()
        log.warning("rate_limit_store_lost", reason=str(error))
        Thread(target=self._look_for_it, name="rate-limit-store", daemon=True).start()

    def _look_for_it(self) -> None:
        """No request waits for this: looking up a name that is gone can take seconds."""
        while not self._stopped.wait(LOOK_SECONDS):
            if self._counts():
                self._away = False
                log.info("rate_limit_store_back")
                return

    def _counts(self) -> bool:
        """Whether it does what it is for: a replica, or one that is full, answers a ping as well."""
        try:
            return self._store.incr("looked-for", 1) > 0
        except (RedisError, OSError):
            return False
