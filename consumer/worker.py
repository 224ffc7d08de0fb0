"""The AMQP side of the consumer: connect, collect a batch, let it be persisted, then acknowledge it.

Two connections: an alarm of the broker stops what comes in on a connection that publishes, acknowledgements
included, so the one that consumes never publishes.
"""

import threading
from random import uniform
from time import monotonic

import structlog
from pika import BasicProperties, URLParameters
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, ConsumerCancelled
from pika.spec import Basic

from consumer import failures, handlers
from consumer.deliveries import LONE_DELIVERY_COUNT, Delivery, Failure
from shakerqueue import failpoints
from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.failpoints import Failpoint
from shakerqueue.messaging import connections
from shakerqueue.messaging.letters import attempts_of, first_failed_at_of
from shakerqueue.messaging.topology import Topology
from shakerqueue.order_store import check_takes_orders
from shakerqueue.telemetry.metrics import (
    CONSUMER_BATCH_MESSAGES,
    CONSUMER_CONNECTED,
    CONSUMER_CONNECTIONS,
    CONSUMER_PAUSES,
    MESSAGES_REDELIVERED,
)

POLL_SECONDS = 1.0  # how soon a stop is noticed
MAX_IDLE_SECONDS = 60.0
IDLE_SECONDS = 0.003  # a moment without a message ends a batch
GATHER_SECONDS = 0.02  # where messages come without such a moment: the first one has waited for long enough
DATABASE_RETRY_SECONDS = 1.0
RECONNECT_SECONDS = (0.5, 2.0)
MAX_BATCH_BYTES = 1024 * 1024
PROBE_SECONDS = 3.0
SEND_AGAIN_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Worker:
    """Consumes the orders queue until it is told to stop."""

    def __init__(self, amqp_url: str, topology: Topology, database: Database, batch_size: int) -> None:
        self._hosts = connections.parameters(amqp_url, "shakerqueue-consumer", connections.CONSUMER_HEARTBEAT_SECONDS)
        self._topology = topology
        self._database = database
        self._batch_size = batch_size
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish the batch in hand, acknowledge it, and return from `run`. Safe in a signal handler."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether it was told to."""
        return self._stopping.is_set()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                _Session(self._hosts, self._topology, self._database, self._batch_size, self._stopping).run()
            except ConsumerCancelled:
                log.info("consumer_renewed")
                continue
            except (AMQPError, OSError) as error:
                log.warning("consumer_disconnected", reason=repr(error))
            except Exception:
                # Nobody foresaw it. What was in hand is delivered again, its count one higher: alone from the
                # second time on, and to the dead queue when it comes back too often.
                log.exception("consumer_failed")
            if not self._stopping.is_set():
                self._stopping.wait(uniform(*RECONNECT_SECONDS))  # noqa: S311 - spreads load, guards nothing


class _Session:
    """One connection's life: everything unacknowledged at its end is delivered again."""

    def __init__(
        self,
        hosts: list[URLParameters],
        topology: Topology,
        database: Database,
        batch_size: int,
        stopping: threading.Event,
    ) -> None:
        self._hosts = hosts
        self._topology = topology
        self._database = database
        self._batch_size = batch_size
        self._stopping = stopping
        self._received: list[Delivery] = []
        self._prefetch_is_wide = False
        self._unsent: list[Failure] = []
        self._send_again_at = 0.0
        self._last_delivery_at = monotonic()
        self._connection, self._channel = connections.open_declared(hosts, topology)

    def run(self) -> None:
        with self._connection:
            self._await_database()
            if self._stopping.is_set():
                return
            # One message at first: if it kills the consumer, it takes no good neighbour's delivery count along.
            self._consume(prefetch_count=1)
            CONSUMER_CONNECTIONS.inc()
            log.info("consumer_connected")
            with CONSUMER_CONNECTED.track_inprogress():
                self._consume_until_stopped()

    def _consume_until_stopped(self) -> None:
        while not self._stopping.is_set():
            self._send_what_waits()
            if batch := self._gather():
                CONSUMER_BATCH_MESSAGES.observe(len(batch))
                self._handle(batch)
            else:
                self._check_is_served()

    def _check_is_served(self) -> None:
        """End a session that would hear nothing any more; the next one declares the queue anew.

        When the queue is deleted the broker cancels the consumer. If it is back at once, RabbitMQ 3.10 does not: it
        counts what comes as delivered to us, and we get nothing. So a session that is idle for long is renewed.
        """
        idle = not self._unsent and monotonic() - self._last_delivery_at > MAX_IDLE_SECONDS
        if idle or not self._channel.consumer_tags:
            raise ConsumerCancelled

    def _await_database(self) -> None:
        """Take no message that could not be stored: each time one is given back, its delivery count rises."""
        while not self._stopping.is_set():
            try:
                return check_takes_orders(self._database, Deadline.after(PROBE_SECONDS))
            except Unavailable as error:
                self._pause(error)
        return None

    def _pause(self, error: Unavailable) -> None:
        """Wait a moment for the database; the heart beats on meanwhile."""
        CONSUMER_PAUSES.inc()
        log.warning("waiting_for_database", reason=error.reason)
        self._connection.process_data_events(DATABASE_RETRY_SECONDS)

    def _consume(self, prefetch_count: int) -> None:
        self._channel.basic_qos(prefetch_count=prefetch_count)
        self._consumer_tag = self._channel.basic_consume(self._topology.orders_queue, self._on_message)

    def _on_message(self, _: BlockingChannel, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> None:
        self._last_delivery_at = monotonic()
        if method.redelivered:
            MESSAGES_REDELIVERED.inc()
        headers = properties.headers or {}
        self._received.append(
            Delivery(
                method.delivery_tag,
                body,
                delivery_count=int(headers.get("x-delivery-count", 0)),
                attempts=attempts_of(headers),
                first_failed_at=first_failed_at_of(headers),
            )
        )

    def _gather(self) -> list[Delivery]:
        """What has been delivered, up to the batch size; a redelivered message that is suspect comes alone."""
        if not self._received:
            self._connection.process_data_events(POLL_SECONDS)
        until = Deadline.after(GATHER_SECONDS)
        while self._received and not self._is_full() and not until.passed:
            before = len(self._received)
            self._connection.process_data_events(IDLE_SECONDS)
            if len(self._received) == before:
                break
        size = batch_length(self._received, self._batch_size)
        batch, self._received = self._received[:size], self._received[size:]
        return batch

    def _is_full(self) -> bool:
        return batch_length(self._received, self._batch_size) < len(self._received) or (
            len(self._received) >= self._batch_size
        )

    def _handle(self, batch: list[Delivery]) -> None:
        failed = self._persist(batch)
        if failed is None:
            return  # stopped while the database was away: unacknowledged, so it is delivered again
        self._unsent += failed
        self._send()
        failpoints.passes(Failpoint.ACK)
        if not self._prefetch_is_wide and (self._unsent or not batch[-1].delivery_count):
            self._widen_prefetch_and_acknowledge(batch)
        else:
            self._acknowledge(batch)

    def _acknowledge(self, batch: list[Delivery]) -> None:
        """All at once, unless some of it is still to be sent elsewhere."""
        held = {failure.tag for failure in self._unsent}
        if not held:
            self._channel.basic_ack(batch[-1].tag, multiple=True)
            return
        for delivery in batch:
            if delivery.tag not in held:
                self._channel.basic_ack(delivery.tag)

    def _send(self) -> None:
        """Send what failed to where it goes, each confirmed before its delivery is acknowledged.

        While the broker takes nothing, in an alarm, that waits, unacknowledged, and the good orders go on: to find out
        that it still takes nothing lasts seconds, so that is not done with every batch.
        """
        if not self._unsent or monotonic() < self._send_again_at:
            return
        try:
            failures.send(self._hosts, self._topology, self._unsent)
        except (AMQPError, OSError) as error:
            self._send_again_at = monotonic() + SEND_AGAIN_SECONDS
            log.warning("failures_unsent", waiting=len(self._unsent), reason=repr(error))
            return
        self._unsent = []

    def _send_what_waits(self) -> None:
        """What could not be sent before: now, and then its deliveries are done."""
        tags = sorted({failure.tag for failure in self._unsent})
        self._send()
        if not self._unsent:
            for tag in tags:
                self._channel.basic_ack(tag)

    def _persist(self, batch: list[Delivery]) -> list[Failure] | None:
        """Persist and commit, however long the database is away."""
        failed_before = False
        while not self._stopping.is_set():
            try:
                return handlers.persist(self._database, batch, one_by_one=failed_before)
            except Unavailable as error:
                self._pause(error)
            except Exception:
                if failed_before:
                    raise
                log.exception("batch_failed")
            failed_before = True
        return None

    def _widen_prefetch_and_acknowledge(self, batch: list[Delivery]) -> None:
        """A consumer's prefetch is fixed when it starts, so it is replaced by one that takes whole batches.

        Not before something new was stored: among what comes again may be what ended the last consumer. (What is
        unsent is held back, and would keep a narrow one from getting anything.) While the only message it may hold
        is unacknowledged nothing more comes, so nothing is thrown back.
        """
        self._channel.basic_cancel(self._consumer_tag)
        self._acknowledge(batch)
        self._consume(prefetch_count=2 * self._batch_size)
        self._prefetch_is_wide = True


def batch_length(received: list[Delivery], batch_size: int) -> int:
    """How many of the first deliveries make the next batch: a suspect alone, others up to a suspect or a limit."""
    size = 0
    for index, delivery in enumerate(received[:batch_size]):
        size += len(delivery.body)
        if index and (delivery.delivery_count >= LONE_DELIVERY_COUNT or size > MAX_BATCH_BYTES):
            return index
        if delivery.delivery_count >= LONE_DELIVERY_COUNT:
            return 1
    return min(len(received), batch_size)
