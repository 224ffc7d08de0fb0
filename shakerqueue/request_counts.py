"""How many requests somebody has made in the present window: counted in Valkey or Redis, or else by each process.

Windows are those of the clock, so a count says by itself when it ends, and needs no second question. The store being
away is no reason to be slow, and none to refuse anybody: this process then counts for itself until it is back.

The strategies of `limits` ask a store two or three times to say as much, and its store in memory starts a thread for
nearly each request, which then walks through all keys; docs/architecture.md has the figures.
"""

import re
import time
from threading import Event, Lock, Thread
from typing import NamedTuple

import structlog
from limits.storage import RedisStorage
from redis.exceptions import RedisError

from shakerqueue.telemetry.metrics import RATE_LIMIT_STORE_LOST

ANSWER_SECONDS = 0.05  # for a connect, and for an answer: the store is in the same house
LOOK_SECONDS = 1.0  # how often it is looked for while it is away
# All requests of a connection meet the same process, so a share has to do for a board that keeps one: 25 a second.
MAX_SHARES = 4

log = structlog.get_logger(__name__)


class Policy(NamedTuple):
    """How many requests may be made within a window."""

    name: str
    limit: int
    window_seconds: int

    def share(self, parts: int) -> "Policy":
        """What each of so many may let through when nobody counts for all: together no more, if they are few."""
        return self._replace(limit=max(1, self.limit // min(parts, MAX_SHARES)))


class Count(NamedTuple):
    """The requests of somebody in the present window, this one among them."""

    policy: Policy
    requests: int
    seconds_left: int  # until the next window; one at least

    @property
    def left(self) -> int:
        return max(0, self.policy.limit - self.requests)

    @property
    def exceeded(self) -> bool:
        return self.requests > self.policy.limit


class RequestCounts:
    """Counts requests: in the store that the URL names, else in this process, one of so many workers."""

    def __init__(self, store_url: str | None, workers: int) -> None:
        self._shared = SharedCounts(store_url) if store_url else None
        self._own = OwnCounts()
        self._workers = workers

    def stop(self) -> None:
        if self._shared:
            self._shared.stop()

    def add(self, policy: Policy, who: str) -> Count:
        """One more request of somebody."""
        now = int(time.time())
        window, passed_seconds = divmod(now, policy.window_seconds)
        seconds_left = policy.window_seconds - passed_seconds
        if self._shared and (requests := self._shared.add(policy, window, who)) is not None:
            return Count(policy, requests, seconds_left)
        return Count(policy.share(self._workers), self._own.add(policy, window, who), seconds_left)


class OwnCounts:
    """The counts of this process. Those of a window are forgotten as a whole when the next one begins."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[Policy, tuple[int, dict[str, int]]] = {}

    def add(self, policy: Policy, window: int, who: str) -> int:
        with self._lock:
            counted, requests = self._windows.get(policy, (window, {}))
            if counted != window:
                requests = {}
            requests[who] = requests.get(who, 0) + 1
            self._windows[policy] = window, requests
            return requests[who]


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

    def add(self, policy: Policy, window: int, who: str) -> int | None:
        """How many there are now; None while nobody can say."""
        if self._away:
            return None
        try:
            return self._store.incr(f"{policy.name}:{window}:{who}", policy.window_seconds)
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
