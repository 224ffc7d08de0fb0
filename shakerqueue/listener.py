"""What a process keeps in memory of the database, kept current by a thread that listens for changes."""

import threading
from abc import ABC, abstractmethod
from time import monotonic

import psycopg
import structlog
from psycopg import sql

from shakerqueue.database import DeadlineConnection, connection_arguments
from shakerqueue.deadlines import Deadline

READ_SECONDS = 3.0
RECONNECT_SECONDS = 1.0
STOP_CHECK_SECONDS = 0.5
SETTLE_SECONDS = 0.02  # a burst of changes is read once and not once each

log = structlog.get_logger(__name__)


class Listener(ABC):
    """Reads when it starts, whenever its channel is notified, and when what was read has reached its age.

    A subclass reads. While PostgreSQL is away, what was read last stays; how old it is says `age_seconds`.
    """

    def __init__(self, database_url: str, *, name: str, channel: str, max_age_seconds: float) -> None:
        self._database_url = database_url
        self._name = name
        self._channel = channel
        self._max_age_seconds = max_age_seconds
        self._current_at: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def _read(self, conn: DeadlineConnection) -> None:
        """Read everything anew, and put it in place by one assignment: others look on from other threads."""

    def start(self) -> None:
        """Start the thread. Only after the process has forked."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end by itself, at its next look; nobody needs to wait for a reader."""
        self._stopping.set()

    @property
    def loaded(self) -> bool:
        """Whether anything was read at all since the process started."""
        return self._current_at is not None

    @property
    def age_seconds(self) -> float:
        """How long ago what is known was certainly current; infinite before the first read."""
        return float("inf") if self._current_at is None else monotonic() - self._current_at

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except psycopg.Error as error:
                log.warning("listener_disconnected", listener=self._name, reason=str(error).strip())
            except Exception as error:  # a thread that ended would never know of a change again
                log.error("listener_failed", listener=self._name, exc_info=error)
            self._stopping.wait(RECONNECT_SECONDS)

    def _follow(self) -> None:
        """LISTEN comes before the first read: a change between the two is then told, not missed."""
        arguments = connection_arguments(f"shakerqueue-{self._name}")
        with DeadlineConnection.connect(self._database_url, **arguments) as conn:
            conn.deadline = Deadline.after(READ_SECONDS)
            conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
            while not self._stopping.is_set():
                self._read_bounded(conn)
                self._wait_for_change(conn)

    def _read_bounded(self, conn: DeadlineConnection) -> None:
        began_at = monotonic()
        conn.deadline = Deadline.after(READ_SECONDS)
        self._read(conn)
        conn.deadline = None
        self._current_at = began_at  # what was committed later may be missing

    def _wait_for_change(self, conn: DeadlineConnection) -> None:
        stale_at = monotonic() + self._max_age_seconds
        while not self._stopping.is_set() and (left := stale_at - monotonic()) > 0:
            if list(conn.notifies(timeout=min(left, STOP_CHECK_SECONDS), stop_after=1)):
                self._stopping.wait(SETTLE_SECONDS)
                return
