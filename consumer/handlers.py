"""What a batch of messages means: orders to persist, and what cannot be, with the reason."""

from collections.abc import Iterable, Iterator, Sequence

import structlog

from consumer.deliveries import MAX_DELIVERY_COUNT, DeadLetter, Delivery
from shakerqueue import failpoints
from shakerqueue.database import Database
from shakerqueue.errors import DataRefused, MalformedMessage
from shakerqueue.failpoints import Failpoint
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import OrderPlaced, encode_order, pack, unpack
from shakerqueue.telemetry.metrics import ORDERS_KNOWN, ORDERS_PERSISTED, Writer

# One transaction's share: what is bound and inserted well within its deadline, whatever guests put into their orders.
MAX_TRANSACTION_DRINKS = 1000
MAX_TRANSACTION_CHARACTERS = 256 * 1024

log = structlog.get_logger(__name__)


def persist(database: Database, deliveries: Sequence[Delivery], *, one_by_one: bool = False) -> list[DeadLetter]:
    """Store every order of the batch, and commit; return what can never be stored.

    `one_by_one` gives each order a transaction of its own: the way out when a batch fails as a whole.

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
    shares = [[order] for order in orders] if one_by_one else transaction_shares(orders)
    return dead + [letter for share in shares for letter in _store(database, share)]


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


def _orders_of(delivery: Delivery) -> tuple[OrderPlaced, ...]:
    if delivery.delivery_count >= MAX_DELIVERY_COUNT:
        raise MalformedMessage(f"delivered {delivery.delivery_count} times without being handled")
    return unpack(delivery.body)


def _store(database: Database, orders: list[OrderPlaced]) -> list[DeadLetter]:
    """All at once; if the database refuses something of it, one by one, so that only that one is refused."""
    try:
        with database.transaction() as conn:
            failpoints.passes(Failpoint.INSERT)
            fresh = insert_orders(conn, orders)
            failpoints.passes(Failpoint.COMMIT)
    except DataRefused as error:
        if len(orders) == 1:
            return [DeadLetter(pack([encode_order(orders[0])]), str(error))]
        return [letter for order in orders for letter in _store(database, [order])]
    ORDERS_PERSISTED.labels(Writer.CONSUMER).inc(fresh)
    ORDERS_KNOWN.labels(Writer.CONSUMER).inc(len(orders) - fresh)
    log.info("orders_persisted", orders=len(orders), fresh=fresh)
    return []
