"""The feed: every event once and in order, from memory or from the log, for everybody or for one."""

import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest

from shakerqueue import event_feed
from shakerqueue.database import Database, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.event_feed import EventFeed, PlaceLost, Reader
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


def next_ids(feed: EventFeed, reader: Reader) -> list[int]:
    return [event.id for event in feed.next_page(reader, Deadline.after(5)).events]


def is_awake(reader: Reader) -> bool:
    return reader._woken.is_set()


def test_who_waits_is_woken(feed: EventFeed, place: Place) -> None:
    reader, woken = Reader(None, None), threading.Event()

    def wait() -> None:
        reader.wait(30)
        woken.set()

    with feed.registered(reader):
        assert [] == next_ids(feed, reader)
        waiting = threading.Thread(target=wait)
        waiting.start()
        place(1)
        assert woken.wait(5)
        waiting.join()
        assert [1] == next_ids(feed, reader)


def test_others_events_move_a_reader_on_and_let_them_sleep(bar: Bar, feed: EventFeed, place: Place) -> None:
    with psycopg.connect(bar.database_url) as conn:
        guest, bartender = principal_id(conn), principal_id(conn, "bartender@example.com")
    own, others, all_of_it = Reader(None, guest), Reader(None, bartender), Reader(None, None)
    with feed.registered(own), feed.registered(others), feed.registered(all_of_it):
        for reader in (own, others, all_of_it):
            feed.next_page(reader, Deadline.after(5))
        place(2)
        eventually(lambda: 2 == feed.last_id)
        eventually(lambda: is_awake(own) and is_awake(all_of_it))
        assert not is_awake(others)
        assert ([], 2) == feed.next_page(others, Deadline.after(5))
        place(1, "bartender@example.com")
        eventually(lambda: is_awake(others))
        assert [[1, 2], [3], [1, 2, 3]] == [next_ids(feed, reader) for reader in (own, others, all_of_it)]
        assert [3, 3, 3] == [reader.place for reader in (own, others, all_of_it)]


def test_a_reader_who_reads_slowly_misses_nothing(
    bar: Bar, feed: EventFeed, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they have not read is kept no longer in memory; they are given page after page without being woken again."""
    monkeypatch.setattr(event_feed, "KEPT_EVENTS", 5)
    monkeypatch.setattr(event_feed, "PAGE_EVENTS", 4)
    reader, found = Reader(None, None), list[int]()
    with feed.registered(reader):
        assert [] == next_ids(feed, reader)
        for _ in range(4):
            place(5)
            eventually(lambda: logged(bar)[-1] == feed.last_id)
        while reader.is_behind:
            assert is_awake(reader)
            reader.wait(0)
            found += next_ids(feed, reader)
    assert logged(bar) == found


def test_who_has_read_further_than_the_process_gets_nothing_twice(bar: Bar, database: Database, place: Place) -> None:
    """They were with another process before."""
    feed = EventFeed(database)
    with psycopg.connect(bar.database_url, autocommit=True) as conn:
        feed.read(conn)
        place(3)
        reader = Reader(1, None)
        with feed.registered(reader):
            assert [2, 3] == next_ids(feed, reader)
            feed.read(conn)
            assert not is_awake(reader)
            place(1)
            feed.read(conn)
            assert is_awake(reader)
            assert [4] == next_ids(feed, reader)


def test_readers_hear_that_the_log_went_back(bar: Bar, feed: EventFeed, place: Place) -> None:
    reader = Reader(None, None)
    place(3)
    eventually(lambda: 3 == feed.last_id)
    with feed.registered(reader):
        assert [] == next_ids(feed, reader)
        bar.change("DELETE FROM order_events WHERE id > 1")
        eventually(lambda: is_awake(reader))
        with pytest.raises(PlaceLost):
            feed.next_page(reader, Deadline.after(5))
        assert (1, False) == (reader.place, reader.is_behind)


def test_nobody_is_kept_who_has_left(feed: EventFeed) -> None:
    with feed.registered(Reader(None, None)), feed.registered(Reader(None, None)):
        pass
    assert {} == feed._readers


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
