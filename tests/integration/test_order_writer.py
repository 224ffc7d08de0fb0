"""The API's own writer: what it answers for is stored, once, and one bad order takes nobody along."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection, OperationalError

from shakerqueue.database import Database, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import DataRefused, Unavailable
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.order_writer import OrderWriter
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=2) as database:
        yield database


@pytest.fixture
def writer(database: Database) -> Iterator[OrderWriter]:
    writer = OrderWriter(database)
    writer.start()
    yield writer
    writer.stop()


@pytest.fixture
def new_order(database: Database) -> Callable[[], OrderPlaced]:
    with database.connection() as conn:
        guest, margarita = principal_id(conn), drink(conn)
    return lambda: order(guest, margarita)


def soon() -> Deadline:
    return Deadline.after(2.5)


def write(writer: OrderWriter, placed: OrderPlaced, deadline: Deadline) -> None:
    """Return once the order is stored, or raise what the writer says of it."""
    [failure] = writer.write([placed], deadline)
    if failure is not None:
        raise failure


def stored(bar: Bar) -> list[tuple[object, ...]]:
    return bar.query("SELECT id FROM orders ORDER BY id")


def test_it_returns_once_the_order_is_committed(
    bar: Bar, writer: OrderWriter, new_order: Callable[[], OrderPlaced]
) -> None:
    placed = new_order()
    write(writer, placed, soon())
    assert [(placed.id,)] == stored(bar)


def test_orders_that_come_at_the_same_time_share_a_transaction(
    bar: Bar, writer: OrderWriter, new_order: Callable[[], OrderPlaced]
) -> None:
    """The first waits for the log of events, which is locked; the others gather behind it meanwhile."""
    placed = [new_order() for _ in range(20)]
    with psycopg.connect(bar.database_url) as other, ThreadPoolExecutor(20) as requests:
        other.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        first = requests.submit(write, writer, placed[0], soon())
        eventually(bar.waiting_for_a_lock)
        rest = [requests.submit(write, writer, one, soon()) for one in placed[1:]]
        eventually(lambda: 19 == writer._waiting.qsize())
        other.rollback()
        assert {None} == {answer.result(5) for answer in [first, *rest]}
    assert sorted((one.id,) for one in placed) == stored(bar)
    assert [(2,)] == bar.query("SELECT count(DISTINCT xmin::text) FROM orders")


def test_an_order_that_is_refused_takes_nobody_along(
    bar: Bar, writer: OrderWriter, new_order: Callable[[], OrderPlaced]
) -> None:
    good = [new_order(), new_order()]
    nobodys = order(uuid4(), *good[0].items)
    with psycopg.connect(bar.database_url) as other, ThreadPoolExecutor(4) as requests:
        other.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        blocker = requests.submit(write, writer, new_order(), soon())
        eventually(bar.waiting_for_a_lock)
        answers = [requests.submit(write, writer, one, soon()) for one in (good[0], nobodys, good[1])]
        eventually(lambda: 3 == writer._waiting.qsize())
        other.rollback()
        assert [None, None, None] == [answer.result(5) for answer in (blocker, answers[0], answers[2])]
        with pytest.raises(DataRefused):
            answers[1].result(5)
    assert {one.id for one in good} < {row[0] for row in stored(bar)}


def test_each_order_of_a_request_has_its_own_outcome(
    bar: Bar, writer: OrderWriter, new_order: Callable[[], OrderPlaced]
) -> None:
    good = [new_order() for _ in range(9)]
    nobodys = order(uuid4(), *good[0].items)
    failures = writer.write([*good[:4], nobodys, *good[4:]], soon())
    assert [None] * 4 == failures[:4]
    assert isinstance(failures[4], DataRefused)
    assert [None] * 5 == failures[5:]
    assert sorted((one.id,) for one in good) == stored(bar)


def test_whoever_finds_no_room_to_wait_is_told_so(
    database: Database, new_order: Callable[[], OrderPlaced], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shakerqueue.order_writer.MAX_WAITING_ORDERS", 2)
    idle = OrderWriter(database)
    failures = [str(failure) for failure in idle.write([new_order() for _ in range(3)], Deadline.after(0.1))]
    assert [False, False, True] == ["too many orders wait" in failure for failure in failures]


def test_one_order_asked_for_twice_at_once_is_stored_once_and_answered_twice(
    bar: Bar, writer: OrderWriter, new_order: Callable[[], OrderPlaced]
) -> None:
    placed = new_order()
    with ThreadPoolExecutor(8) as requests:
        assert {None} == set(requests.map(lambda _: write(writer, placed, soon()), range(8)))
    assert [(placed.id,)] == stored(bar)
    assert [(1,)] == bar.query("SELECT count(*) FROM order_events")


def test_a_connection_that_dies_under_it_costs_nothing(
    bar: Bar, writer: OrderWriter, new_order: Callable[[], OrderPlaced], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt ends in the middle of its transaction; the second one finds what it would have found."""
    attempts: list[int] = []

    def insert(conn: Connection[Any], orders: list[OrderPlaced]) -> int:
        attempts.append(len(orders))
        if len(attempts) == 1:
            insert_orders(conn, orders)
            raise OperationalError("the server closed the connection")
        return insert_orders(conn, orders)

    monkeypatch.setattr("shakerqueue.order_store.insert_orders", insert)
    placed = new_order()
    write(writer, placed, soon())
    assert ([1, 1], [(placed.id,)]) == (attempts, stored(bar))


def test_nobody_waits_beyond_the_deadline(bar: Bar, writer: OrderWriter, new_order: Callable[[], OrderPlaced]) -> None:
    """What was not stored by then is not waited for by the writer either, and the next order is served."""
    with psycopg.connect(bar.database_url) as other:
        other.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        late = Deadline.after(0.8)
        with pytest.raises(Unavailable, match="database unavailable"):
            write(writer, new_order(), Deadline.after(0.3))
        assert not late.passed
    placed = new_order()
    write(writer, placed, soon())
    assert (placed.id,) in stored(bar)


def test_an_order_that_somebody_is_in_the_way_of_takes_nobody_along(
    bar: Bar, database: Database, writer: OrderWriter, new_order: Callable[[], OrderPlaced]
) -> None:
    """A stock-taking holds the row of a counted drink, and the other drinks are ordered all the same."""
    counted = new_order()
    with database.connection() as conn:
        others = [order(counted.principal_id, drink(conn, "Negroni")) for _ in range(10)]
    with psycopg.connect(bar.database_url) as stock_taking, ThreadPoolExecutor(11) as requests:
        stock_taking.execute("UPDATE recipes SET remaining = 10 WHERE name = 'Margarita'")
        stock_taking.commit()
        stock_taking.execute("SELECT FROM recipes WHERE name = 'Margarita' FOR UPDATE")
        first = requests.submit(write, writer, counted, soon())
        eventually(bar.waiting_for_a_lock)
        answers = [requests.submit(write, writer, one, soon()) for one in others]
        assert {None} == {answer.result(5) for answer in answers}
        with pytest.raises(Unavailable, match="55P03"):
            first.result(5)
    assert sorted((one.id,) for one in others) == stored(bar)


def test_an_error_that_nobody_foresaw_leaves_the_writer_alive(
    bar: Bar, writer: OrderWriter, new_order: Callable[[], OrderPlaced], monkeypatch: pytest.MonkeyPatch
) -> None:
    def insert(conn: Connection[Any], orders: list[OrderPlaced]) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr("shakerqueue.order_store.insert_orders", insert)
    with pytest.raises(Unavailable, match="a bug"):
        write(writer, new_order(), soon())
    monkeypatch.undo()
    write(writer, new_order(), soon())
    assert 1 == len(stored(bar))


def test_stop_stores_what_waits(bar: Bar, database: Database, new_order: Callable[[], OrderPlaced]) -> None:
    writer = OrderWriter(database)
    placed = [new_order() for _ in range(5)]
    with ThreadPoolExecutor(5) as requests:
        answers = [requests.submit(write, writer, one, soon()) for one in placed]
        eventually(lambda: 5 == writer._waiting.qsize())
        writer.start()
        writer.stop()
        assert {None} == {answer.result(5) for answer in answers}
    assert not writer._thread.is_alive()
    assert 5 == len(stored(bar))
