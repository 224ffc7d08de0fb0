"""One thread that looks for all streams of a process, so that each of them sleeps until it has something to say."""

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol

import structlog

from shakerqueue.bar import BarCache
from shakerqueue.menu import MenuCache

LOOK_SECONDS = 0.5  # how soon an end of the token or of the process is noticed
# By then every process has read what was changed. The first answer may come from one that had not, so it is told again.
SETTLED_SECONDS = 0.3

log = structlog.get_logger(__name__)


class Watched(Protocol):
    """A stream that sleeps."""

    def is_over(self) -> bool:
        """Whether it has to end."""

    def wake(self) -> None:
        """Let it look up."""


class HouseNews:
    """Changes of menu and bar, which have no place in the log: each is told at once, and when every process knows."""

    def __init__(self, menu: MenuCache, bar: BarCache) -> None:
        self._subjects: Mapping[str, Callable[[], Any]] = {
            "menu_changed": lambda: menu.current.by_name if menu.loaded else None,
            "bar_changed": lambda: bar.said,
        }
        self._known: dict[str, Any] = dict.fromkeys(self._subjects)
        self._again_at = dict.fromkeys(self._subjects, math.inf)  # on the monotonic clock
        self.told: Mapping[str, int] = dict.fromkeys(self._subjects, 0)  # how often, by the name of the message

    @property
    def due_at(self) -> float:
        """When something is to be told again, on the monotonic clock."""
        return min(self._again_at.values())

    def look(self) -> None:
        """Count what there is to tell."""
        self.told = {name: count + self._is_news(name) for name, count in self.told.items()}

    def _is_news(self, name: str) -> bool:
        known, now = self._known[name], monotonic()
        self._known[name] = current = self._subjects[name]()
        if known is not None and current is not None and current != known:
            self._again_at[name] = now + SETTLED_SECONDS
            return True
        if self._again_at[name] <= now:
            self._again_at[name] = math.inf
            return True
        return False


class StreamWatch:
    """Wakes the streams that have to end, and all of them when there are news of the house."""

    def __init__(self, news: HouseNews) -> None:
        self.news = news
        self._lock = threading.Lock()  # guards the news and the two that follow
        self._told = news.told
        self._streams: set[Watched] = set()
        self._hurried = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="stream-watch", daemon=True)

    def start(self) -> None:
        """Start the thread. Only after the process has forked."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end by itself."""
        self._stopping = True
        self.hurry()

    def hurry(self) -> None:
        """Look now: something was read anew."""
        self._hurried.set()

    @contextmanager
    def watching(self, stream: Watched) -> Iterator[None]:
        """Look for this stream. What changes from now on is news to it."""
        with self._lock:
            self.news.look()
            self._streams.add(stream)
        try:
            yield
        finally:
            with self._lock:
                self._streams.discard(stream)

    def _run(self) -> None:
        while not self._stopping:
            self._hurried.wait(max(0.0, min(LOOK_SECONDS, self.news.due_at - monotonic())))
            self._hurried.clear()
            try:
                self._look()
            except Exception:
                # A thread that ended would let no stream of the process hear of menu and bar any more.
                log.exception("stream_watch_failed")

    def _look(self) -> None:
        with self._lock:
            self.news.look()
            is_news, self._told = self._told != self.news.told, self.news.told
            streams = list(self._streams)
        for stream in streams:
            if is_news or stream.is_over():  # which may ask the database about a key: not with the lock in hand
                stream.wake()
