"""Server-sent events (WHATWG HTML, section 9.2): the feed as a response that goes on until its reader may no more."""

import json
import math
import time
from collections.abc import Iterator
from typing import Any

from shakerqueue import shutdown
from shakerqueue.api.guards import is_revoked
from shakerqueue.api.principals import Principal
from shakerqueue.api.requests import REQUEST_SECONDS
from shakerqueue.api.schemas import EventSchema
from shakerqueue.api.services import Services
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.event_feed import PlaceLost
from shakerqueue.menu import Menu
from shakerqueue.queries.models import Bar, OrderEvent
from shakerqueue.roles import STAFF

HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 0.5  # how soon an end of the token, of the process, or another menu is noticed
# By then every process has read what was changed. The first answer may come from one that had not, so it is told again.
SETTLED_SECONDS = 0.3
RECONNECT_MILLISECONDS = 1000
HEARTBEAT = b":\n\n"

_schema = EventSchema()


class EventStream:
    """One reader's stream: from a place in the log on, or from now."""

    def __init__(self, services: Services, who: Principal, place: int | None) -> None:
        self._services = services
        self._who = who
        self._place = place
        self._silent_since = time.monotonic()
        self._menu: Menu | None = None
        self._bar: Bar | None = None
        self._told_again_at: dict[str, float] = {}

    def __iter__(self) -> Iterator[bytes]:
        yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
        while not self._is_over():
            said = self._news()
            if said or self._is_silent():
                self._silent_since = time.monotonic()
                yield said or HEARTBEAT
            self._services.feed.await_more(self._place or 0, LOOK_SECONDS)

    def _is_over(self) -> bool:
        """The process ends, or the token does, or nobody knows whether it should."""
        revocations_unknown = self._who.role in STAFF and self._services.revocations.stale
        return (
            shutdown.requested.is_set()
            or self._who.expires_at <= time.time()
            or is_revoked(self._who, self._services)
            or revocations_unknown
        )

    def _is_silent(self) -> bool:
        return time.monotonic() - self._silent_since > HEARTBEAT_SECONDS

    def _news(self) -> bytes:
        return b"".join((*self._log(), *self._wakes()))

    def _log(self) -> Iterator[bytes]:
        """What was appended. While it cannot be read there is nothing, and it is tried again."""
        last_id = self._services.feed.last_id
        if self._place is None:
            if last_id is not None:
                self._place = last_id
                yield message("ready", {}, id=last_id)
            return
        try:
            page = self._services.feed.after(self._place, self._who.sees_only, Deadline.after(REQUEST_SECONDS))
        except PlaceLost as lost:
            self._place = lost.last_id
            yield message("reset", {}, id=lost.last_id)
        except Unavailable:
            return
        else:
            self._place = page.place
            yield from (event_message(event) for event in page.events)

    def _wakes(self) -> Iterator[bytes]:
        """Another menu, another state of the bar: they are read where they are, and have no place in the log."""
        menu = self._services.menu.current if self._services.menu.loaded else None
        other_menu = self._menu is not None and menu is not None and menu.by_name != self._menu.by_name
        self._menu = menu
        bar = self._services.bar.said
        other_bar = self._bar is not None and bar is not None and bar != self._bar
        self._bar = bar
        yield from self._twice("menu_changed", changed=other_menu)
        yield from self._twice("bar_changed", changed=other_bar)

    def _twice(self, name: str, *, changed: bool) -> Iterator[bytes]:
        """The wake, where something changed, and once more when every process knows."""
        now = time.monotonic()
        if changed:
            self._told_again_at[name] = now + SETTLED_SECONDS
            yield message(name, {})
        elif self._told_again_at.get(name, math.inf) <= now:
            del self._told_again_at[name]
            yield message(name, {})


def event_json(event: OrderEvent) -> dict[str, Any]:
    """One event of the log as every reader gets it."""
    return dict(_schema.dump(event))


def event_message(event: OrderEvent) -> bytes:
    return message(event.type.value, event_json(event), id=event.id)


def message(name: str, data: dict[str, Any], id: int | None = None) -> bytes:
    """One server-sent event; JSON has no line break in it, so it is one line of data."""
    place = f"id: {id}\n" if id is not None else ""
    return f"{place}event: {name}\ndata: {json.dumps(data)}\n\n".encode()
