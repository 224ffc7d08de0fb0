"""Server-sent events (WHATWG HTML, section 9.2): the feed as a response that goes on until its reader may no more."""

import time
from collections.abc import Iterator, Mapping

from shakerqueue import shutdown
from shakerqueue.api.guards import is_revoked
from shakerqueue.api.principals import Principal
from shakerqueue.api.requests import REQUEST_SECONDS
from shakerqueue.api.services import Services
from shakerqueue.api.stream_watch import LOOK_SECONDS
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.event_feed import PlaceLost, Reader
from shakerqueue.roles import STAFF

HEARTBEAT_SECONDS = 15.0
RECONNECT_MILLISECONDS = 1000
HEARTBEAT = b":\n\n"


class EventStream:
    """One reader's stream: from a place in the log on, or from now."""

    def __init__(self, services: Services, who: Principal, place: int | None) -> None:
        self._services = services
        self._who = who
        self._reader = Reader(place, who.sees_only)
        self._silent_since = time.monotonic()
        self._told: Mapping[str, int] = {}

    def __iter__(self) -> Iterator[bytes]:
        yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
        feed, watch = self._services.feed, self._services.stream_watch
        with feed.registered(self._reader), watch.watching(self):
            self._told = watch.news.told
            while not self.is_over():
                said = b"".join((*self._log(), *self._house_news()))
                if said or self._silent_seconds() >= HEARTBEAT_SECONDS:
                    self._silent_since = time.monotonic()
                    yield said or HEARTBEAT
                self._reader.wait(self._sleep_seconds())

    def is_over(self) -> bool:
        """The process ends, or the token does, or nobody knows whether it should."""
        revocations_unknown = self._who.role in STAFF and self._services.revocations.stale
        return (
            shutdown.requested.is_set()
            or self._who.expires_at <= time.time()
            or is_revoked(self._who, self._services)
            or revocations_unknown
        )

    def wake(self) -> None:
        """Let it look up before there is something for its reader in the log."""
        self._reader.wake()

    def _silent_seconds(self) -> float:
        return time.monotonic() - self._silent_since

    def _sleep_seconds(self) -> float:
        """Until the next heartbeat, unless the log could not be read: that is tried again."""
        return LOOK_SECONDS if self._reader.is_behind else HEARTBEAT_SECONDS - self._silent_seconds()

    def _log(self) -> Iterator[bytes]:
        """What was appended. While it cannot be read there is nothing."""
        begins = self._reader.place is None
        try:
            page = self._services.feed.next_page(self._reader, Deadline.after(REQUEST_SECONDS))
        except PlaceLost as lost:
            yield message("reset", id=lost.last_id)
        except Unavailable:
            return
        else:
            if begins:
                yield message("ready", id=page.place)
            for event in page.events:
                yield message(event.type, event.json, event.id)

    def _house_news(self) -> Iterator[bytes]:
        """Another menu, another state of the bar: they are read where they are, and have no place in the log."""
        known, self._told = self._told, self._services.stream_watch.news.told
        return (message(name) for name, count in self._told.items() if count != known[name])


def message(name: str, data: bytes = b"{}", id: int | None = None) -> bytes:
    """One server-sent event. `data` is a line."""
    place = b"" if id is None else b"id: %d\n" % id
    return b"%sevent: %s\ndata: %s\n\n" % (place, name.encode(), data)
