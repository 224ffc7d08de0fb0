"""The one insert, against a real PostgreSQL: exactly once, refusals stored, stock shared out, events in order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shakerqueue import intake
from shakerqueue.database import Database, DeadlineConnection, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import DataRefused, Unavailable
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced
from shakerqueue.queries import order_items, orders
from shakerqueue.queries.models import ItemStatus, OrderItem, OrderStatus
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TEST_SECONDS = 120  # longer than any test takes


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=12) as database:
        yield database


@pytest.fixture
def conn(database: Database) -> Iterator[DeadlineConnection]:
    with database.connection(Deadline.after(TEST_SECONDS)) as conn:
        yield conn


@pytest.fixture
def guest(conn: DeadlineConnection) -> UUID:
    return principal_id(conn)


def store(database: Database, *placed: OrderPlaced) -> int:
    with database.transaction() as conn:
        return insert_orders(conn, placed)


def items_of(conn: DeadlineConnection, placed: OrderPlaced) -> list[OrderItem]:
    return order_items.list_order_items(conn, order_id=placed.id)


def status_of(conn: DeadlineConnection, placed: OrderPlaced) -> OrderStatus:
    stored = orders.get_order(conn, id=placed.id)
    assert stored is not None
    return stored.status


def test_an_order_is_stored_whole(database: Database, conn: DeadlineConnection, guest: UUID) -> None:
    margarita = drink(conn, "Margarita", note="no salt 🍸 לחיים")
    placed = order(guest, margarita, drink(conn, "Negroni"), ticket="T7", external_id="check-1", note="corner table")

    assert 1 == store(database, placed)

    stored = orders.get_order(conn, id=placed.id)
    assert stored is not None
    assert (placed.placed_at, "T7", "check-1", "corner table") == (
        stored.placed_at,
        stored.ticket,
        stored.external_id,
        stored.note,
    )
    assert (OrderStatus.PENDING, 2) == (stored.status, stored.pending_count)
    assert [(1, "Margarita", "no salt 🍸 לחיים"), (2, "Negroni", None)] == [
        (item.number, item.recipe, item.note) for item in items_of(conn, placed)
    ]


def test_the_same_order_again_changes_nothing(database: Database, conn: DeadlineConnection, guest: UUID) -> None:
    placed = order(guest, drink(conn))

    assert [1, 0, 0] == [store(database, placed), store(database, placed, placed), store(database, placed)]
    assert 1 == len(items_of(conn, placed))
    assert [(placed.id, "placed")] == conn.execute("SELECT order_id, type FROM order_events").fetchall()


def test_many_writers_of_the_same_orders_store_each_once(
    database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    """Each writer has the batch in another order."""
    batch = [order(guest, drink(conn), drink(conn)) for _ in range(50)]
    shuffled = [batch[shift:] + batch[:shift] for shift in range(0, 50, 5)]

    with ThreadPoolExecutor(len(shuffled)) as writers:
        stored = list(writers.map(lambda one: store(database, *one), shuffled))

    assert 50 == sum(stored)
    assert [(50, 100)] == conn.execute("SELECT count(DISTINCT order_id), count(*) FROM order_items").fetchall()
    assert [(50,)] == conn.execute("SELECT count(*) FROM order_events").fetchall()


def test_orders_are_inserted_by_id_whatever_order_they_come_in(
    bar: Bar, database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    """Writers that meet the same orders in different order would deadlock.

    While another transaction holds the higher id, a writer of both waits there, and has the lower one already.
    """
    low, high = sorted((order(guest, drink(conn)) for _ in range(2)), key=lambda one: one.id)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    with ThreadPoolExecutor(1) as thread:
        with database.transaction() as holder:
            insert_orders(holder, [high])
            writer = thread.submit(store, database, high, low)
            eventually(lambda: bar.query(waiting), deadline_seconds=0.9)  # the writer's own lock_timeout is 1 s
            with pytest.raises(Unavailable), database.transaction() as third:
                third.execute("SET LOCAL lock_timeout = '50ms'")
                orders.insert_orders_once(third, **intake._order_columns([low]), error=None)
        assert 1 == writer.result(5)


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
def test_the_loser_of_a_key_is_stored_as_failed(
    database: Database, conn: DeadlineConnection, guest: UUID, *, together: bool
) -> None:
    """Both were answered 202, so both must be found; the one that came second says why it failed."""
    one = order(guest, drink(conn, "Margarita"), key="same", body="one")
    other = order(guest, drink(conn, "Negroni"), drink(conn, "Negroni"), key="same", body="other")

    if together:
        store(database, one, other)
    else:
        store(database, one)
        store(database, other)

    statuses = {status_of(conn, one), status_of(conn, other)}
    assert {OrderStatus.PENDING, OrderStatus.FAILED} == statuses
    loser = other if status_of(conn, one) is OrderStatus.PENDING else one
    assert {(ItemStatus.FAILED, "idempotency_conflict")} == {
        (item.status, item.error) for item in items_of(conn, loser)
    }
    kinds = conn.execute("SELECT type FROM order_events WHERE order_id = %s ORDER BY id", [loser.id]).fetchall()
    assert [("placed",)] + [("failed",)] * len(loser.items) == kinds
    assert 0 == store(database, one, other)


def test_the_same_key_of_another_principal_is_another_order(
    database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    bartender = principal_id(conn, "bartender@example.com")
    assert 2 == store(database, order(guest, drink(conn), key="k"), order(bartender, drink(conn), key="k"))
    assert [("pending", 2)] == conn.execute("SELECT status, count(*) FROM orders GROUP BY status").fetchall()


def test_what_cannot_be_made_any_more_is_refused_drink_by_drink(
    database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    margarita, negroni, mojito = (drink(conn, name) for name in ("Margarita", "Negroni", "Mojito"))
    conn.execute("UPDATE recipes SET available = false WHERE name = 'Negroni'")
    conn.execute("UPDATE recipes SET archived_at = now() WHERE name = 'Mojito'")
    unknown = ItemPlaced(recipe_id=uuid4(), recipe="Unicum Sunrise")
    placed = order(guest, margarita, negroni, mojito, unknown)

    store(database, placed)

    assert [None, "sold_out", "recipe_gone", "recipe_gone"] == [item.error for item in items_of(conn, placed)]
    stored = orders.get_order(conn, id=placed.id)
    assert stored is not None
    assert (OrderStatus.PENDING, 1, 3) == (stored.status, stored.pending_count, stored.failed_count)


def test_an_order_of_which_nothing_can_be_made_became_failed_with_its_last_drink(
    database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    gone = ItemPlaced(recipe_id=uuid4(), recipe="Unicum Sunrise", quantity=2)
    store(database, half := order(guest, drink(conn), gone))
    store(database, none := order(guest, gone))

    def told(placed: OrderPlaced) -> list[tuple[Any, ...]]:
        query = "SELECT item_number, type, order_became FROM order_events WHERE order_id = %s ORDER BY id"
        return conn.execute(query, [placed.id]).fetchall()

    assert [(None, "placed", None), (2, "failed", None), (3, "failed", None)] == told(half)
    assert [(None, "placed", None), (1, "failed", None), (2, "failed", "failed")] == told(none)


def test_events_are_numbered_in_the_order_of_commits(
    bar: Bar, database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    """A writer that comes later waits until the one before it has committed; else a reader would miss an event."""
    first, second = order(guest, drink(conn)), order(guest, drink(conn))
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    with ThreadPoolExecutor(1) as thread:
        with database.transaction() as holder:
            insert_orders(holder, [first])
            later = thread.submit(store, database, second)
            eventually(lambda: bar.query(waiting), deadline_seconds=0.9)  # its own lock_timeout is 1 s
        later.result(5)

    assert [first.id, second.id] == [row[0] for row in bar.query("SELECT order_id FROM order_events ORDER BY id")]


def test_counted_drinks_go_to_whoever_ordered_first_and_never_below_zero(
    database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    last = drink(conn, "Negroni")
    conn.execute("UPDATE recipes SET remaining = 3 WHERE name = 'Negroni'")
    batch = [order(guest, last, last, placed_at=NOON + timedelta(minutes=minute)) for minute in (2, 0, 1)]

    store(database, *batch)

    errors = [[item.error for item in items_of(conn, placed)] for placed in batch]
    assert [["sold_out", "sold_out"], [None, None], [None, "sold_out"]] == errors
    assert [(0,)] == conn.execute("SELECT remaining FROM recipes WHERE name = 'Negroni'").fetchall()
    assert [(3,)] == conn.execute("SELECT count(*) FROM order_items WHERE holds_stock").fetchall()


def test_racing_writers_never_sell_more_than_there_is(
    database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    last = drink(conn, "Negroni")
    conn.execute("UPDATE recipes SET remaining = 7 WHERE name = 'Negroni'")

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda _: store(database, order(guest, last)), range(40)))

    made = conn.execute("SELECT status, count(*) FROM order_items GROUP BY status ORDER BY status").fetchall()
    assert [("pending", 7), ("failed", 33)] == made
    assert [(0,)] == conn.execute("SELECT remaining FROM recipes WHERE name = 'Negroni'").fetchall()


def test_a_deadline_follows_from_recipe_and_rush(database: Database, conn: DeadlineConnection, guest: UUID) -> None:
    """Priority 5 allows five minutes and the preparation, 9 one minute, a rush only the preparation."""
    conn.execute("UPDATE recipes SET prep_seconds = 40, priority = NULL WHERE name = 'Margarita'")  # a sour: 5
    conn.execute("UPDATE recipes SET prep_seconds = 30, priority = 9 WHERE name = 'Negroni'")
    usual = order(guest, drink(conn, "Margarita"), drink(conn, "Negroni"), placed_at=NOON)
    rush = order(guest, drink(conn, "Margarita"), placed_at=NOON, rush=True)

    store(database, usual, rush)

    waits = [(item.due_at - NOON).total_seconds() for placed in (usual, rush) for item in items_of(conn, placed)]
    assert [340, 90, 40] == waits


def test_what_no_database_can_hold_is_refused_as_data(
    database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    for placed in (order(guest, drink(conn), note="nul \0"), order(guest, drink(conn), note="x" * 501), order(uuid4())):
        with pytest.raises(DataRefused):
            store(database, placed)
