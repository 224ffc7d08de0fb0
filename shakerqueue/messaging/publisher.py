"""The one publisher of a process: a thread that owns the AMQP connection and confirms what requests hand it.

Requests wait on a future, with a deadline, while this thread packs whatever is waiting into one message, keeps
a few messages in flight, and answers each future when the broker has confirmed (or refused, or returned, or
gone). pika's connections belong to one thread: everything in publisher_session.py happens on that one.
"""

import threading
from collections.abc import Callable, Sequence
from random import uniform

import structlog
from prometheus_client import Gauge

from shakerqueue import failpoints
from shakerqueue.deadlines import Deadline
from shakerqueue.failpoints import Failpoint
from shakerqueue.messaging import connections
from shakerqueue.messaging.messages import OrderPlaced, encode_order
from shakerqueue.messaging.outbox import NotConfirmed, Obstacle, Outbox, WaitingOrders
from shakerqueue.messaging.publisher_session import CONFIRM_SECONDS, PublisherSession, QueueState
from shakerqueue.messaging.topology import Topology
from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.metrics import BREAKERS_OPEN, PUBLISH_FAILURES, PUBLISHER_WAITING
from shakerqueue.telemetry.tracing import Kind

RECONNECT_SECONDS = (0.2, 1.0)  # a pause drawn between the two, so that many processes do not return as one

log = structlog.get_logger(__name__)


class Publisher:
    """Publishes placed orders to the orders exchange, persistent, mandatory and confirmed."""

    def __init__(self, amqp_url: str, topology: Topology) -> None:
        self._hosts = connections.publisher_parameters(amqp_url)
        self._topology = topology
        self._outbox = Outbox()
        self._stopping = threading.Event()
        self._session: PublisherSession | None = None
        self._span_name = f"publish {topology.orders_exchange}"
        self._span_attributes = {
            "messaging.system": "rabbitmq",
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": topology.orders_exchange,
            "messaging.rabbitmq.destination.routing_key": topology.orders_queue,
        }
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Start the thread. Only after the process has forked: threads do not survive a fork."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Let what is in flight be confirmed, then close the connection and end the thread."""
        self._stopping.set()
        if session := self._session:
            session.close_soon()
        self._thread.join(timeout_seconds)

    @property
    def obstacle(self) -> Obstacle | None:
        """Why nothing can be published now; None while it can."""
        return self._outbox.obstacle

    def samples(self) -> dict[Gauge, Callable[[], float]]:
        """What waits and whether the breaker is open, for a `Sampler`."""
        return {
            PUBLISHER_WAITING: lambda: self._outbox.waiting_requests,
            BREAKERS_OPEN: lambda: self._outbox.obstacle is not None,
        }

    def publish(self, orders: Sequence[OrderPlaced], deadline: Deadline) -> None:
        """Return once the broker has confirmed that the orders, which share a message, are safely queued.

        Raises:
            NotConfirmed: they were not confirmed in time, or were refused. They may be queued all the same.
        """
        with tracing.span(self._span_name, Kind.PRODUCER, self._span_attributes) as span:
            failpoints.passes(Failpoint.PUBLISH)
            waiting = WaitingOrders([encode_order(order) for order in orders])
            try:
                self._outbox.put(waiting)
                waiting.wait(deadline.sooner(CONFIRM_SECONDS))
            except NotConfirmed as error:
                PUBLISH_FAILURES.labels(error.obstacle).inc(len(orders))
                span.set_attribute("shakerqueue.obstacle", error.obstacle)
                raise

    def queue_state(self, deadline: Deadline) -> QueueState:
        """How the queues stand at this moment.

        Raises:
            NotConfirmed: the broker does not answer.
        """
        session = self._session
        if session is None or self._outbox.obstacle is not None:
            raise NotConfirmed(self._outbox.obstacle or Obstacle.NOT_CONNECTED)
        try:
            return session.queue_state().result(deadline.remaining_seconds(CONFIRM_SECONDS))
        except TimeoutError:
            raise NotConfirmed(Obstacle.NO_CONFIRM) from None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._declare_topology()
                self._session = PublisherSession(self._outbox, self._hosts, self._topology, self._stopping)
                reason = self._session.run()
            except Exception as error:  # noqa: BLE001 - whatever it was: without this thread nothing is published
                reason = repr(error)
            if not self._stopping.is_set():
                log.warning("publisher_disconnected", reason=reason)
            self._stopping.wait(uniform(*RECONNECT_SECONDS))  # noqa: S311 - spreads load, guards nothing

    def _declare_topology(self) -> None:
        connection, _ = connections.open_declared(self._hosts, self._topology)
        connection.close()
