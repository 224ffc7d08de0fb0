"""The feed of events: what was appended to the log, for as many readers as there are, at one reading per process.

Ids are in commit order, so a reader's place is a plain id. The last events are kept in memory; whoever comes with an
older place catches up from the database first.
"""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import ShakerQueueError
from shakerqueue.queries import order_events
from shakerqueue.queries.models import OrderEvent

KEPT_EVENTS = 10_000
READ_EVENTS = 1_000  # of one query
PAGE_EVENTS = 500


class PlaceLost(ShakerQueueError):
    """Nobody can go on from this place: the log has no such event, or begins after it. `last_id` is where it ends."""

    def __init__(self, last_id: int) -> None:
        super().__init__("the place is not in the log")
        self.last_id = last_id


class Page(NamedTuple):
    """Events after a place, and the place after them: further than the last of them where others are left out."""

    events: Sequence[OrderEvent]
    place: int


class EventFeed:
    """The end of the log, kept current by a follower. Places are ids of events; 0 is before the first one."""

    channel = "order_events"
    max_age_seconds = 1.0

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = threading.Condition()  # guards all of the following
        self._recent: list[OrderEvent] = []  # ascending
        self._before_recent = 0  # the place from which on the kept events are complete
        self._last_id: int | None = None
        self._wakes = 0

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

    def _read_on(self, conn: Connection[Any]) -> list[OrderEvent]:
        """Keep the next events, at most READ_EVENTS of them."""
        events = order_events.list_events_after(conn, after_id=self._last_id or 0, at_most=READ_EVENTS)
        if events:
            self._append(events)
        return events

    def after(self, place: int, principal_id: UUID | None, deadline: Deadline) -> Page:
        """What follows a place: everybody's events, or one principal's.

        Raises:
            PlaceLost: there is no such place.
            Unavailable: it is not in memory, and the database is away.
        """
        with self._changed:
            if self._last_id is not None and self._is_kept(place):
                newer = self._recent[bisect_right(self._recent, place, key=lambda event: event.id) :]
                return Page([event for event in newer if principal_id in (None, event.principal_id)], self._last_id)
        return self._look_up(place, principal_id, deadline)

    def await_more(self, place: int, seconds: float) -> None:
        """Return when there is something after the place, anybody's, when woken, or after so many seconds."""
        with self._changed:
            wakes = self._wakes
            self._changed.wait_for(lambda: (self._last_id or 0) > place or self._wakes != wakes, seconds)

    def wake(self) -> None:
        """Let whoever waits look up: something changed that has no place in the log."""
        with self._changed:
            self._wakes += 1
            self._changed.notify_all()

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
        return Page(events, found_to if len(events) == PAGE_EVENTS else max(bounds.last_id, found_to))

    def _begin_at(self, last_id: int) -> None:
        with self._changed:
            self._recent, self._before_recent, self._last_id = [], last_id, last_id

    def _append(self, events: list[OrderEvent]) -> None:
        with self._changed:
            self._recent = [*self._recent, *events]
            if len(self._recent) > 2 * KEPT_EVENTS:
                self._before_recent = self._recent[-KEPT_EVENTS - 1].id
                self._recent = self._recent[-KEPT_EVENTS:]
            self._last_id = events[-1].id
            self._changed.notify_all()


def _is_in_log(conn: Connection[Any], place: int, bounds: order_events.GetEventLogBoundsRow) -> bool:
    """Whether a place is that of an event, or the one before the first.

    Others are from the future, from before the log, or from events that a restored backup did not have.
    """
    return place in (0, bounds.first_id - 1) or bool(order_events.is_event(conn, id=place))


def _bounds(conn: Connection[Any]) -> order_events.GetEventLogBoundsRow:
    bounds = order_events.get_event_log_bounds(conn)
    assert bounds is not None, "an aggregate has one row"  # noqa: S101
    return bounds
