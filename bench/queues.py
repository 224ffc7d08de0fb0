"""The contenders' queues: declared alike, and emptied while what they hold is looked at."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Self

import msgspec
from pika import BasicProperties, BlockingConnection
from pika.adapters.blocking_connection import BlockingChannel
from pika.delivery_mode import DeliveryMode

from shakerqueue.messaging import connections
from shakerqueue.messaging.messages import unpack
from shakerqueue.messaging.topology import Topology

QUIET_SECONDS = 0.3  # without a message for this long, a queue is empty and nobody publishes into it

Ids = Callable[[bytes], list[str]]


class _Identified(msgspec.Struct):
    id: str


class _Task(msgspec.Struct):
    args: tuple[_Identified]


def envelope_ids(body: bytes) -> list[str]:
    """The ids of the orders in one of our messages."""
    return [str(order.id) for order in unpack(body)]


def single_id(body: bytes) -> list[str]:
    """The id of the order in a message that carries one, as the peers' do."""
    return [msgspec.json.decode(body, type=_Identified).id]


def task_id(body: bytes) -> list[str]:
    """The id of the order that is a task's only argument, in a message of dramatiq's."""
    return [msgspec.json.decode(body, type=_Task).args[0].id]


class Drained(NamedTuple):
    """What was in a queue: the ids of its orders in order of arrival, and how many messages carried them."""

    ids: list[str]
    messages: int


class Queues:
    """A connection to the broker beside those of the contenders."""

    def __init__(self, connection: BlockingConnection) -> None:
        self._connection = connection
        self._channel: BlockingChannel = connection.channel()

    @classmethod
    @contextmanager
    def of(cls, amqp_url: str, topologies: list[Topology]) -> Iterator[Self]:
        """Declare the topologies, one for each contender, and delete them at the end."""
        hosts = connections.parameters(amqp_url, "shakerqueue-bench", heartbeat_seconds=0)
        for topology in topologies:
            connection, channel = connections.open_declared(hosts, topology)
            channel.close()
            connection.close()
        connection = BlockingConnection(hosts)
        queues = cls(connection)
        try:
            yield queues
        finally:
            for topology in topologies:
                queues._delete(topology)
            connection.close()

    @property
    def broker(self) -> str:
        """What the broker says it is, such as ``RabbitMQ 3.10.8``."""
        properties = self._connection._impl.server_properties  # noqa: SLF001 - there is no public way to it
        return f"{properties['product']} {properties['version']}"

    def publish_all(self, topology: Topology, bodies: Iterable[bytes]) -> None:
        """Put persistent messages into the orders queue; all are in it when this returns."""
        persistent = BasicProperties(delivery_mode=DeliveryMode.Persistent.value)
        published = 0
        for body in bodies:
            self._channel.basic_publish(topology.orders_exchange, topology.orders_queue, body, persistent)
            published += 1
        while self._channel.queue_declare(topology.orders_queue, passive=True).method.message_count < published:
            self._connection.process_data_events(QUIET_SECONDS)

    def drain(self, queue: str, ids: Ids) -> Drained:
        """Take everything out of a queue, also what arrives until it has been quiet for a moment."""
        found: list[str] = []
        messages = 0
        for method, _, body in self._channel.consume(queue, auto_ack=True, inactivity_timeout=QUIET_SECONDS):
            if method is None:
                break
            found += ids(body)
            messages += 1
        self._channel.cancel()
        return Drained(found, messages)

    def _delete(self, topology: Topology) -> None:
        for queue in topology.queues:
            self._channel.queue_delete(queue)
        for exchange in (topology.orders_exchange, topology.dead_exchange):
            self._channel.exchange_delete(exchange)
