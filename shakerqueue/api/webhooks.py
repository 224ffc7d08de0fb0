"""Webhooks: where a POS or the house wants to be told, and what was sent there."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from psycopg import Connection

from shakerqueue import webhooks
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.pages import END_OF_TIME, page
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.api.webhook_schemas import (
    DeliveryListQuerySchema,
    DeliveryListSchema,
    DeliverySchema,
    DeliveryWithAttemptsSchema,
    NewWebhookSchema,
    SendAgainSchema,
    SentAgainSchema,
    WebhookChangeSchema,
    WebhookListSchema,
    WebhookSchema,
    WebhookWithSecretSchema,
)
from shakerqueue.queries import webhooks as queries
from shakerqueue.queries.models import WebhookDelivery, WebhookEndpoint
from shakerqueue.roles import ADMINS
from shakerqueue.scopes import Scope
from shakerqueue.webhook_messages import body_of, message_id
from shakerqueue.webhook_targets import TargetRefused, check_url
from shakerqueue.webhook_types import TEST

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks", description="Being told, by signed requests")


@blueprint.route("", methods=["POST"])
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.arguments(NewWebhookSchema)
@blueprint.response(201, WebhookWithSecretSchema)
@contract(fails=["target_refused", "too_many_webhooks"])
def create_webhook(body: dict[str, Any]) -> dict[str, Any]:
    """Add an endpoint, which hears of what happens from now on; a key's of its own orders, an admin's of all."""
    _check_url(body["url"])
    with services().database.transaction(request_deadline()) as conn:
        _check_room(conn)
        endpoint = queries.insert_webhook_endpoint(
            conn, **body, integration_id=_own(), secret=webhooks.new_secret(), created_by=principal().id
        )
    assert endpoint is not None, "an INSERT returns its row"  # noqa: S101
    return _with_secret(endpoint)


@blueprint.route("")
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.response(200, WebhookListSchema)
def list_webhooks() -> dict[str, Any]:
    """The endpoints: a key's own, for admins everybody's."""
    with services().database.connection(request_deadline()) as conn:
        return {"webhooks": queries.list_webhook_endpoints(conn, integration_id=_own())}


@blueprint.route("/<uuid:webhook_id>")
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.response(200, WebhookSchema)
def get_webhook(webhook_id: UUID) -> WebhookEndpoint:
    """One endpoint, without its secret."""
    with services().database.connection(request_deadline()) as conn:
        return webhooks.find_endpoint(conn, webhook_id, _own())


@blueprint.route("/<uuid:webhook_id>", methods=["PATCH"])
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.arguments(WebhookChangeSchema)
@blueprint.response(200, WebhookSchema)
@contract(fails=["target_refused"])
def change_webhook(body: dict[str, Any], webhook_id: UUID) -> WebhookEndpoint:
    """Change what is named. What happened while it was disabled is sent once it is enabled, and so is what waited."""
    if "url" in body:
        _check_url(body["url"])
    with services().database.transaction(request_deadline()) as conn:
        endpoint = webhooks.lock_endpoint(conn, webhook_id, _own())
        changed = queries.update_webhook_endpoint(
            conn,
            id=endpoint.id,
            url=body.get("url"),
            types=body.get("types"),
            enabled=body.get("enabled"),
            set_description="description" in body,
            description=body.get("description"),
        )
        if "url" in body or body.get("enabled"):
            webhooks.hurry(conn, endpoint)
    return changed or endpoint


@blueprint.route("/<uuid:webhook_id>", methods=["DELETE"])
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.response(204)
def delete_webhook(webhook_id: UUID) -> Response:
    """Send nothing there any more, and forget what was sent."""
    with services().database.transaction(request_deadline()) as conn:
        queries.delete_webhook_endpoint(conn, id=webhooks.lock_endpoint(conn, webhook_id, _own()).id)
    return Response(status=204)


@blueprint.route("/<uuid:webhook_id>/rotate", methods=["POST"])
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.response(200, WebhookWithSecretSchema)
def rotate_webhook_secret(webhook_id: UUID) -> dict[str, Any]:
    """Another secret. For a day every message carries both signatures, so that no message is refused meanwhile."""
    with services().database.transaction(request_deadline()) as conn:
        return _with_secret(webhooks.rotate_secret(conn, webhooks.lock_endpoint(conn, webhook_id, _own())))


@blueprint.route("/<uuid:webhook_id>/test", methods=["POST"])
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.response(202, DeliverySchema)
@contract(fails=["disabled"])
def send_test_message(webhook_id: UUID) -> dict[str, Any]:
    """Send a message of the type `webhook.test`; the delivery says what came of it. 409 while it is disabled."""
    with services().database.transaction(request_deadline()) as conn:
        endpoint = webhooks.lock_endpoint(conn, webhook_id, _own())
        if not endpoint.enabled:
            raise Problem(409, "The webhook is disabled: nothing is sent to it.", code="disabled")
        body = body_of(TEST, datetime.now(UTC), {"webhook_id": str(endpoint.id)})
        delivery = queries.insert_lone_delivery(conn, endpoint_id=endpoint.id, type=TEST, body=body)
        queries.wake_dispatchers(conn)
    assert delivery is not None, "an INSERT returns its row"  # noqa: S101
    return _delivery_json(delivery)


@blueprint.route("/<uuid:webhook_id>/deliveries")
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.arguments(DeliveryListQuerySchema, location="query")
@blueprint.response(200, DeliveryListSchema)
def list_deliveries(query: dict[str, Any], webhook_id: UUID) -> dict[str, Any]:
    """What was sent there, or is to be sent, the newest first, of the last 30 days."""
    before_created_at, before_id = query.pop("cursor") or END_OF_TIME
    limit = query.pop("limit")
    with services().database.connection(request_deadline()) as conn:
        endpoint = webhooks.find_endpoint(conn, webhook_id, _own())
        rows = queries.list_webhook_deliveries(
            conn,
            endpoint_id=endpoint.id,
            before_created_at=before_created_at,
            before_id=before_id,
            at_most=limit + 1,
            **query,
        )
    answer = page("deliveries", rows, limit, lambda delivery: (delivery.created_at, delivery.id))
    return {**answer, "deliveries": [_delivery_json(delivery) for delivery in answer["deliveries"]]}


@blueprint.route("/<uuid:webhook_id>/deliveries/<uuid:delivery_id>")
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.response(200, DeliveryWithAttemptsSchema)
def get_delivery(webhook_id: UUID, delivery_id: UUID) -> dict[str, Any]:
    """One message with its body and a log of its attempts."""
    with services().database.connection(request_deadline()) as conn:
        endpoint = webhooks.find_endpoint(conn, webhook_id, _own())
        delivery = webhooks.find_delivery(conn, endpoint, delivery_id)
        log = queries.list_webhook_attempts(conn, delivery_id=delivery.id)
    return {**_delivery_json(delivery), "log": log}


@blueprint.route("/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/redeliver", methods=["POST"])
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.response(202, DeliverySchema)
def redeliver(webhook_id: UUID, delivery_id: UUID) -> dict[str, Any]:
    """Send one message once more, with the same id and body."""
    with services().database.transaction(request_deadline()) as conn:
        endpoint = webhooks.lock_endpoint(conn, webhook_id, _own())
        return _delivery_json(webhooks.send_again(conn, endpoint, delivery_id))


@blueprint.route("/<uuid:webhook_id>/redeliver", methods=["POST"])
@allow(ADMINS, Scope.WEBHOOKS_WRITE)
@blueprint.arguments(SendAgainSchema)
@blueprint.response(202, SentAgainSchema)
def redeliver_all(body: dict[str, Any], webhook_id: UUID) -> webhooks.SentAgain:
    """Send messages once more, the oldest first, at most 500: after an outage that lasted longer than the retries."""
    with services().database.transaction(request_deadline()) as conn:
        endpoint = webhooks.lock_endpoint(conn, webhook_id, _own())
        until = body.pop("created_until") or datetime.now(UTC)
        return webhooks.send_all_again(conn, endpoint, **body, created_until=until)


def _own() -> UUID | None:
    """Whose endpoints they see: a program its own, an admin everybody's. Those of admins are the house's."""
    return principal().id if principal().is_program else None


def _check_room(conn: Connection[Any]) -> None:
    try:
        webhooks.check_room(conn, _own())
    except webhooks.TooManyEndpoints:
        detail = f"There are {webhooks.MAX_ENDPOINTS} webhooks already; delete one first."
        raise Problem(409, detail, code="too_many_webhooks") from None


def _check_url(url: str) -> None:
    try:
        check_url(url, allow_private=services().settings.webhook_allow_private)
    except TargetRefused as error:
        wrong = FieldError("url", "target_refused", str(error))
        raise Problem(422, wrong.detail, code=wrong.code, errors=[wrong]) from None


def _with_secret(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {**asdict(endpoint), "secret": webhooks.shown_secret(endpoint.secret)}


def _delivery_json(delivery: WebhookDelivery) -> dict[str, Any]:
    return {**asdict(delivery), "message_id": message_id(delivery.id)}
