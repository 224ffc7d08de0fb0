"""The feed of events: what was appended to the log, for as many readers as there are, at one reading per process.

Ids are in commit order, so a reader's place is a plain id. The last events are kept in memory; whoever comes with an
older place catches up from the database first. A reader is woken by an event that is for them, and by no other.
"""

import threading
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import ShakerQueueError, Unavailable
from shakerqueue.event_json import event_json
from shakerqueue.queries import order_events
from shakerqueue.queries.models import OrderEvent, OrderEventType

KEPT_EVENTS = 10_000
READ_EVENTS = 1_000  # of one query
PAGE_EVENTS = 500


class PlaceLost(ShakerQueueError):
    """Nobody can go on from this place: the log has no such event, or begins after it. `last_id` is where it ends."""

    def __init__(self, last_id: int) -> None:
        super().__init__("the place is not in the log")
        self.last_id = last_id


class FeedEvent(NamedTuple):
    """An event as every reader gets it."""

    id: int
    type: OrderEventType
    principal_id: UUID
    json: bytes  # a line


class Page(NamedTuple):
    """Events after a place, and the place after them: further than the last of them where others are left out."""

    events: Sequence[FeedEvent]
    place: int


class Reader:
    """One who follows the feed, everybody's events or one principal's, and sleeps while there are none for them."""

    def __init__(self, place: int | None, principal_id: UUID | None) -> None:
        """Without a place they begin at the end of the log."""
        self.principal_id = principal_id
        self.place = place  # moved by the feed, as is the next
        self.is_behind = True  # or else they have read all that is theirs, whatever others' events came since
        self._woken = threading.Event()

    def wake(self) -> None:
        """Let the reader look up."""
        self._woken.set()

    def wait(self, seconds: float) -> None:
        """Return when woken since the last wait, or after so many seconds."""
        self._woken.wait(seconds)
        self._woken.clear()


class EventFeed:
    """The end of the log, kept current by a follower. Places are ids of events; 0 is before the first one."""

    channel = "order_events"
    max_age_seconds = 1.0
    pause_seconds = 0.02  # people wait for what is read here

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()  # guards all of the following
        self._recent: list[FeedEvent] = []  # ascending
        self._before_recent = 0  # the place from which on the kept events are complete
        self._last_id: int | None = None
        self._readers: defaultdict[UUID | None, set[Reader]] = defaultdict(set)  # by whose events they read

    @property
    def last_id(self) -> int | None:
        """The place at the end of the log, as far as it was read; None before the first reading."""
        return self._last_id

    def read(self, conn: Connection[Any]) -> None:
        """Take in what was appended; for the follower."""
        if self._last_id is None:
            self._begin_at(_bounds(conn).last_id)
        events = self._read_on(conn)
        if not events and (last_id := _bounds(conn).last_id) < (self._last_id or 0):
            self._begin_at(last_id)  # the log was restored from a backup, and ends before what was read of it
        while len(events) == READ_EVENTS:
            events = self._read_on(conn)

    def _read_on(self, conn: Connection[Any]) -> list[FeedEvent]:
        """Keep the next events, at most READ_EVENTS of them."""
        events = _listed(order_events.list_events_after(conn, after_id=self._last_id or 0, at_most=READ_EVENTS))
        if events:
            self._append(events)
        return events

    @contextmanager
    def registered(self, reader: Reader) -> Iterator[None]:
        """Wake this reader when there is something for them."""
        with self._lock:
            self._readers[reader.principal_id].add(reader)
        try:
            yield
        finally:
            with self._lock:
                self._readers[reader.principal_id].discard(reader)
                if not self._readers[reader.principal_id]:
                    del self._readers[reader.principal_id]

    def next_page(self, reader: Reader, deadline: Deadline) -> Page:
        """What follows the reader's place, which moves on.

        Raises:
            PlaceLost: there is no such place; the reader goes on from where the log ends.
            Unavailable: it is not in memory, and the database is away; or nothing was read yet.
        """
        with self._lock:
            if reader.place is None or not reader.is_behind:
                return Page([], self._skip_others_events(reader))
        try:
            page = self.after(reader.place, reader.principal_id, deadline)
        except PlaceLost as lost:
            self._move(reader, lost.last_id)
            raise
        self._move(reader, page.place)
        return page

    def _skip_others_events(self, reader: Reader) -> int:
        """Put a reader for whom there is nothing at the end of the log. The caller has taken the lock."""
        if self._last_id is None:
            raise Unavailable("feed", "not read yet")
        reader.place, reader.is_behind = max(reader.place or 0, self._last_id), False
        return reader.place

    def _move(self, reader: Reader, place: int) -> None:
        """To where they have read; what was appended meanwhile, or did not fit on a page, is theirs to read next."""
        with self._lock:
            reader.place, reader.is_behind = place, place < (self._last_id or 0)
        if reader.is_behind:
            reader.wake()

    def after(self, place: int, principal_id: UUID | None, deadline: Deadline) -> Page:
        """What follows a place: everybody's events, or one principal's.

        Raises:
            PlaceLost: there is no such place.
            Unavailable: it is not in memory, and the database is away.
        """
        with self._lock:
            if self._last_id is not None and self._is_kept(place):
                newer = self._recent[bisect_right(self._recent, place, key=lambda event: event.id) :]
                return Page([event for event in newer if principal_id in (None, event.principal_id)], self._last_id)
        return self._look_up(place, principal_id, deadline)

    def _is_kept(self, place: int) -> bool:
        """Whether all that follows this place is in memory. The caller has taken the lock."""
        if place == self._before_recent:
            return True
        at = bisect_left(self._recent, place, key=lambda event: event.id)
        return at < len(self._recent) and self._recent[at].id == place

    def _look_up(self, place: int, principal_id: UUID | None, deadline: Deadline) -> Page:
        """From the database: older than what is kept, or newer than what this process has read so far."""
        with self._database.connection(deadline) as conn:
            bounds = _bounds(conn)
            if not _is_in_log(conn, place, bounds):
                raise PlaceLost(bounds.last_id)
            if principal_id is None:
                events = order_events.list_events_after(conn, after_id=place, at_most=PAGE_EVENTS)
            else:
                events = order_events.list_events_of_principal_after(
                    conn, principal_id=principal_id, after_id=place, at_most=PAGE_EVENTS
                )
        found_to = events[-1].id if events else 0
        return Page(_listed(events), found_to if len(events) == PAGE_EVENTS else max(bounds.last_id, found_to))

    def _begin_at(self, last_id: int) -> None:
        """All readers look where they stand, for the log may not know their places any more."""
        with self._lock:
            readers = list(chain.from_iterable(self._readers.values()))
            for reader in readers:
                self._fall_behind(reader)
            self._recent, self._before_recent, self._last_id = [], last_id, last_id
        _wake(readers)

    def _append(self, events: list[FeedEvent]) -> None:
        with self._lock:
            readers: list[Reader] = []
            for event in events:
                readers += self._append_one(event)
            if len(self._recent) > 2 * KEPT_EVENTS:
                self._before_recent = self._recent[-KEPT_EVENTS - 1].id
                self._recent = self._recent[-KEPT_EVENTS:]
        _wake(readers)

    def _append_one(self, event: FeedEvent) -> list[Reader]:
        """Take one event in: who has something to read by it and had not before. The caller has taken the lock."""
        following = chain(self._readers.get(None, ()), self._readers.get(event.principal_id, ()))
        readers = [reader for reader in following if not reader.is_behind and event.id > (reader.place or 0)]
        for reader in readers:
            self._fall_behind(reader)
        self._recent.append(event)
        self._last_id = event.id
        return readers

    def _fall_behind(self, reader: Reader) -> None:
        """Leave a reader at the present end of the log. The caller has taken the lock."""
        if not reader.is_behind:
            reader.place, reader.is_behind = max(reader.place or 0, self._last_id or 0), True


def _wake(readers: list[Reader]) -> None:
    """Not under the lock: they would wake up to wait for it."""
    for reader in readers:
        reader.wake()


def _listed(events: Sequence[OrderEvent]) -> list[FeedEvent]:
    return [FeedEvent(event.id, event.type, event.principal_id, event_json(event)) for event in events]


def _is_in_log(conn: Connection[Any], place: int, bounds: order_events.GetEventLogBoundsRow) -> bool:
    """Whether a place is that of an event, or the one before the first.

    Others are from the future, from before the log, or from events that a restored backup did not have.
    """
    return place in (0, bounds.first_id - 1) or bool(order_events.is_event(conn, id=place))


def _bounds(conn: Connection[Any]) -> order_events.GetEventLogBoundsRow:
    bounds = order_events.get_event_log_bounds(conn)
    assert bounds is not None, "an aggregate has one row"  # noqa: S101
    return bounds
