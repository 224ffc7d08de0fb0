"""Past orders: whole, in the past, one by one right, and taken up where an interrupted run ended."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from seed import history
from seed.history import People, add_past_orders
from seed.loader import demo_user_ids
from shakerqueue.database import Database, running_database
from shakerqueue.order_ids import was_issued_to
from shakerqueue.queries import orders, users
from shakerqueue.queries.models import UserRole
from tests.support.bar import Bar

TOTAL = 700


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=4) as database:
        yield database


@pytest.fixture
def people(database: Database) -> People:
    with database.connection() as conn:
        return People(demo_user_ids(conn, UserRole.CUSTOMER), demo_user_ids(conn, UserRole.EMPLOYEE))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "BATCH_SIZE", 100)


def ignore(stored: int) -> None:
    """Progress that nobody looks at."""


def one(bar: Bar, query: str) -> object:
    [(value,)] = bar.query(query)
    return value


def counts(bar: Bar, query: str) -> dict[object, object]:
    return {row[0]: row[1] for row in bar.query(query)}


def number_of_orders(bar: Bar) -> object:
    return one(bar, "SELECT count(*) FROM orders")


def test_as_many_as_asked_for_and_all_of_them_over(bar: Bar, database: Database, people: People) -> None:
    told: list[int] = []
    assert TOTAL == add_past_orders(database, people, TOTAL, told.append)
    assert list(range(100, TOTAL + 1, 100)) == told
    assert TOTAL == number_of_orders(bar)
    ended = bar.query("SELECT status::text FROM orders GROUP BY status ORDER BY count(*) DESC")
    assert [("complete",), ("canceled",), ("failed",)] == ended


def test_the_counts_of_an_order_are_those_of_its_drinks(bar: Bar, database: Database, people: People) -> None:
    add_past_orders(database, people, TOTAL, ignore)
    wrong = bar.query(
        "SELECT o.id FROM orders AS o LEFT JOIN LATERAL ("
        " SELECT count(*) FILTER (WHERE status = 'complete') AS complete,"
        "  count(*) FILTER (WHERE status = 'failed') AS failed,"
        "  count(*) FILTER (WHERE status = 'canceled') AS canceled, count(*) AS drinks, max(number) AS last"
        " FROM order_items WHERE order_id = o.id) AS i ON true"
        " WHERE (complete_count, failed_count, canceled_count) IS DISTINCT FROM (complete, failed, canceled)"
        " OR drinks IS DISTINCT FROM last"
    )
    assert [] == wrong


def test_every_drink_was_made_in_a_plausible_order_of_time(bar: Bar, database: Database, people: People) -> None:
    add_past_orders(database, people, TOTAL, ignore)
    wrong = bar.query(
        "SELECT i.* FROM order_items AS i JOIN orders AS o ON o.id = i.order_id WHERE NOT ("
        " o.placed_at < i.due_at AND i.changed_by IS NOT NULL AND o.updated_at > o.placed_at AND CASE i.status"
        "  WHEN 'complete' THEN o.placed_at < started_at AND started_at < completed_at AND completed_at <= o.updated_at"
        "   AND claimed_by IS NOT NULL"
        "   AND (served_at IS NULL OR completed_at < served_at AND served_at <= o.updated_at)"
        "  WHEN 'failed' THEN started_at IS NOT NULL AND i.error IS NOT NULL AND claimed_by IS NOT NULL"
        "  WHEN 'canceled' THEN started_at IS NULL AND claimed_by IS NULL AND canceled_at = o.updated_at"
        "   AND NOT cancellation_unseen END)"
    )
    assert [] == wrong


def test_nearly_every_drink_that_was_made_is_marked_as_served(bar: Bar, database: Database, people: People) -> None:
    add_past_orders(database, people, TOTAL, ignore)
    [(served, made)] = bar.query(
        "SELECT count(*) FILTER (WHERE served_at IS NOT NULL), count(*) FROM order_items WHERE status = 'complete'"
    )
    assert 0.9 < served / made < 1  # type: ignore[operator]


def test_all_happened_in_the_last_year_while_the_bar_was_open(bar: Bar, database: Database, people: People) -> None:
    add_past_orders(database, people, TOTAL, ignore)
    [(first, last)] = bar.query("SELECT min(placed_at), max(placed_at) FROM orders")
    now = datetime.now(UTC)
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    assert now - timedelta(days=368) < first < now - timedelta(days=300)
    assert now - timedelta(days=30) < last < now
    assert 0 == one(bar, "SELECT count(*) FROM orders WHERE extract(hour FROM placed_at) BETWEEN 2 AND 16")


def test_the_deadlines_are_those_that_the_intake_would_have_set(bar: Bar, database: Database, people: People) -> None:
    """75 seconds for a stirred drink of priority 5 and five minutes more; nothing more in a rush."""
    bar.query("UPDATE recipes SET prep_seconds = null, priority = null, build = 'stirred' RETURNING id")
    add_past_orders(database, people, TOTAL, ignore)
    found = bar.query(
        "SELECT DISTINCT o.rush, extract(epoch FROM i.due_at - o.placed_at)::int, i.prep_seconds"
        " FROM order_items AS i JOIN orders AS o ON o.id = i.order_id ORDER BY 1"
    )
    assert [(False, 375, 75), (True, 75, 75)] == found


def test_the_log_has_the_whole_story_in_order(bar: Bar, database: Database, people: People) -> None:
    add_past_orders(database, people, TOTAL, ignore)
    told = counts(bar, "SELECT type::text, count(*) FROM order_events GROUP BY type")
    drinks = counts(bar, "SELECT status::text, count(*) FROM order_items GROUP BY status")
    started = one(bar, "SELECT count(*) FROM order_items WHERE started_at IS NOT NULL")
    served = one(bar, "SELECT count(*) FROM order_items WHERE served_at IS NOT NULL")
    assert {
        "placed": TOTAL,
        "started": started,
        "completed": drinks["complete"],
        "served": served,
        "failed": drinks["failed"],
        "canceled": drinks["canceled"],
    } == told
    # Within one batch; the next may begin while the last drinks of this one are being made.
    backwards = (
        "SELECT count(*) FROM (SELECT created_at, lag(created_at) OVER (ORDER BY id) AS before FROM order_events) AS e"
        " WHERE before > created_at"
    )
    assert one(bar, backwards) <= TOTAL // 100  # type: ignore[operator]


def test_the_ids_are_real_and_the_owners_are_the_demo_customers(bar: Bar, database: Database, people: People) -> None:
    add_past_orders(database, people, 10, ignore)
    with database.connection() as conn:
        secret = users.get_order_id_secret(conn)
        assert secret is not None
        found = [orders.get_order(conn, id=id) for id in conn.execute("SELECT id FROM orders").fetchall() for id in id]
    assert {True} == {
        order is not None
        and order.principal_id in people.customer_ids
        and was_issued_to(secret, order.principal_id, order.id)
        for order in found
    }


def test_favourites_are_ordered_most(bar: Bar, database: Database, people: People) -> None:
    add_past_orders(database, people, TOTAL, ignore)
    [(favourite,)] = bar.query("SELECT recipe FROM order_items GROUP BY recipe ORDER BY count(*) DESC LIMIT 1")
    assert favourite in ("Margarita", "Mojito")


def test_a_repeat_adds_nothing_and_a_higher_total_the_difference(bar: Bar, database: Database, people: People) -> None:
    assert [250, 0, 0, 50] == [add_past_orders(database, people, total, ignore) for total in (250, 250, 100, 300)]
    assert 300 == number_of_orders(bar)
    assert 300 == one(bar, "SELECT count(*) FROM order_events WHERE type = 'placed'")


def test_what_was_interrupted_is_taken_up_where_it_ended(bar: Bar, database: Database, people: People) -> None:
    def interrupt(stored: int) -> None:
        if stored == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_past_orders(database, people, 500, interrupt)
    assert 200 == number_of_orders(bar)
    assert 300 == add_past_orders(database, people, 500, ignore)
    assert 500 == number_of_orders(bar)


def test_two_runs_at_once_make_no_order_twice(bar: Bar, database: Database, people: People) -> None:
    with ThreadPoolExecutor(2) as runs:
        list(runs.map(lambda _: add_past_orders(database, people, 400, ignore), range(2)))
    assert 400 == number_of_orders(bar)
    assert 400 == one(bar, "SELECT count(*) FROM order_events WHERE type = 'placed'")


def seed(bar: Bar, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**bar.environment(port=1), **settings}
    return subprocess.run([sys.executable, "-m", *words], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [["seed"], ["shakerqueue.cli", "seed"]])
def test_both_commands_take_the_number(bar: Bar, command: list[str]) -> None:
    ran = seed(bar, *command, "--orders", "30")
    assert (0, 30) == (ran.returncode, number_of_orders(bar)), ran.stderr
    assert "past orders: 30 of 30" in ran.stdout


def test_production_refuses_past_orders(bar: Bar) -> None:
    ran = seed(bar, "seed", "--orders", "30", SHAKERQUEUE_ENV="production", BCRYPT_COST="12")
    assert (1, 0) == (ran.returncode, number_of_orders(bar))
    assert "refused in production" in ran.stderr


@pytest.mark.parametrize("number", ["-1", "many", "1000000000"])
def test_a_number_that_is_none_is_refused(bar: Bar, number: str) -> None:
    assert 2 == seed(bar, "seed", "--orders", number).returncode
