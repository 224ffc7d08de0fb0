"""The feed: every event once and in order, from memory or from the log, for everybody or for one."""

import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest

from shakerqueue import event_feed
from shakerqueue.database import Database, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.event_feed import EventFeed, PlaceLost
from shakerqueue.following import Follower
from shakerqueue.intake import insert_orders
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually

Place = Callable[..., None]


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=2) as database:
        yield database


@pytest.fixture
def feed(bar: Bar, database: Database) -> Iterator[EventFeed]:
    feed = EventFeed(database)
    follower = Follower(bar.database_url, [feed])
    follower.start()
    eventually(lambda: feed.last_id is not None)
    yield feed
    follower.stop()


@pytest.fixture
def place(bar: Bar) -> Place:
    """Places so many orders of the demo guest, each in a transaction of its own: so many events."""

    def place(count: int, email: str = "user@example.com") -> None:
        with psycopg.connect(bar.database_url) as conn:
            for _ in range(count):
                insert_orders(conn, [order(principal_id(conn, email), drink(conn))])
                conn.commit()

    return place


def logged(bar: Bar) -> list[int]:
    return [int(str(row[0])) for row in bar.query("SELECT id FROM order_events ORDER BY id")]


def read(feed: EventFeed, at: int, own: UUID | None = None) -> list[int]:
    """Every id from a place on, page by page."""
    found: list[int] = []
    while True:
        page = feed.after(at, own, Deadline.after(5))
        found += [event.id for event in page.events]
        if page.place == at:
            return found
        at = page.place


def test_what_is_appended_is_there_a_moment_later(bar: Bar, feed: EventFeed, place: Place) -> None:
    place(3)
    eventually(lambda: 3 == feed.last_id)
    assert logged(bar) == read(feed, 0)


def test_who_waits_is_woken(feed: EventFeed, place: Place) -> None:
    woken = threading.Event()

    def wait() -> None:
        feed.await_more(0, 30)
        woken.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    place(1)
    assert woken.wait(5)
    waiting.join()


def test_old_places_are_read_from_the_log(
    bar: Bar, feed: EventFeed, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Little is kept and pages are small, so that both ways and the change between them are taken."""
    monkeypatch.setattr(event_feed, "KEPT_EVENTS", 5)
    monkeypatch.setattr(event_feed, "PAGE_EVENTS", 4)
    for _ in range(6):
        place(5)
        eventually(lambda: len(logged(bar)) == feed.last_id)
    ids = logged(bar)
    assert feed._before_recent > 0
    for start in (0, 1, 13, 19, 24, 29, 30):
        assert [id for id in ids if id > start] == read(feed, start)


def test_one_sees_only_own_events_and_goes_past_the_others(
    bar: Bar, feed: EventFeed, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(2)
    place(3, "bartender@example.com")
    place(1)
    with psycopg.connect(bar.database_url) as conn:
        guest, admin = principal_id(conn), principal_id(conn, "admin@example.com")
    eventually(lambda: 6 == feed.last_id)
    monkeypatch.setattr(event_feed, "PAGE_EVENTS", 2)
    for kept in (True, False):
        if not kept:
            feed._begin_at(6)
        assert [1, 2, 6] == read(feed, 0, guest)
        assert [] == read(feed, 0, admin)
        assert 6 == feed.after(2 if kept else 5, admin, Deadline.after(5)).place


def test_a_process_that_is_behind_does_not_lose_a_place_that_is_there(
    bar: Bar, database: Database, place: Place
) -> None:
    """The reader comes from another process that had read further."""
    feed = EventFeed(database)
    with psycopg.connect(bar.database_url) as conn:
        feed.read(conn)
    place(3)
    assert ([], 3) == feed.after(3, None, Deadline.after(5))
    assert [3] == read(feed, 2)


def test_a_place_that_never_was_is_lost(bar: Bar, feed: EventFeed, place: Place) -> None:
    place(3)
    bar.change("DELETE FROM order_events WHERE id = 1")
    for lost in (4, 10**15):
        with pytest.raises(PlaceLost) as error:
            feed.after(lost, None, Deadline.after(5))
        assert 3 == error.value.last_id
    feed._begin_at(3)
    bar.change("DELETE FROM order_events WHERE id = 2")
    with pytest.raises(PlaceLost):
        feed.after(1, None, Deadline.after(5))
    assert [3] == read(feed, 0)
    assert [3] == read(feed, 2)


def test_a_log_that_went_back_is_begun_anew(bar: Bar, feed: EventFeed, place: Place) -> None:
    """As after a restore from a backup: the places of before mean nothing."""
    place(3)
    eventually(lambda: 3 == feed.last_id)
    bar.change("DELETE FROM order_events WHERE id > 1")
    eventually(lambda: 1 == feed.last_id)
    with pytest.raises(PlaceLost):
        feed.after(3, None, Deadline.after(5))


def test_places_after_a_backups_end_stay_lost_when_the_restored_log_has_grown_past_them(
    bar: Bar, database: Database, place: Place
) -> None:
    """As docs/operations.md restores: new numbers begin far behind all that were given before."""
    place(3)
    bar.change("DELETE FROM order_events WHERE id > 1")
    bar.change("SELECT setval(pg_get_serial_sequence('order_events', 'id'), 1000)")
    feed = EventFeed(database)
    with psycopg.connect(bar.database_url) as conn:
        feed.read(conn)
    place(2)
    for is_read in (False, True):
        if is_read:
            with psycopg.connect(bar.database_url) as conn:
                feed.read(conn)
        with pytest.raises(PlaceLost) as error:
            feed.after(3, None, Deadline.after(5))
        assert 1002 == error.value.last_id
    assert [1001, 1002] == read(feed, 1)
