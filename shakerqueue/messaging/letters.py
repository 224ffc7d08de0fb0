"""Messages with a history: what failed, why, since when and how often. It travels in headers, beside the body.

The same form is used on the way through the retry queues and in the dead queue, so that nothing is lost between them.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel
from pika.delivery_mode import DeliveryMode

from shakerqueue.messaging.messages import CONTENT_TYPE
from shakerqueue.messaging.topology import Topology

MAX_REASON_BYTES = 1000

REASON = "x-reason"
ATTEMPTS = "x-attempts"
FIRST_FAILED_AT = "x-first-failed-at"
BROKERS_REASON = "x-first-death-reason"  # where the broker itself moved the message


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A body that a consumer can read again, and what was tried with it."""

    body: bytes
    reason: str
    attempts: int  # how often it failed, this time included
    first_failed_at: datetime
    failed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid4().hex)


def properties_of(letter: Letter) -> BasicProperties:
    return BasicProperties(
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.Persistent.value,
        message_id=letter.id,
        timestamp=int(letter.failed_at.timestamp()),
        headers={
            REASON: letter.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"),
            ATTEMPTS: letter.attempts,
            FIRST_FAILED_AT: letter.first_failed_at.isoformat(),
        },
    )


def letter_of(properties: BasicProperties, body: bytes) -> Letter:
    """Any message as a letter, however little of a history it carries: others may have put it there."""
    headers = properties.headers or {}
    failed_at = _moment(properties.timestamp) or _moved_at(headers) or datetime.now(UTC)
    return Letter(
        id=properties.message_id or sha256(body).hexdigest()[:32],
        body=body,
        reason=str(headers.get(REASON) or headers.get(BROKERS_REASON) or "unknown"),
        attempts=attempts_of(headers),
        first_failed_at=first_failed_at_of(headers) or failed_at,
        failed_at=failed_at,
    )


def attempts_of(headers: dict[str, Any]) -> int:
    """How often it failed before; 0 for a message without a history."""
    attempts = headers.get(ATTEMPTS)
    return attempts if isinstance(attempts, int) and attempts > 0 else 0


def first_failed_at_of(headers: dict[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(headers.get(FIRST_FAILED_AT)))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _moved_at(headers: dict[str, Any]) -> datetime | None:
    """When the broker itself moved the message, as it says."""
    try:
        moment: datetime = headers["x-death"][0]["time"]
        return moment.replace(tzinfo=UTC)
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def _moment(timestamp: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def publish_dead(channel: BlockingChannel, topology: Topology, letter: Letter) -> None:
    """To the dead queue, to stay there until somebody decides. The channel confirms; errors as pika's."""
    _publish(channel, topology.dead_exchange, topology.dead_queue, letter)


def publish_retry(channel: BlockingChannel, topology: Topology, letter: Letter, delay_seconds: int) -> None:
    """To come back to the orders queue after the delay, one of `topology.RETRY_DELAYS_SECONDS`."""
    _publish(channel, topology.orders_exchange, topology.retry_queue(delay_seconds), letter)


def publish_anew(channel: BlockingChannel, topology: Topology, letter: Letter) -> None:
    """To the orders queue, as if it had never failed."""
    fresh = BasicProperties(
        content_type=CONTENT_TYPE, delivery_mode=DeliveryMode.Persistent.value, message_id=letter.id
    )
    channel.basic_publish(topology.orders_exchange, topology.orders_queue, letter.body, fresh, mandatory=True)


def _publish(channel: BlockingChannel, exchange: str, queue: str, letter: Letter) -> None:
    channel.basic_publish(exchange, queue, letter.body, properties_of(letter), mandatory=True)
