"""Webhook endpoints as their owners handle them. What is sent to them, and when, is the dispatcher's affair."""

import base64
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from shakerqueue.errors import NotFound, ShakerQueueError
from shakerqueue.queries import webhooks
from shakerqueue.queries.models import WebhookDelivery, WebhookDeliveryStatus, WebhookEndpoint

SECRET_BYTES = 32
OVERLAP_SECONDS = 24 * 3600  # how long the secret before is good after a rotation
MAX_SENT_AGAIN = 500  # by one request
MAX_ENDPOINTS = 10  # of an integration, or of the house: each is a reader of the log
NO_ENDPOINT = "There is no such webhook."
NO_DELIVERY = "There is no such delivery."


class SentAgain(NamedTuple):
    """How many messages go out once more, and from when on there are more that fit."""

    deliveries: int
    next_created_from: datetime | None


class TooManyEndpoints(ShakerQueueError):
    """There are as many as there may be."""


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def shown_secret(secret: bytes) -> str:
    """A secret in the form that receivers' libraries take (Standard Webhooks 1.0)."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def check_room(conn: Connection[Any], integration_id: UUID | None) -> None:
    """Make sure that an integration, or the house, may have one endpoint more. In the transaction that adds it.

    Raises:
        TooManyEndpoints: it may not.
    """
    webhooks.lock_webhook_endpoint_list(conn)
    if (webhooks.count_webhook_endpoints(conn, integration_id=integration_id) or 0) >= MAX_ENDPOINTS:
        raise TooManyEndpoints


def rotate_secret(conn: Connection[Any], endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """The endpoint with a new secret; for a day messages carry the signature of the old one as well."""
    rotated = webhooks.rotate_webhook_secret(conn, id=endpoint.id, secret=new_secret(), overlap_seconds=OVERLAP_SECONDS)
    assert rotated is not None, "it was there a moment ago, and endpoints are only marked as deleted"  # noqa: S101
    return rotated


def find_endpoint(conn: Connection[Any], endpoint_id: UUID, integration_id: UUID | None) -> WebhookEndpoint:
    """The endpoint, if it is this integration's; anybody's for None. Raises NotFound."""
    return _found(webhooks.get_webhook_endpoint(conn, id=endpoint_id, integration_id=integration_id))


def lock_endpoint(conn: Connection[Any], endpoint_id: UUID, integration_id: UUID | None) -> WebhookEndpoint:
    """As `find_endpoint`, for whoever is about to change it or its deliveries. In a transaction."""
    return _found(webhooks.lock_webhook_endpoint(conn, id=endpoint_id, integration_id=integration_id))


def find_delivery(conn: Connection[Any], endpoint: WebhookEndpoint, delivery_id: UUID) -> WebhookDelivery:
    """One message to an endpoint. Raises NotFound."""
    delivery = webhooks.get_webhook_delivery(conn, id=delivery_id, endpoint_id=endpoint.id)
    if delivery is None:
        raise NotFound(NO_DELIVERY)
    return delivery


def send_again(conn: Connection[Any], endpoint: WebhookEndpoint, delivery_id: UUID) -> WebhookDelivery:
    """Send one message once more, with the id and the body that it has; one that waits for that goes now.

    The caller has locked the endpoint.

    Raises:
        NotFound: there is no such message.
    """
    delivery = find_delivery(conn, endpoint, delivery_id)
    if delivery.status is WebhookDeliveryStatus.PENDING:
        webhooks.hurry_delivery(conn, id=delivery.id)
    else:
        _send_again(conn, endpoint, [delivery.id])
    webhooks.wake_dispatchers(conn)
    return find_delivery(conn, endpoint, delivery_id)


def send_all_again(
    conn: Connection[Any],
    endpoint: WebhookEndpoint,
    *,
    status: WebhookDeliveryStatus,
    created_from: datetime,
    created_until: datetime,
) -> SentAgain:
    """Send messages once more, the oldest first: those that were made in a span of time and ended so.

    All that is pending goes, whenever it was made; of what is done at most MAX_SENT_AGAIN. The caller has locked the
    endpoint.
    """
    if status is WebhookDeliveryStatus.PENDING:
        return SentAgain(hurry(conn, endpoint), None)
    found = webhooks.list_deliveries_to_send_again(
        conn,
        endpoint_id=endpoint.id,
        status=status,
        created_from=created_from,
        created_until=created_until,
        at_most=MAX_SENT_AGAIN + 1,
    )
    sent, rest = found[:MAX_SENT_AGAIN], found[MAX_SENT_AGAIN:]
    _send_again(conn, endpoint, [delivery.id for delivery in sent])
    webhooks.wake_dispatchers(conn)
    return SentAgain(len(sent), rest[0].created_at if rest else None)


def hurry(conn: Connection[Any], endpoint: WebhookEndpoint) -> int:
    """Let all that waits for another attempt have it now, and return how many messages those are."""
    hurried = webhooks.hurry_deliveries(conn, endpoint_id=endpoint.id)
    webhooks.wake_dispatchers(conn)
    return hurried


def _send_again(conn: Connection[Any], endpoint: WebhookEndpoint, ids: Collection[UUID]) -> None:
    sent = webhooks.send_again(conn, ids=list(ids))
    order_ids = sorted({row.order_id for row in sent if row.order_id is not None})
    webhooks.release_next_of_orders(conn, endpoint_id=endpoint.id, order_ids=order_ids)


def _found(endpoint: WebhookEndpoint | None) -> WebhookEndpoint:
    if endpoint is None:
        raise NotFound(NO_ENDPOINT)
    return endpoint
