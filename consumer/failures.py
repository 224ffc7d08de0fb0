"""Sending what was not stored to where it goes: the dead queue, a retry queue, or the orders queue by itself."""

import structlog
from pika import URLParameters
from pika.adapters.blocking_connection import BlockingChannel
from structlog.contextvars import bound_contextvars

from consumer.deliveries import Failure, Fate
from shakerqueue.messaging import connections
from shakerqueue.messaging.letters import Letter, publish_anew, publish_dead, publish_retry
from shakerqueue.messaging.topology import RETRY_DELAYS_SECONDS, Topology
from shakerqueue.telemetry.metrics import DEAD_LETTERS, RETRIES

log = structlog.get_logger(__name__)


def send(hosts: list[URLParameters], topology: Topology, failures: list[Failure]) -> None:
    """Return once the broker has confirmed every one; at worst one of them is there twice, never nowhere.

    Raises:
        pika.exceptions.AMQPError: it did not, such as in an alarm; then all is to be sent again.
    """
    connection, channel = connections.open_declared(hosts, topology)
    with connection:
        channel.confirm_delivery()
        for failure in failures:
            with bound_contextvars(order_id=str(failure.order_id) if failure.order_id else None):
                _send_one(channel, topology, failure)


def _send_one(channel: BlockingChannel, topology: Topology, failure: Failure) -> None:
    if failure.fate is Fate.APART:
        publish_anew(channel, topology, failure.letter)
    elif failure.fate is Fate.LATER and failure.letter.attempts <= len(RETRY_DELAYS_SECONDS):
        _put_off(channel, topology, failure.letter)
    else:  # what has failed after the longest wait as well has failed for good
        publish_dead(channel, topology, failure.letter)
        DEAD_LETTERS.inc()
        log.error("dead_lettered", reason=failure.letter.reason, attempts=failure.letter.attempts)


def _put_off(channel: BlockingChannel, topology: Topology, letter: Letter) -> None:
    """The first failure waits least."""
    delay_seconds = RETRY_DELAYS_SECONDS[letter.attempts - 1]
    publish_retry(channel, topology, letter, delay_seconds)
    RETRIES.inc()
    log.warning("retried_later", reason=letter.reason, attempts=letter.attempts, delay_seconds=delay_seconds)
