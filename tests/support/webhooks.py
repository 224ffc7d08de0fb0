"""Endpoints and their deliveries for tests, as the database has them."""

from typing import Any
from uuid import UUID

from psycopg import Connection

from shakerqueue.queries import webhooks
from shakerqueue.queries.models import WebhookEndpoint
from shakerqueue.webhook_types import WebhookType
from shakerqueue.webhooks import new_secret


def add_endpoint(
    conn: Connection[Any],
    url: str = "http://127.0.0.1:9/hooks",
    *types: WebhookType,
    integration_id: UUID | None = None,
    created_by: UUID | None = None,
) -> WebhookEndpoint:
    """An endpoint that wants these types, or all."""
    endpoint = webhooks.insert_webhook_endpoint(
        conn,
        url=url,
        types=list(types or WebhookType),
        description=None,
        secret=new_secret(),
        integration_id=integration_id,
        created_by=created_by,
    )
    assert endpoint is not None
    return endpoint
