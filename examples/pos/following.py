"""Behind a firewall: the till asks what happened, and the bar holds its answer back until something has."""

from collections.abc import Callable

from .bar import Bar, Json
from .news import News, from_events
from .patience import Patience, insist
from .reconciling import reconcile
from .store import Store

WAIT_SECONDS = 25


def follow(bar: Bar, store: Store, report: Callable[[Store, list[News]], None]) -> None:
    """Read the feed until interrupted, from where it was left.

    Raises:
        KeyRefused: the key is not good.
    """
    while True:
        report(store, insist(lambda: follow_once(bar, store, WAIT_SECONDS), Patience()))


def follow_once(bar: Bar, store: Store, wait_seconds: int) -> list[News]:
    """What happened since the last time, taken in together with the place after it.

    Raises:
        NoAnswer: nothing was taken in.
        KeyRefused: the key is not good.
    """
    place = store.place
    page: Json = bar.events(place, wait_seconds)
    if place is None or page["reset"]:
        reconcile(bar, store)  # nobody can tell what happened before: what is so now is read instead
    with store.transaction():
        fresh = store.tell(from_events(page["events"]))
        store.go_on_from(page["after"])
    return fresh
