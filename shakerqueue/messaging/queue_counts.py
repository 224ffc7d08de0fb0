"""How the queues stand, asked on a short connection by somebody who has none of their own."""

from collections.abc import Iterator
from typing import NamedTuple

from pika import BlockingConnection
from pika.exceptions import AMQPError, ChannelClosedByBroker

from shakerqueue.errors import Unavailable
from shakerqueue.messaging import connections
from shakerqueue.messaging.topology import RETRY_DELAYS_SECONDS, Topology

HEARTBEAT_SECONDS = 4  # a broker that hangs is noticed soon


class QueueCounts(NamedTuple):
    """One queue at one moment: `name` is `orders`, `retry_5s` and the like, or `dead`."""

    name: str
    ready: int  # messages that no consumer has got yet
    consumers: int


def read_queue_counts(amqp_url: str, topology: Topology) -> list[QueueCounts]:
    """Those of every queue that is there.

    Raises:
        Unavailable: the broker does not answer.
    """
    hosts = connections.parameters(amqp_url, "shakerqueue-metrics", HEARTBEAT_SECONDS)
    try:
        with connections.open_connection(hosts) as connection:
            return list(_counts(connection, topology))
    except (AMQPError, OSError) as error:
        raise Unavailable("broker", repr(error)) from error


def _counts(connection: BlockingConnection, topology: Topology) -> Iterator[QueueCounts]:
    channel = connection.channel()
    for name, queue in _queues(topology):
        try:
            declared = channel.queue_declare(queue, passive=True).method
        except ChannelClosedByBroker:  # there is no such queue
            channel = connection.channel()
        else:
            yield QueueCounts(name, declared.message_count, declared.consumer_count)


def _queues(topology: Topology) -> Iterator[tuple[str, str]]:
    yield "orders", topology.orders_queue
    for delay in RETRY_DELAYS_SECONDS:
        yield f"retry_{delay}s", topology.retry_queue(delay)
    yield "dead", topology.dead_queue
