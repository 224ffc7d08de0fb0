"""A dispatcher's turn at one endpoint, as one transaction.

It begins by renewing the lease: whoever holds the endpoint no more writes nothing. Then what was sent is written down,
what happened meanwhile becomes messages, and what is due is handed out.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from consumer.webhooks.outcomes import Outcome
from consumer.webhooks.schedule import delay_seconds
from shakerqueue.errors import ShakerQueueError
from shakerqueue.queries import webhooks
from shakerqueue.queries.models import ToldEvent, WebhookDeliveryStatus, WebhookEndpoint
from shakerqueue.queries.webhooks import ListDueDeliveriesRow
from shakerqueue.webhook_messages import News, body_of, order_messages
from shakerqueue.webhook_types import WebhookType

LEASE_SECONDS = 10
MAX_EVENTS = 500  # that one turn makes messages of
GONE = 410


class LeaseLost(ShakerQueueError):
    """Another dispatcher has the endpoint, or nobody is to be told there any more."""


class Lease(NamedTuple):
    """The right to send to an endpoint, for as long as nobody has a higher token."""

    endpoint_id: UUID
    token: int


class Attempt(NamedTuple):
    """A message that was sent, and how that ended."""

    delivery: ListDueDeliveriesRow
    began_at: datetime
    outcome: Outcome


class Turn(NamedTuple):
    """What there is to do now."""

    endpoint: WebhookEndpoint
    due: Sequence[ListDueDeliveriesRow]
    seconds_until_due: float | None  # of what is not handed out yet; none where there is nothing
    behind: bool  # there is more in the log


def take_turn(
    conn: Connection[Any],
    lease: Lease,
    attempts: Sequence[Attempt],
    news: Sequence[News],
    in_flight: Collection[UUID],
    at_most: int,
) -> Turn:
    """Write down these attempts, and hand out at most so many messages besides those that are in flight.

    Raises:
        LeaseLost: nothing was written.
    """
    endpoint = webhooks.renew_lease(conn, id=lease.endpoint_id, lease_token=lease.token, lease_seconds=LEASE_SECONDS)
    if endpoint is None:
        raise LeaseLost(str(lease.endpoint_id))
    if attempts:
        endpoint = _record(conn, endpoint, attempts)
    if not endpoint.enabled:
        return Turn(endpoint, [], None, behind=False)
    behind = _make_messages(conn, endpoint, news)
    due = webhooks.list_due_deliveries(conn, endpoint_id=endpoint.id, in_flight=list(in_flight), at_most=at_most)
    busy = [*in_flight, *(delivery.id for delivery in due)]
    seconds_until_due = webhooks.get_seconds_until_due(conn, endpoint_id=endpoint.id, in_flight=busy)
    return Turn(endpoint, due, seconds_until_due, behind)


def _record(conn: Connection[Any], endpoint: WebhookEndpoint, attempts: Sequence[Attempt]) -> WebhookEndpoint:
    """Write down how they ended, and let the messages that waited for them go; the endpoint as it is then."""
    fates = [_fate(attempt) for attempt in attempts]
    recorded = webhooks.record_outcomes(
        conn,
        ids=[attempt.delivery.id for attempt in attempts],
        attempts=[attempt.delivery.attempts for attempt in attempts],
        statuses=[status for status, _ in fates],
        delays_seconds=[delay for _, delay in fates],
    )
    _log(conn, attempts, {row.id: row.attempts for row in recorded})
    done = {row.order_id for row in recorded if row.status is not WebhookDeliveryStatus.PENDING}
    _release_next(conn, endpoint.id, [order_id for order_id in done if order_id is not None])
    if any(attempt.outcome.status == GONE for attempt in attempts):
        webhooks.disable_gone_endpoint(conn, id=endpoint.id)
        return webhooks.get_webhook_endpoint(conn, id=endpoint.id, integration_id=None) or endpoint
    return endpoint


def _fate(attempt: Attempt) -> tuple[WebhookDeliveryStatus, float]:
    """What becomes of the message, and after how many seconds it is sent again if it is."""
    if attempt.outcome.delivered:
        return WebhookDeliveryStatus.DELIVERED, 0.0
    delay = delay_seconds(attempt.delivery.failures + 1, attempt.outcome.retry_after_seconds)
    if delay is None:
        return WebhookDeliveryStatus.FAILED, 0.0
    return WebhookDeliveryStatus.PENDING, delay


def _log(conn: Connection[Any], attempts: Sequence[Attempt], numbers: dict[UUID, int]) -> None:
    told = [attempt for attempt in attempts if attempt.delivery.id in numbers]
    webhooks.insert_attempts(
        conn,
        delivery_ids=[attempt.delivery.id for attempt in told],
        numbers=[numbers[attempt.delivery.id] for attempt in told],
        began_ats=[attempt.began_at for attempt in told],
        durations_seconds=[attempt.outcome.duration_seconds for attempt in told],
        status_codes=[attempt.outcome.status or 0 for attempt in told],
        errors=[attempt.outcome.error or "" for attempt in told],
        details=[attempt.outcome.detail for attempt in told],
        excerpts=[attempt.outcome.excerpt for attempt in told],
    )


def _make_messages(conn: Connection[Any], endpoint: WebhookEndpoint, news: Sequence[News]) -> bool:
    """Messages of what happened since the last turn; whether there is more of it."""
    events = _events(conn, endpoint)
    place = events[-1].id if events else endpoint.last_event_id
    if events:
        _insert(conn, endpoint, events)
    digests = _tell_news(conn, endpoint, news)
    if (place, digests) != (endpoint.last_event_id, _digests(endpoint)):
        webhooks.note_progress(
            conn,
            id=endpoint.id,
            last_event_id=place,
            menu_digest=digests[WebhookType.MENU_CHANGED],
            bar_digest=digests[WebhookType.BAR_CHANGED],
        )
    return len(events) == MAX_EVENTS


def _events(conn: Connection[Any], endpoint: WebhookEndpoint) -> list[ToldEvent]:
    after = endpoint.last_event_id
    if endpoint.integration_id is None:
        return webhooks.list_told_events_after(conn, after_id=after, at_most=MAX_EVENTS)
    return webhooks.list_told_events_of_principal_after(
        conn, principal_id=endpoint.integration_id, after_id=after, at_most=MAX_EVENTS
    )


def _insert(conn: Connection[Any], endpoint: WebhookEndpoint, events: Sequence[ToldEvent]) -> None:
    order_ids = sorted({event.order_id for event in events})
    numbered = webhooks.list_last_sequences(conn, endpoint_id=endpoint.id, order_ids=order_ids)
    last_sequences = {row.order_id: row.last_sequence for row in numbered if row.order_id is not None}
    messages = list(order_messages(events, endpoint.types, last_sequences))
    if not messages:
        return
    webhooks.insert_order_deliveries(
        conn,
        endpoint_id=endpoint.id,
        types=[message.type for message in messages],
        order_ids=[message.order_id for message in messages],
        sequences=[message.sequence for message in messages],
        bodies=[message.body for message in messages],
    )
    _release_next(conn, endpoint.id, sorted({message.order_id for message in messages}))


def _tell_news(
    conn: Connection[Any], endpoint: WebhookEndpoint, news: Sequence[News]
) -> dict[WebhookType, bytes | None]:
    """Messages of what is another than it was; what is known from now on."""
    digests = _digests(endpoint)
    for one in news:
        known = digests[one.type]
        if known not in (None, one.digest) and one.type in endpoint.types:
            body = body_of(one.type, datetime.now(UTC), one.data)
            webhooks.insert_lone_delivery(conn, endpoint_id=endpoint.id, type=one.type, body=body)
        digests[one.type] = one.digest
    return digests


def _digests(endpoint: WebhookEndpoint) -> dict[WebhookType, bytes | None]:
    return {WebhookType.MENU_CHANGED: endpoint.menu_digest, WebhookType.BAR_CHANGED: endpoint.bar_digest}


def _release_next(conn: Connection[Any], endpoint_id: UUID, order_ids: list[UUID]) -> None:
    if order_ids:
        webhooks.release_next_of_orders(conn, endpoint_id=endpoint_id, order_ids=order_ids)
