"""What a batch of messages means: orders to persist, and what cannot be, with the reason."""

from collections.abc import Sequence

import structlog

from consumer.deliveries import DeadLetter, Delivery
from shakerqueue.database import Database
from shakerqueue.errors import DataRefused, MalformedMessage
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import OrderPlaced, encode_order, pack, unpack

MAX_DELIVERIES = 5  # a message that came back this often may be what kills the consumer: not even parsed again

log = structlog.get_logger(__name__)


def persist(database: Database, deliveries: Sequence[Delivery]) -> list[DeadLetter]:
    """Store every order of the batch, and commit; return what can never be stored.

    Raises:
        Unavailable: the database is away; nothing is lost, and the same batch may be tried again.
    """
    orders: list[OrderPlaced] = []
    dead: list[DeadLetter] = []
    for delivery in deliveries:
        try:
            orders += _orders_of(delivery)
        except MalformedMessage as error:
            dead.append(DeadLetter(delivery.body, str(error)))
    return dead + _store(database, orders)


def _orders_of(delivery: Delivery) -> tuple[OrderPlaced, ...]:
    if delivery.delivery_count >= MAX_DELIVERIES:
        raise MalformedMessage(f"delivered {delivery.delivery_count} times without being handled")
    return unpack(delivery.body)


def _store(database: Database, orders: list[OrderPlaced]) -> list[DeadLetter]:
    """All at once; if the database refuses something of it, one by one, so that only that one is refused."""
    if not orders:
        return []
    try:
        with database.transaction() as conn:
            fresh = insert_orders(conn, orders)
    except DataRefused as error:
        if len(orders) == 1:
            return [DeadLetter(pack([encode_order(orders[0])]), str(error))]
        return [letter for order in orders for letter in _store(database, [order])]
    log.info("orders_persisted", orders=len(orders), fresh=fresh)
    return []
