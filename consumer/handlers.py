"""What a batch of messages means: orders to persist, and what cannot be, with the reason."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from consumer.deliveries import LONE_DELIVERY_COUNT, MAX_DELIVERY_COUNT, Delivery, Failure, Fate
from shakerqueue.database import Database
from shakerqueue.errors import DataRefused, MalformedMessage, Unavailable
from shakerqueue.messaging.letters import Letter
from shakerqueue.messaging.messages import OrderPlaced, encode_order, pack, unpack
from shakerqueue.order_store import store, store_each, transaction_shares
from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.metrics import Writer
from shakerqueue.telemetry.tracing import Kind

SPAN_ATTRIBUTES = {
    "messaging.system": "rabbitmq",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
}


class Arrived(NamedTuple):
    """An order and the delivery that brought it."""

    order: OrderPlaced
    delivery: Delivery


def persist(database: Database, deliveries: Sequence[Delivery], *, one_by_one: bool = False) -> list[Failure]:
    """Store every order of the batch, and commit; return what could not be.

    `one_by_one` gives each order a transaction of its own: the way out when a batch fails as a whole.

    Raises:
        Unavailable: the database is away; nothing is lost, and the same batch may be tried again.
        Exception: whatever nobody foresaw, of a batch only: try one by one.
    """
    arrived, failures = _unpacked(deliveries)
    traceparents = (one.order.traceparent for one in arrived)
    with tracing.linked("process orders", Kind.CONSUMER, traceparents, SPAN_ATTRIBUTES) as span:
        span.set_attribute("messaging.batch.message_count", len(deliveries))
        if one_by_one:
            return failures + list(_persist_each(database, arrived))
        return failures + [failure for share in _shares(arrived) for failure in _persist_share(database, share)]


def _unpacked(deliveries: Sequence[Delivery]) -> tuple[list[Arrived], list[Failure]]:
    """The orders to store; and what is none, or has to come again apart from its neighbours."""
    arrived: list[Arrived] = []
    failures: list[Failure] = []
    for delivery in deliveries:
        try:
            orders = _orders_of(delivery)
        except MalformedMessage as error:
            failures.append(Failure(delivery.tag, Fate.DEAD, _letter(delivery, str(error))))
            continue
        if delivery.delivery_count >= LONE_DELIVERY_COUNT and len(orders) > 1:
            reason = f"delivered {delivery.delivery_count} times together with others"
            failures += [
                Failure(delivery.tag, Fate.APART, _letter(delivery, reason, order), order.id) for order in orders
            ]
        else:
            arrived += [Arrived(order, delivery) for order in orders]
    return arrived, failures


def _orders_of(delivery: Delivery) -> tuple[OrderPlaced, ...]:
    if delivery.delivery_count >= MAX_DELIVERY_COUNT:
        raise MalformedMessage(f"delivered {delivery.delivery_count} times without being handled")
    return unpack(delivery.body)


def _shares(arrived: list[Arrived]) -> Iterator[list[Arrived]]:
    """What shares a transaction."""
    rest = iter(arrived)
    for share in transaction_shares(one.order for one in arrived):
        yield list(islice(rest, len(share)))


def _persist_share(database: Database, share: list[Arrived]) -> list[Failure]:
    refused = store(database, [one.order for one in share], Writer.CONSUMER)
    deliveries = {one.order.id: one.delivery for one in share}
    return [_failure(Arrived(one.order, deliveries[one.order.id]), one.reason) for one in refused]


def _persist_each(database: Database, arrived: list[Arrived]) -> Iterator[Failure]:
    """That one of them fails is its own affair, unless the database takes no orders at all."""
    each = store_each(database, (one.order for one in arrived), Writer.CONSUMER)
    for one, (_, error) in zip(arrived, each, strict=True):
        if error is not None:
            yield _failure(one, error)


def _failure(arrived: Arrived, error: Exception) -> Failure:
    """The data is refused: for good. Anything else may pass."""
    fate = Fate.DEAD if isinstance(error, DataRefused) else Fate.LATER
    reason = error.reason if isinstance(error, Unavailable) else _told(error)
    return Failure(arrived.delivery.tag, fate, _letter(arrived.delivery, reason, arrived.order), arrived.order.id)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, DataRefused) else repr(error)


def _letter(delivery: Delivery, reason: str, order: OrderPlaced | None = None) -> Letter:
    """One order of the delivery, or all of it as it came."""
    return Letter(
        body=delivery.body if order is None else pack([encode_order(order)]),
        reason=reason,
        attempts=delivery.attempts + 1,
        first_failed_at=delivery.first_failed_at or datetime.now(UTC),
    )
