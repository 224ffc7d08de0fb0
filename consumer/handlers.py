"""What a batch of messages means: orders to persist, and what cannot be, with the reason."""

from collections.abc import Sequence

from consumer.deliveries import MAX_DELIVERY_COUNT, DeadLetter, Delivery
from shakerqueue.database import Database
from shakerqueue.errors import MalformedMessage
from shakerqueue.messaging.messages import OrderPlaced, encode_order, pack, unpack
from shakerqueue.order_store import RefusedOrder, store, transaction_shares
from shakerqueue.telemetry.metrics import Writer


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
    return dead + [_dead_letter(refused) for share in shares for refused in store(database, share, Writer.CONSUMER)]


def _orders_of(delivery: Delivery) -> tuple[OrderPlaced, ...]:
    if delivery.delivery_count >= MAX_DELIVERY_COUNT:
        raise MalformedMessage(f"delivered {delivery.delivery_count} times without being handled")
    return unpack(delivery.body)


def _dead_letter(refused: RefusedOrder) -> DeadLetter:
    return DeadLetter(pack([encode_order(refused.order)]), str(refused.reason))
