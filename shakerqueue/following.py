"""One connection that listens for changes, and one thread that has the caches of the process read them."""

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Protocol

import psycopg
import structlog
from psycopg import Connection, sql

from shakerqueue.database import DeadlineConnection, connection_arguments
from shakerqueue.deadlines import Deadline

READ_SECONDS = 3.0
RECONNECT_SECONDS = 1.0
STOP_CHECK_SECONDS = 0.5

log = structlog.get_logger(__name__)


class Followed(Protocol):
    """What the process knows of some rows: it says when to read them, and reads them."""

    channel: str  # what NOTIFY names when they change
    max_age_seconds: float  # read again after this long even if nobody said that anything changed
    pause_seconds: float  # between two readings, however often it is told

    def read(self, conn: Connection[Any]) -> None:
        """Take in what is there now. What it raises as psycopg.Error ends the connection, and is tried again."""


class Follower:
    """Keeps caches current until it is stopped. While PostgreSQL is away they stay as they are.

    `on_change` is called with a cache that was told to have changed, when it has been read.
    """

    def __init__(
        self, database_url: str, caches: Sequence[Followed], on_change: Callable[[Followed], None] = lambda _: None
    ) -> None:
        self._database_url = database_url
        self._on_change = on_change
        self._schedule = [_Turn(cache) for cache in caches]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Start the thread. Only after the process has forked."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end by itself, at its next look; nobody needs to wait for a reader."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except psycopg.Error as error:
                log.warning("follower_disconnected", reason=str(error).strip())
            except Exception:
                # A thread that ended would leave the process with what it knew, for ever, and nobody would notice.
                log.exception("follower_failed")
            self._stopping.wait(RECONNECT_SECONDS)

    def _follow(self) -> None:
        """LISTEN comes before the first read: a change between the two is then told, not missed."""
        arguments = connection_arguments("shakerqueue-follower")
        with DeadlineConnection.connect(self._database_url, **arguments) as conn:
            for turn in self._schedule:
                conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(turn.cache.channel)))
                turn.due_at = monotonic()
            while not self._stopping.is_set():
                self._read_what_is_due(conn)
                self._wait_for_change(conn)

    def _read_what_is_due(self, conn: DeadlineConnection) -> None:
        for turn in self._schedule:
            if turn.due_at <= monotonic():
                conn.deadline = Deadline.after(READ_SECONDS)
                was_told = turn.was_told
                turn.take(conn)
                conn.deadline = None
                if was_told:
                    self._on_change(turn.cache)

    def _wait_for_change(self, conn: DeadlineConnection) -> None:
        """Until the next turn is due; a change that is told makes it due sooner."""
        next_due_at = min(turn.due_at for turn in self._schedule)
        seconds = min(STOP_CHECK_SECONDS, max(0.0, next_due_at - monotonic()))
        changed = {notify.channel for notify in conn.notifies(timeout=seconds, stop_after=1)}
        for turn in self._schedule:
            if turn.cache.channel in changed:
                turn.hurry()


class _Turn:
    """A cache and when its next reading is due, on the monotonic clock."""

    def __init__(self, cache: Followed) -> None:
        self.cache = cache
        self.due_at = 0.0
        self.was_told = False
        self._begun_at = float("-inf")

    def take(self, conn: DeadlineConnection) -> None:
        self.was_told = False
        self._begun_at = monotonic()
        self.due_at = self._begun_at + self.cache.max_age_seconds
        try:
            self.cache.read(conn)
        except psycopg.Error:
            raise
        except Exception:
            # Nobody foresaw it. The other caches must not grow old with this one, the revocations least of all.
            log.exception("cache_unreadable", channel=self.cache.channel)
            self.due_at = min(self.due_at, self._begun_at + RECONNECT_SECONDS)

    def hurry(self) -> None:
        self.was_told = True
        # Changes that follow each other fast are read together.
        self.due_at = min(self.due_at, self._begun_at + self.cache.pause_seconds)
