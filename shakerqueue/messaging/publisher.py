"""The one publisher of a process: a thread that owns the AMQP connection and confirms what requests hand it.

Requests wait on a future, with a deadline, while this thread packs whatever is waiting into one message, keeps
a few messages in flight, and answers each future when the broker has confirmed (or refused, or returned, or
gone). pika's connections belong to one thread; everything below `_run` happens on that one.
"""

import threading
from collections import deque
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from random import uniform
from uuid import uuid4

import structlog
from pika import BasicProperties, SelectConnection, URLParameters
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.delivery_mode import DeliveryMode
from pika.frame import Method
from pika.spec import Basic

from shakerqueue import failpoints
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.failpoints import Failpoint
from shakerqueue.messaging import connections
from shakerqueue.messaging.messages import CONTENT_TYPE, OrderPlaced, encode_order, pack
from shakerqueue.messaging.topology import Topology

CONFIRM_SECONDS = 1.5
MAX_WAITING_ORDERS = 10_000
MAX_MESSAGES_IN_FLIGHT = 4
MAX_MESSAGE_ORDERS = 200
MAX_MESSAGE_BYTES = 128 * 1024  # one order alone may be larger; RabbitMQ's own limit is far above both
RECONNECT_SECONDS = (0.2, 1.0)  # a pause drawn between the two, so that many processes do not return as one

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An encoded order and the future that its request waits on."""

    body: bytes
    confirmed: Future[None] = field(default_factory=Future)

    def succeed(self) -> None:
        with suppress(InvalidStateError):  # its request has given up
            self.confirmed.set_result(None)

    def fail(self, reason: str) -> None:
        with suppress(InvalidStateError):
            self.confirmed.set_exception(Unavailable("broker", reason))


class Publisher:
    """Publishes placed orders to the orders exchange, persistent, mandatory and confirmed."""

    def __init__(self, amqp_url: str, topology: Topology) -> None:
        self._hosts = connections.parameters(amqp_url, "shakerqueue-publisher", connections.API_HEARTBEAT_SECONDS)
        self._topology = topology
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._lock = threading.Lock()  # guards the next three, which request threads touch too
        self._waiting: deque[_Waiting] = deque()
        self._session: _Session | None = None
        self._pump_requested = False

    def start(self) -> None:
        """Start the thread. Only after the process has forked: threads do not survive a fork."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Let what is in flight be confirmed, then close the connection and end the thread."""
        self._stopping.set()
        with self._lock:
            if self._session is not None:
                self._session.ioloop.add_callback_threadsafe(self._session.close_when_idle)
        self._thread.join(timeout_seconds)

    @property
    def connected(self) -> bool:
        return self._session is not None

    def publish(self, order: OrderPlaced, deadline: Deadline) -> None:
        """Return once the broker has confirmed that the order is safely queued.

        Raises:
            Unavailable: it was not confirmed in time, or was refused. The order may be queued all the same.
        """
        failpoints.passes(Failpoint.PUBLISH)
        waiting = _Waiting(encode_order(order))
        self._hand_over(waiting)
        try:
            waiting.confirmed.result(deadline.remaining_seconds(CONFIRM_SECONDS))
        except TimeoutError:
            waiting.confirmed.cancel()
            raise Unavailable("broker", "no confirm in time") from None

    def _hand_over(self, waiting: _Waiting) -> None:
        with self._lock:
            if self._session is None:
                raise Unavailable("broker", "not connected")
            if len(self._waiting) >= MAX_WAITING_ORDERS:
                raise Unavailable("broker", "too many orders wait to be published")
            self._waiting.append(waiting)
            if self._pump_requested:
                return  # the call that is on its way will take this one along
            self._pump_requested = True
            self._session.ioloop.add_callback_threadsafe(self._session.pump)

    def take_waiting(self) -> list[_Waiting]:
        """The orders for the next message: as many as fit, without those whose request has given up."""
        taken: list[_Waiting] = []
        size = 0
        with self._lock:
            self._pump_requested = False
            while self._waiting and len(taken) < MAX_MESSAGE_ORDERS:
                size += len(self._waiting[0].body)
                if taken and size > MAX_MESSAGE_BYTES:
                    break
                waiting = self._waiting.popleft()
                if not waiting.confirmed.cancelled():
                    taken.append(waiting)
        return taken

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._declare_topology()
                reason = _Session(self, self._hosts, self._topology).run()
            except Exception as error:  # noqa: BLE001 - whatever it was: without this thread nothing is published
                reason = repr(error)
            if not self._stopping.is_set():
                log.warning("publisher_disconnected", reason=reason)
            self._stopping.wait(uniform(*RECONNECT_SECONDS))  # noqa: S311 - spreads load, guards nothing

    def _declare_topology(self) -> None:
        connection, _ = connections.open_declared(self._hosts, self._topology)
        connection.close()

    def attach(self, session: "_Session") -> None:
        with self._lock:
            self._session = session
            self._pump_requested = False
        log.info("publisher_connected")
        if self._stopping.is_set():  # asked to stop while it connected
            session.close_when_idle()

    def detach(self, reason: str) -> None:
        """No session any more: whoever still waits hears so at once, and the next ones too."""
        with self._lock:
            self._session = None
            abandoned = list(self._waiting)
            self._waiting.clear()
        for waiting in abandoned:
            waiting.fail(reason)


@dataclass(slots=True)
class _Message:
    """A published message whose fate the broker has not told yet."""

    id: str
    orders: list[_Waiting]
    returned: bool = False


class _Session:
    """One connection's life. All of it runs on the publisher's thread."""

    def __init__(self, publisher: Publisher, hosts: list[URLParameters], topology: Topology) -> None:
        self.ioloop = IOLoop()
        self._publisher = publisher
        self._hosts = hosts
        self._topology = topology
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._outstanding: dict[int, _Message] = {}  # by delivery tag, ascending
        self._last_tag = 0
        self._closing = False
        self._end_reason = "connection closed"

    def run(self) -> str:
        """Connect, serve until the connection ends, and say why it did."""
        try:
            SelectConnection.create_connection(self._hosts, on_done=self._on_connected, custom_ioloop=self.ioloop)
            self.ioloop.start()
        finally:
            self._publisher.detach(self._end_reason)
            for message in self._outstanding.values():
                _settle(message, self._end_reason)
            self.ioloop.close()
        return self._end_reason

    def pump(self) -> None:
        """Publish what waits, as far as the window of messages in flight allows."""
        while not self._closing and len(self._outstanding) < MAX_MESSAGES_IN_FLIGHT:
            orders = self._publisher.take_waiting()
            if not orders:
                return
            self._publish(_Message(uuid4().hex, orders))

    def close_when_idle(self) -> None:
        """Take nothing more; close as soon as the broker has told the fate of all that is in flight."""
        self._closing = True
        if not self._outstanding and self._connection is not None and self._connection.is_open:
            self._connection.close()

    def _on_connected(self, outcome: SelectConnection | BaseException) -> None:
        if isinstance(outcome, BaseException):
            self._end(repr(outcome))
            return
        self._connection = outcome
        outcome.add_on_close_callback(lambda _, reason: self._end(repr(reason)))
        outcome.channel(on_open_callback=self._on_channel_open)

    def _on_channel_open(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _, reason: self._on_channel_closed(reason))
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=lambda _: self._publisher.attach(self))

    def _on_channel_closed(self, reason: BaseException) -> None:
        if self._connection is not None and self._connection.is_open:
            self._connection.close(reply_text=str(reason)[:200])

    def _publish(self, message: _Message) -> None:
        assert self._channel is not None  # noqa: S101 - nothing is pumped before the channel is open
        self._last_tag += 1
        self._outstanding[self._last_tag] = message
        self._channel.basic_publish(
            self._topology.orders_exchange,
            self._topology.orders_queue,
            pack([order.body for order in message.orders]),
            BasicProperties(
                content_type=CONTENT_TYPE, delivery_mode=DeliveryMode.Persistent.value, message_id=message.id
            ),
            mandatory=True,
        )

    def _on_return(self, _: Channel, method: Basic.Return, properties: BasicProperties, body: bytes) -> None:
        """Unroutable: the broker confirms such a message right after, as if all were well."""
        for message in self._outstanding.values():
            message.returned = message.returned or message.id == properties.message_id
        log.error("message_returned", reason=method.reply_text, routing_key=method.routing_key, size=len(body))
        self.close_when_idle()  # a new session declares the topology anew

    def _on_confirm(self, frame: Method) -> None:
        failpoints.passes(Failpoint.CONFIRM)
        confirm: Basic.Ack | Basic.Nack = frame.method
        refused = "refused by the broker" if isinstance(confirm, Basic.Nack) else None
        for tag in self._settled_tags(confirm):
            _settle(self._outstanding.pop(tag), refused)
        self.pump()
        if self._closing:
            self.close_when_idle()

    def _settled_tags(self, confirm: Basic.Ack | Basic.Nack) -> list[int]:
        """One confirm may settle every message up to its tag; tag 0 then means all."""
        last = confirm.delivery_tag or self._last_tag
        if confirm.multiple:
            return [tag for tag in self._outstanding if tag <= last]
        return [tag for tag in (last,) if tag in self._outstanding]

    def _end(self, reason: str) -> None:
        self._end_reason = reason
        self.ioloop.stop()


def _settle(message: _Message, failure: str | None) -> None:
    if message.returned:
        failure = "unroutable: no queue took the message"
    for order in message.orders:
        if failure is None:
            order.succeed()
        else:
            order.fail(failure)
