"""One connection of the publisher, from connecting to its end. All of it runs on the publisher's thread."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

import structlog
from pika import BasicProperties, SelectConnection, URLParameters
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.delivery_mode import DeliveryMode
from pika.exceptions import AMQPConnectionError
from pika.frame import Method
from pika.spec import Basic, Queue

from shakerqueue import failpoints
from shakerqueue.failpoints import Failpoint
from shakerqueue.messaging.messages import CONTENT_TYPE, pack
from shakerqueue.messaging.outbox import Obstacle, Outbox, WaitingOrders
from shakerqueue.messaging.topology import RETRY_DELAYS_SECONDS, Topology
from shakerqueue.random_names import random_name
from shakerqueue.telemetry.metrics import (
    BREAKER_OPENED,
    CONFIRM_DURATION,
    MESSAGE_ORDERS,
    MESSAGES_RETURNED,
    PUBLISHER_CONNECTIONS,
)

CONFIRM_SECONDS = 1.5
GIVE_UP_SECONDS = 5.0  # without a confirm for this long, a new connection is tried
MAX_MESSAGES_IN_FLIGHT = 4

log = structlog.get_logger(__name__)


class QueueState(NamedTuple):
    """How the queues stand at one moment."""

    ready: int  # messages in the orders queue that no consumer has got yet
    consumers: int  # of the orders queue
    put_off: int  # messages in the retry queues
    dead_letters: int  # messages in the dead queue


@dataclass(slots=True)
class _Message:
    """A published message whose fate the broker has not told yet."""

    id: str
    waiting: list[WaitingOrders]
    published_at: float = field(default_factory=monotonic)
    sent_at: float = field(default_factory=monotonic)  # later, where the broker was blocked and read it only then
    returned: bool = False

    def confirmed(self) -> None:
        if self.returned:
            return self.failed(Obstacle.UNROUTABLE)
        for orders in self.waiting:
            orders.succeed()
        return None

    def failed(self, obstacle: Obstacle, detail: str = "") -> None:
        for orders in self.waiting:
            orders.fail(obstacle, detail)


class PublisherSession:
    """Publishes what is in the outbox, and keeps the outbox open for as long as the broker confirms in time."""

    def __init__(
        self, outbox: Outbox, hosts: list[URLParameters], topology: Topology, stopping: threading.Event
    ) -> None:
        self._ioloop = IOLoop()
        self._outbox = outbox
        self._hosts = hosts
        self._topology = topology
        self._stopping = stopping
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._outstanding: dict[int, _Message] = {}  # by delivery tag, ascending
        self._last_tag = 0
        self._blocked = False
        self._watching = False
        self._closing = False
        self._end_reason = "connection closed"

    def run(self) -> str:
        """Connect, serve until the connection ends, and say why it did."""
        try:
            SelectConnection.create_connection(self._hosts, on_done=self._on_connected, custom_ioloop=self._ioloop)
            self._ioloop.start()
        finally:
            self._outbox.shut(Obstacle.NOT_CONNECTED)
            for message in self._outstanding.values():
                message.failed(Obstacle.CONNECTION_LOST, self._end_reason)
            self._ioloop.close()
        return self._end_reason

    def close_soon(self) -> None:
        """From any thread: close as soon as all that is in flight is settled."""
        self._soon(self._close_when_idle)

    def queue_state(self) -> "Future[QueueState]":
        """From any thread: ask the broker for it. The future stays open if the connection ends first."""
        asked: Future[QueueState] = Future()
        self._soon(lambda: self._ask_queue_state(asked))
        return asked

    def _soon(self, call: Callable[[], None]) -> None:
        """From any thread: have something done on the publisher's."""
        with suppress(Exception):  # the connection may have ended by itself just now
            self._ioloop.add_callback_threadsafe(call)

    def _on_connected(self, outcome: SelectConnection | BaseException) -> None:
        if isinstance(outcome, BaseException):
            self._end(repr(outcome))
            return
        self._connection = outcome
        outcome.add_on_close_callback(lambda _, reason: self._end(repr(reason)))
        outcome.add_on_connection_blocked_callback(lambda _, frame: self._on_blocked(frame.method.reason))
        outcome.add_on_connection_unblocked_callback(lambda *_: self._on_unblocked())
        outcome.channel(on_open_callback=self._on_channel_open)

    def _on_channel_open(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _, reason: self._on_channel_closed(reason))
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=lambda _: self._on_ready())

    def _on_ready(self) -> None:
        PUBLISHER_CONNECTIONS.inc()
        log.info("publisher_connected")
        self._open_outbox()
        if self._stopping.is_set():  # asked to stop while it connected
            self._close_when_idle()

    def _open_outbox(self) -> None:
        self._outbox.open(lambda: self._soon(self._pump))

    def _on_channel_closed(self, reason: BaseException) -> None:
        if self._connection is not None and self._connection.is_open:
            self._connection.close(reply_text=str(reason)[:200])

    def _pump(self) -> None:
        """Publish what waits, as far as the window of messages in flight allows."""
        while not self._closing and len(self._outstanding) < MAX_MESSAGES_IN_FLIGHT:
            waiting = self._outbox.take()
            if not waiting:
                return
            self._publish(_Message(random_name(), waiting))

    def _publish(self, message: _Message) -> None:
        assert self._channel is not None  # noqa: S101 - nothing is pumped before the channel is open
        self._last_tag += 1
        self._outstanding[self._last_tag] = message
        bodies = [body for orders in message.waiting for body in orders.bodies]
        MESSAGE_ORDERS.observe(len(bodies))
        self._channel.basic_publish(
            self._topology.orders_exchange,
            self._topology.orders_queue,
            pack(bodies),
            BasicProperties(
                content_type=CONTENT_TYPE, delivery_mode=DeliveryMode.Persistent.value, message_id=message.id
            ),
            mandatory=True,
        )
        self._watch(CONFIRM_SECONDS)

    def _watch(self, seconds: float) -> None:
        """Look at the oldest message in flight after a while; one look is planned at a time."""
        if not self._watching:
            self._watching = True
            self._ioloop.call_later(seconds, self._look_for_confirms)

    def _look_for_confirms(self) -> None:
        """Pass the broker by once it confirms nothing in time; what is in flight is the probe that ends this."""
        self._watching = False
        if self._blocked or not self._outstanding:
            return
        age_seconds = monotonic() - next(iter(self._outstanding.values())).sent_at
        if age_seconds >= GIVE_UP_SECONDS:
            self._hang_up()
            return
        if age_seconds >= CONFIRM_SECONDS:
            self._pass_by(Obstacle.NO_CONFIRM)
        limit_seconds = GIVE_UP_SECONDS if age_seconds >= CONFIRM_SECONDS else CONFIRM_SECONDS
        self._watch(limit_seconds - age_seconds)

    def _pass_by(self, obstacle: Obstacle, detail: str = "") -> None:
        """Open the breaker: whoever waits goes another way, and so does whoever comes."""
        if self._outbox.obstacle is None:
            BREAKER_OPENED.labels(obstacle).inc()
            log.warning("broker_passed_by", reason=obstacle, detail=detail)
        self._outbox.shut(obstacle)
        for message in self._outstanding.values():
            message.failed(obstacle, detail)

    def _return_if_clear(self) -> None:
        """Close the breaker once nothing speaks against it."""
        if self._outbox.obstacle is not None and not self._blocked and not self._outstanding:
            log.info("broker_back")
            self._open_outbox()

    def _on_blocked(self, reason: str) -> None:
        """An alarm: the broker reads nothing more of this connection, and tells when it does again."""
        self._blocked = True
        self._pass_by(Obstacle.BLOCKED, reason)

    def _on_unblocked(self) -> None:
        self._blocked = False
        for message in self._outstanding.values():
            message.sent_at = monotonic()  # the broker reads it only now
        if self._outstanding:
            self._watch(CONFIRM_SECONDS)
        self._return_if_clear()

    def _on_return(self, _: Channel, method: Basic.Return, properties: BasicProperties, body: bytes) -> None:
        """Unroutable: the broker confirms such a message right after, as if all were well."""
        for message in self._outstanding.values():
            message.returned = message.returned or message.id == properties.message_id
        MESSAGES_RETURNED.inc()
        log.error("message_returned", reason=method.reply_text, routing_key=method.routing_key, size=len(body))
        self._close_when_idle()  # a new session declares the topology anew

    def _on_confirm(self, frame: Method) -> None:
        failpoints.passes(Failpoint.CONFIRM)
        confirm: Basic.Ack | Basic.Nack = frame.method
        for tag in self._settled_tags(confirm):
            message = self._outstanding.pop(tag)
            if isinstance(confirm, Basic.Nack):
                message.failed(Obstacle.REFUSED)
            else:
                CONFIRM_DURATION.observe(monotonic() - message.published_at)
                message.confirmed()
        self._return_if_clear()
        self._pump()
        if self._closing:
            self._close_when_idle()

    def _settled_tags(self, confirm: Basic.Ack | Basic.Nack) -> list[int]:
        """One confirm may settle every message up to its tag; tag 0 then means all."""
        last = confirm.delivery_tag or self._last_tag
        if confirm.multiple:
            return [tag for tag in self._outstanding if tag <= last]
        return [tag for tag in (last,) if tag in self._outstanding]

    def _ask_queue_state(self, asked: "Future[QueueState]") -> None:
        """One passive declaration a queue, the answers come in order; the last one completes the state."""
        if self._channel is None or not self._channel.is_open:
            return
        retry_queues = [self._topology.retry_queue(delay_seconds) for delay_seconds in RETRY_DELAYS_SECONDS]
        queues = [self._topology.orders_queue, *retry_queues, self._topology.dead_queue]
        told: list[Queue.DeclareOk] = []

        def hear(frame: Method) -> None:
            told.append(frame.method)
            if len(told) == len(queues):
                orders, *retries, dead = told
                put_off = sum(queue.message_count for queue in retries)
                state = QueueState(orders.message_count, orders.consumer_count, put_off, dead.message_count)
                with suppress(InvalidStateError):
                    asked.set_result(state)

        for queue in queues:
            self._channel.queue_declare(queue, passive=True, callback=hear)

    def _close_when_idle(self) -> None:
        """Take nothing more; close as soon as the broker has told the fate of all that is in flight."""
        self._closing = True
        if not self._outstanding and self._connection is not None and self._connection.is_open:
            self._connection.close()

    def _hang_up(self) -> None:
        """Close the socket at once: a broker that does not confirm would not answer a polite close either."""
        assert self._connection is not None  # noqa: S101 - something was published on it
        # pika's own heartbeat does it this way; there is no public one.
        self._connection._terminate_stream(AMQPConnectionError("the broker confirms nothing"))  # noqa: SLF001

    def _end(self, reason: str) -> None:
        self._end_reason = reason
        self._ioloop.stop()
