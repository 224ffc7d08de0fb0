"""Storing many orders: in transactions of a bounded size, each order on its own where the database refuses one."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import structlog

from shakerqueue import failpoints
from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import DataRefused, Unavailable
from shakerqueue.failpoints import Failpoint
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.queries import order_events
from shakerqueue.queries import orders as orders_queries
from shakerqueue.telemetry.metrics import ORDERS_KNOWN, ORDERS_PERSISTED, Writer

# One transaction's share: what is bound and inserted well within its deadline, whatever guests put into their orders.
MAX_TRANSACTION_DRINKS = 1000
MAX_TRANSACTION_CHARACTERS = 256 * 1024

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
        with database.transaction(deadline) as conn:
            failpoints.passes(Failpoint.INSERT)
            failpoints.carries(order.id for order in orders)
            if lock_seconds is not None:
                order_events.limit_lock_wait(conn, milliseconds=str(int(lock_seconds * 1000)))
            fresh = insert_orders(conn, orders)
            failpoints.passes(Failpoint.COMMIT)
    except DataRefused as reason:
        if len(orders) == 1:
            return [RefusedOrder(orders[0], reason)]
        return [refused for order in orders for refused in store(database, [order], writer, deadline, lock_seconds)]
    ORDERS_PERSISTED.labels(writer).inc(fresh)
    ORDERS_KNOWN.labels(writer).inc(len(orders) - fresh)
    log.info("orders_persisted", orders=len(orders), fresh=fresh)
    return []


def is_taking_orders(database: Database) -> bool:
    """Whether orders can be stored at all: the tables are there and nobody holds the log of events."""
    try:
        with database.transaction() as conn:
            orders_queries.lock_intake_tables(conn)
            order_events.lock_event_log(conn)
    except Unavailable:
        return False
    return True
