"""What a batch of messages means: orders to persist, and what cannot be, with the reason."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

import structlog

from consumer.deliveries import MAX_DELIVERY_COUNT, Delivery, Failures
from shakerqueue.database import CONTENTION, Database
from shakerqueue.errors import MalformedMessage, Unavailable
from shakerqueue.messaging.letters import Letter
from shakerqueue.messaging.messages import OrderPlaced, encode_order, pack, unpack
from shakerqueue.order_store import is_taking_orders, store, transaction_shares
from shakerqueue.telemetry.metrics import Writer

LONE_LOCK_SECONDS = 0.1  # an order that is tried alone may be one of many that wait for the same lock

log = structlog.get_logger(__name__)


class Arrived(NamedTuple):
    """An order and the delivery that brought it."""

    order: OrderPlaced
    delivery: Delivery


def persist(database: Database, deliveries: Sequence[Delivery], *, one_by_one: bool = False) -> Failures:
    """Store every order of the batch, and commit; return what could not be.

    `one_by_one` gives each order a transaction of its own: the way out when a batch fails as a whole.

    Raises:
        Unavailable: the database is away; nothing is lost, and the same batch may be tried again.
        Exception: whatever nobody foresaw, of a batch only: try one by one.
    """
    arrived, dead = _unpacked(deliveries)
    if one_by_one:
        failures = [_persist_alone(database, one) for one in arrived]
    else:
        failures = [_persist_share(database, share) for share in _shares(arrived)]
    return Failures(
        dead + [letter for each in failures for letter in each.dead],
        [letter for each in failures for letter in each.later],
    )


def _unpacked(deliveries: Sequence[Delivery]) -> tuple[list[Arrived], list[Letter]]:
    """The orders of the messages, and the messages that are none."""
    arrived: list[Arrived] = []
    dead: list[Letter] = []
    for delivery in deliveries:
        try:
            arrived += [Arrived(order, delivery) for order in _orders_of(delivery)]
        except MalformedMessage as error:
            dead.append(_letter(delivery, str(error)))
    return arrived, dead


def _orders_of(delivery: Delivery) -> tuple[OrderPlaced, ...]:
    if delivery.delivery_count >= MAX_DELIVERY_COUNT:
        raise MalformedMessage(f"delivered {delivery.delivery_count} times without being handled")
    return unpack(delivery.body)


def _shares(arrived: list[Arrived]) -> Iterator[list[Arrived]]:
    """What shares a transaction."""
    rest = iter(arrived)
    for share in transaction_shares(one.order for one in arrived):
        yield list(islice(rest, len(share)))


def _persist_share(database: Database, share: list[Arrived]) -> Failures:
    refused = store(database, [one.order for one in share], Writer.CONSUMER)
    deliveries = {one.order.id: one.delivery for one in share}
    return Failures([_letter(deliveries[one.order.id], str(one.reason), one.order) for one in refused], [])


def _persist_alone(database: Database, arrived: Arrived) -> Failures:
    """One order in its own transaction; that it fails is its own affair unless the database takes no orders at all."""
    order, delivery = arrived
    try:
        refused = store(database, [order], Writer.CONSUMER, lock_seconds=LONE_LOCK_SECONDS)
    except Unavailable as error:
        if error.sqlstate not in CONTENTION or not is_taking_orders(database):
            raise
        return Failures([], [_letter(delivery, error.reason, order)])
    except Exception as error:
        log.exception("order_failed", order_id=str(order.id))
        return Failures([], [_letter(delivery, repr(error), order)])
    return Failures([_letter(delivery, str(one.reason), order) for one in refused], [])


def _letter(delivery: Delivery, reason: str, order: OrderPlaced | None = None) -> Letter:
    """One order of the delivery, or all of it as it came."""
    return Letter(
        body=delivery.body if order is None else pack([encode_order(order)]),
        reason=reason,
        attempts=delivery.attempts + 1,
        first_failed_at=delivery.first_failed_at or datetime.now(UTC),
    )
