"""Placing orders and looking at them."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request, url_for

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.order_json import orders_json
from shakerqueue.api.placing import Placement, placed_order, placement_of
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.schemas import OrderSchema, PlaceOrderSchema, QueuedOrderSchema
from shakerqueue.api.services import services
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.order_ids import was_issued_to
from shakerqueue.queries import orders
from shakerqueue.queries.models import Order
from shakerqueue.roles import EVERYONE, STAFF

REQUEST_SECONDS = 2.8
KEY_LOOK_UP_SECONDS = 0.1

blueprint = Blueprint("orders", __name__, url_prefix="/orders", description="Drink orders")


@blueprint.route("", methods=["POST"])
@allow(EVERYONE)
@blueprint.arguments(PlaceOrderSchema)
@blueprint.response(202, QueuedOrderSchema)
def place_order(body: dict[str, Any]) -> Response:
    """Place an order. Answered once it is safely queued; the bar sees it a moment later."""
    deadline = Deadline.after(REQUEST_SECONDS)
    placement = placement_of(principal(), request.headers.get("Idempotency-Key"), request.get_json())
    stored = _stored_under_key(placement, deadline)
    if stored is not None:
        return _replayed(placement, stored)
    order = placed_order(placement, body, deadline)
    services().publisher.publish(order, deadline)
    return _accepted(_queued_json(order), order.id)


@blueprint.route("/<uuid:order_id>")
@allow(EVERYONE)
@blueprint.response(200, OrderSchema)
def get_order(order_id: UUID) -> Response:
    """One order as it is now. Accepted but not persisted yet, it reads as queued."""
    with services().database.connection() as conn:
        order = orders.get_order(conn, id=order_id)
        if order is not None and _may_see(order):
            return jsonify(orders_json(conn, [order])[0])
    if order is None and was_issued_to(services().order_id_secret, principal().id, order_id):
        return jsonify({"id": str(order_id), "status": "queued"})
    raise Problem(404, "There is no such order.")


def _may_see(order: Order) -> bool:
    return order.principal_id == principal().id or principal().role in STAFF


def _stored_under_key(placement: Placement, deadline: Deadline) -> Order | None:
    """What this key already stands for. An own key is new by construction; the database away is no refusal."""
    if not placement.key_is_the_clients:
        return None
    try:
        with services().database.connection(deadline.sooner(KEY_LOOK_UP_SECONDS)) as conn:
            return orders.get_order_by_idempotency_key(
                conn, principal_id=placement.principal_id, idempotency_key=placement.key
            )
    except Unavailable:
        return None


def _replayed(placement: Placement, stored: Order) -> Response:
    if stored.fingerprint != placement.fingerprint:
        error = FieldError("Idempotency-Key", "idempotency_conflict", "This key stands for another order.")
        raise Problem(422, error.detail, code=error.code, errors=[error])
    with services().database.connection() as conn:
        response = _accepted(orders_json(conn, [stored])[0], stored.id)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _accepted(body: dict[str, Any], order_id: UUID) -> Response:
    response = jsonify(body)
    response.status_code = 202
    response.headers["Location"] = url_for("orders.get_order", order_id=order_id)
    return response


def _queued_json(order: OrderPlaced) -> dict[str, Any]:
    numbered = enumerate(order.items, start=1)
    return {
        "id": str(order.id),
        "status": "queued",
        "placed_at": order.placed_at.isoformat(),
        "items": [{"number": number, "recipe": item.recipe} for number, item in numbered],
    }
