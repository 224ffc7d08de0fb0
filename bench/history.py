"""Fills a database with years of orders that are over, and with a small rest that is open.

An order has one to five drinks, so that with what happened to them it has ten events on average. Rows lie in the order
in which they would have come; ids and keys are random, as those of real orders.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from dev.run import timed_line
from shakerqueue.business_days import DAY, BusinessDays

TABLES = ["orders", "order_items", "order_events"]
ORDERS_A_NIGHT = 500
OPEN_ORDERS = 100
CHUNK_ORDERS = 50_000  # of one statement
BUSINESS_DAYS = BusinessDays(ZoneInfo("UTC"), time_of_day(5))  # those of an API that is not told otherwise
OPENS_AFTER = timedelta(hours=12)  # the begin of the business day

ADD_PAST_ORDERS = Path(__file__).with_name("past_orders.sql").read_bytes()
ADD_OPEN_ORDERS = Path(__file__).with_name("open_orders.sql").read_bytes()
ADD_GUESTS = """
INSERT INTO users (username, email, password_hash, role)
SELECT 'guest-' || n, 'guest-' || n || '@example.com', 'none', 'customer' FROM generate_series(1, 500) AS n
ON CONFLICT DO NOTHING
"""
EMPTY = "TRUNCATE orders, order_items, order_events RESTART IDENTITY CASCADE"
MORE_MEMORY = "SET statement_timeout = 0; SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'"
ANALYZE = "VACUUM (ANALYZE) orders, order_items, order_events, users"
COUNTS = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_items), (SELECT count(*) FROM order_events)"
# All but the primary key of orders, which another table refers to.
SLOW_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('p', 'f') AND conname <> 'orders_pkey'
ORDER BY contype = 'f', conname
"""
SLOW_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname <> 'orders_pkey'"


class Counts(NamedTuple):
    """How many rows there are."""

    orders: int
    drinks: int
    events: int

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.orders:,} orders, {self.drinks:,} drinks, {self.events:,} events"


def counts(conn: Connection[Any]) -> Counts:
    """What is stored."""
    [row] = conn.execute(COUNTS)
    return Counts(*row)


def fill(conn: Connection[Any], orders: int) -> None:
    """Replace what is there by so many orders that are over and the open rest. `conn` commits by itself."""
    began = time.monotonic()
    conn.execute(MORE_MEMORY)
    conn.execute(EMPTY)
    conn.execute(ADD_GUESTS)
    opens_at = BUSINESS_DAYS.begin_of(oldest_night(orders)) + OPENS_AFTER
    all_of_them = {"orders": orders, "opens_at": opens_at, "a_night": ORDERS_A_NIGHT}
    with without_slow_parts(conn):
        for first in range(1, orders + 1, CHUNK_ORDERS):
            last = min(first + CHUNK_ORDERS - 1, orders)
            conn.execute(ADD_PAST_ORDERS, {**all_of_them, "first": first, "last": last})
            timed_line("past orders", f"{last:,} of {orders:,} written", began)
        conn.execute(ADD_OPEN_ORDERS, {"orders": OPEN_ORDERS})
    conn.execute(ANALYZE)
    timed_line("past orders", "indexed and analyzed", began)


def oldest_night(orders: int) -> date:
    """The business day of the first ones. The last night is the one before the present business day."""
    return BUSINESS_DAYS.day_of(datetime.now(UTC)) - DAY * -(-orders // ORDERS_A_NIGHT)


@contextmanager
def without_slow_parts(conn: Connection[Any]) -> Iterator[None]:
    """Without indexes and foreign keys, which are made anew afterwards: row by row that takes several times as long."""
    constraints = conn.execute(SLOW_CONSTRAINTS, [TABLES]).fetchall()
    for table, name, _ in constraints:
        conn.execute(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(Identifier(table), Identifier(name)))
    indexes = conn.execute(SLOW_INDEXES, [TABLES]).fetchall()
    for name, _ in indexes:
        conn.execute(SQL("DROP INDEX {}").format(Identifier(name)))
    yield
    for _, definition in indexes:
        conn.execute(SQL(definition))
    for table, name, definition in constraints:
        added = SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(Identifier(table), Identifier(name), SQL(definition))
        conn.execute(added)
