"""How many requests somebody has made in the present window: counted in Valkey or Redis, or else by each process.

Windows are those of the clock, so a count says by itself when it ends, and needs no second question. The store being
away is no reason to be slow, and none to refuse anybody: this process then counts for itself until it is back.
"""

import time
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shakerqueue.shared_counts import SharedCounts

# All requests of a connection meet the same process, so a share has to do for a board that keeps one: 25 a second.
MAX_SHARES = 4


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
        self._shared = _shared_counts(store_url) if store_url else None
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
        key = f"{policy.name}:{window}:{who}"
        if self._shared and (requests := self._shared.add(key, policy.window_seconds)) is not None:
            return Count(policy, requests, seconds_left)
        return Count(policy.share(self._workers), self._own.add(policy, window, who), seconds_left)


def _shared_counts(store_url: str) -> "SharedCounts":
    """The store's client takes 12 MB of each process, so it is imported only where there is a store."""
    from shakerqueue.shared_counts import SharedCounts

    return SharedCounts(store_url)


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
