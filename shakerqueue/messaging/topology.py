"""Exchanges and queues. Arguments of a queue are immutable, so its name carries a version: to change one, add one.

Written for RabbitMQ 3.10 to 4.x. Every queue is a quorum queue that refuses what it has no room for (the
publisher then hears a nack) and hands dead letters on with at-least-once.
"""

from dataclasses import dataclass
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel

RETRY_DELAYS_SECONDS = (5, 30, 300)
MAX_QUEUE_BYTES = 1 << 30
DELIVERY_LIMIT = 100
# Each look at the dead letters takes them and puts them back; at the limit they would be dropped. Without one of our
# own 4.x has 20, and -1 means none at all to it but the very next return to 3.10.
DEAD_DELIVERY_LIMIT = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Topology:
    """The names of everything, under one prefix: two bars, or two test runs, can share a broker."""

    prefix: str

    @property
    def orders_exchange(self) -> str:
        return f"{self.prefix}.orders"

    @property
    def dead_exchange(self) -> str:
        return f"{self.prefix}.dead"

    @property
    def orders_queue(self) -> str:
        return f"{self.prefix}.orders.v1"

    @property
    def dead_queue(self) -> str:
        return f"{self.prefix}.orders.dead.v1"

    def retry_queue(self, delay_seconds: int) -> str:
        return f"{self.prefix}.orders.retry.{delay_seconds}s.v1"

    @property
    def queues(self) -> dict[str, dict[str, Any]]:
        """Each queue's name with its arguments."""
        retries = {self.retry_queue(delay): self._retry_arguments(delay) for delay in RETRY_DELAYS_SECONDS}
        return {
            self.orders_queue: self._orders_arguments(),
            **retries,
            self.dead_queue: self._dead_arguments(),
        }

    def _orders_arguments(self) -> dict[str, Any]:
        return {
            **_quorum(DELIVERY_LIMIT),
            **_dead_letters_to(self.dead_exchange, self.dead_queue),
            "x-max-length-bytes": MAX_QUEUE_BYTES,
        }

    def _retry_arguments(self, delay_seconds: int) -> dict[str, Any]:
        return {
            **_quorum(DELIVERY_LIMIT),
            **_dead_letters_to(self.orders_exchange, self.orders_queue),
            "x-message-ttl": delay_seconds * 1000,
        }

    def _dead_arguments(self) -> dict[str, Any]:
        return _quorum(DEAD_DELIVERY_LIMIT)


def _quorum(delivery_limit: int) -> dict[str, Any]:
    return {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-delivery-limit": delivery_limit}


def _dead_letters_to(exchange: str, routing_key: str) -> dict[str, Any]:
    return {
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-routing-key": routing_key,
        # The default (at-most-once) loses what expires while the target is absent.
        "x-dead-letter-strategy": "at-least-once",
    }


def declare(channel: BlockingChannel, topology: Topology) -> None:
    """Declare everything; what is there already stays. A queue is bound under its own name."""
    channel.exchange_declare(topology.orders_exchange, exchange_type="direct", durable=True)
    channel.exchange_declare(topology.dead_exchange, exchange_type="direct", durable=True)
    for queue, arguments in topology.queues.items():
        channel.queue_declare(queue, durable=True, arguments=arguments)
        exchange = topology.dead_exchange if queue == topology.dead_queue else topology.orders_exchange
        channel.queue_bind(queue, exchange, routing_key=queue)
