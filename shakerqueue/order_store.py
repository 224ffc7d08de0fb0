"""Storing many orders: in transactions of a bounded size, each order on its own where the database refuses one."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import NamedTuple

import structlog
from psycopg import Rollback

from shakerqueue import failpoints
from shakerqueue.database import CONTENTION, Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import DataRefused, Unavailable
from shakerqueue.failpoints import Failpoint
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.queries import order_events
from shakerqueue.queries import orders as orders_queries
from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.metrics import (
    COMMIT_DURATION,
    ORDERS_KNOWN,
    ORDERS_PERSISTED,
    STORE_DELAY,
    TRANSACTION_DURATION,
    TRANSACTION_ORDERS,
    Writer,
)
from shakerqueue.telemetry.tracing import Kind

# One transaction's share: what is bound and inserted well within its deadline, whatever guests put into their orders.
MAX_TRANSACTION_DRINKS = 1000
MAX_TRANSACTION_CHARACTERS = 256 * 1024

LONE_LOCK_SECONDS = 0.1  # an order that is tried alone may be one of many that wait for the same lock
HURRIED_LOCK_SECONDS = 0.002
MAX_LOGGED_IDS = 200  # 8 KB of a line: some collectors cut at 16
# A full disk has no room for it. Not in sql/queries: sqlc does not know a table that is made on the way.
WRITE_PROBE = (
    "CREATE TEMPORARY TABLE write_probe ON COMMIT DROP AS SELECT repeat('x', 1000) FROM generate_series(1, 100)"
)

log = structlog.get_logger(__name__)


class RefusedOrder(NamedTuple):
    """An order that can never be stored, and what the database says about it."""

    order: OrderPlaced
    reason: DataRefused


def transaction_shares(orders: Iterable[OrderPlaced]) -> Iterator[list[OrderPlaced]]:
    """The orders in portions for one transaction each; an order larger than a portion is one by itself."""
    share: list[OrderPlaced] = []
    drinks = characters = 0
    for order in orders:
        drinks += order.drink_count
        characters += _characters(order)
        if share and (drinks > MAX_TRANSACTION_DRINKS or characters > MAX_TRANSACTION_CHARACTERS):
            yield share
            share, drinks, characters = [], order.drink_count, _characters(order)
        share.append(order)
    if share:
        yield share


def _characters(order: OrderPlaced) -> int:
    """What guests wrote, as often as it is stored."""
    return sum(item.quantity * (len(item.note or "") + sum(map(len, item.modifiers))) for item in order.items)


def store(
    database: Database,
    orders: list[OrderPlaced],
    writer: Writer,
    deadline: Deadline | None = None,
    lock_seconds: float | None = None,
) -> list[RefusedOrder]:
    """Store the orders of one share and commit; return those that the database refuses for what they are.

    `lock_seconds` bounds the wait for each lock, where it is to be shorter than usual.

    Raises:
        Unavailable: the database is away. What was stored is not known; all may be stored again.
    """
    try:
        with tracing.linked("store orders", Kind.INTERNAL, (order.traceparent for order in orders)):
            fresh = _committed(database, orders, writer, deadline, lock_seconds)
            _tell(orders, writer, fresh)
    except DataRefused as reason:
        if len(orders) == 1:
            return [RefusedOrder(orders[0], reason)]
        return [refused for order in orders for refused in store(database, [order], writer, deadline, lock_seconds)]
    return []


def _committed(
    database: Database,
    orders: list[OrderPlaced],
    writer: Writer,
    deadline: Deadline | None,
    lock_seconds: float | None,
) -> int:
    """Store the orders in one transaction; how many of them were not stored before."""
    with database.transaction(deadline) as conn:
        began_at = perf_counter()
        failpoints.passes(Failpoint.INSERT)
        failpoints.carries(order.id for order in orders)
        if lock_seconds is not None:
            order_events.limit_lock_wait(conn, milliseconds=str(int(lock_seconds * 1000)))
        fresh = insert_orders(conn, orders)
        tracing.current().add_event("inserted")
        failpoints.passes(Failpoint.COMMIT)
        commits_at = perf_counter()
    _count(orders, fresh, writer, began_at, commits_at)
    tracing.current().add_event("committed")
    return fresh


def _tell(orders: list[OrderPlaced], writer: Writer, fresh: int) -> None:
    """In the log, and in the trace of each order that has one."""
    order_ids = [str(order.id) for order in orders[:MAX_LOGGED_IDS]]
    log.info("orders_persisted", writer=writer, orders=len(orders), fresh=fresh, order_ids=order_ids)
    if tracing.is_on():
        tracing.current().set_attributes(
            {"shakerqueue.writer": writer, "shakerqueue.orders": len(orders), "shakerqueue.orders.fresh": fresh}
        )
        for order in orders:
            tracing.share("store order", order.traceparent, {"shakerqueue.order_id": str(order.id)})


def _count(orders: list[OrderPlaced], fresh: int, writer: Writer, began_at: float, commits_at: float) -> None:
    """What was committed just now, and how long that took."""
    ended_at = perf_counter()
    oldest_placed_at = min(order.placed_at for order in orders)
    ORDERS_PERSISTED.labels(writer).inc(fresh)
    ORDERS_KNOWN.labels(writer).inc(len(orders) - fresh)
    TRANSACTION_ORDERS.labels(writer).observe(len(orders))
    TRANSACTION_DURATION.labels(writer).observe(ended_at - began_at)
    COMMIT_DURATION.labels(writer).observe(ended_at - commits_at)
    STORE_DELAY.labels(writer).observe((datetime.now(UTC) - oldest_placed_at).total_seconds())


def store_each(
    database: Database, orders: Iterable[OrderPlaced], writer: Writer, deadline: Deadline | None = None
) -> Iterator[tuple[OrderPlaced, Exception | None]]:
    """Store each order in a transaction of its own; with each comes what kept it from being stored, if anything did.

    Somebody may be in the way of many of them: after the first the others wait only for a moment.

    Raises:
        Unavailable: the database takes no orders at all: that is no order's fault.
    """
    lock_seconds = LONE_LOCK_SECONDS
    for order in orders:
        try:
            refused = store(database, [order], writer, deadline, lock_seconds)
            yield order, refused[0].reason if refused else None
        except Unavailable as error:
            if error.sqlstate not in CONTENTION:
                raise
            if lock_seconds == LONE_LOCK_SECONDS and not is_taking_orders(database):
                raise
            lock_seconds = HURRIED_LOCK_SECONDS
            yield order, error
        except Exception as error:
            log.exception("order_failed", order_id=str(order.id))
            yield order, error


def is_taking_orders(database: Database) -> bool:
    """Whether orders can be stored at all."""
    try:
        check_takes_orders(database)
    except Unavailable:
        return False
    return True


def check_takes_orders(database: Database, deadline: Deadline | None = None) -> None:
    """Do what every insert of orders does, and leave nothing behind: locks of the tables, a write, the log's lock.

    Raises:
        Unavailable: a table is missing or locked, nothing can be written, or somebody holds the log of events.
    """
    with database.transaction(deadline) as conn:
        orders_queries.lock_intake_tables(conn)
        conn.execute(WRITE_PROBE)
        order_events.lock_event_log(conn)
        raise Rollback
