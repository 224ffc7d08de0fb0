"""Placing orders and looking at them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request, url_for
from psycopg import Connection

from shakerqueue import failpoints
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.order_access import visible_order
from shakerqueue.api.order_json import orders_json
from shakerqueue.api.pages import page
from shakerqueue.api.placing import Placement, placed_order, placement_of
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.schemas import (
    OrderListQuerySchema,
    OrderListSchema,
    OrderSchema,
    PlaceOrderSchema,
    QueuedOrderSchema,
    WaitQuerySchema,
)
from shakerqueue.api.services import services
from shakerqueue.api.waiting import wait_for_change
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.failpoints import Failpoint
from shakerqueue.intake import drinks_of
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.queries import orders
from shakerqueue.queries.models import Order
from shakerqueue.roles import EVERYONE, STAFF

REQUEST_SECONDS = 2.8
KEY_LOOK_UP_SECONDS = 0.1
END_OF_TIME = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))  # no order is newer

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
    failpoints.passes(Failpoint.REPLY)
    return _accepted(_queued_json(order), order.id)


@blueprint.route("")
@allow(EVERYONE)
@blueprint.arguments(OrderListQuerySchema, location="query")
@blueprint.response(200, OrderListSchema)
def list_orders(query: dict[str, Any]) -> Response:
    """Orders, the newest first: a guest's or a POS's own, the staff everybody's."""
    with services().database.connection() as conn:
        rows = _page(conn, **query)
        answer = page("orders", rows, query["limit"], lambda order: (order.placed_at, order.id))
        return jsonify({**answer, "orders": orders_json(conn, answer["orders"])})


@blueprint.route("/<uuid:order_id>")
@allow(EVERYONE)
@blueprint.arguments(WaitQuerySchema, location="query")
@blueprint.response(200, OrderSchema)
def get_order(query: dict[str, Any], order_id: UUID) -> Response:
    """One order as it is now, or, with `wait`, as it is once it has changed. Not persisted yet, it reads as queued."""
    order = _look(order_id)
    if query["wait"]:
        order = wait_for_change(lambda: _look(order_id), order, query["wait"])
    if order is None:
        return jsonify({"id": str(order_id), "status": "queued"})
    with services().database.connection() as conn:
        return jsonify(orders_json(conn, [order])[0])


def _look(order_id: UUID) -> Order | None:
    with services().database.connection() as conn:
        return visible_order(conn, order_id)


def _page(
    conn: Connection[Any], *, limit: int, cursor: tuple[Any, ...] | None, external_id: str | None, **filters: Any
) -> list[Order]:
    before_placed_at, before_id = cursor or END_OF_TIME
    filters |= {"before_placed_at": before_placed_at, "before_id": before_id, "at_most": limit + 1}
    own = None if principal().role in STAFF else principal().id
    if external_id is not None:
        return orders.list_orders_by_external_id(conn, external_id=external_id, principal_id=own, **filters)
    if own is not None:
        return orders.list_orders_of_principal(conn, principal_id=own, **filters)
    return orders.list_orders(conn, **filters)


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
    return {
        "id": str(order.id),
        "status": "queued",
        "placed_at": order.placed_at.isoformat(),
        "items": [{"number": drink.number, "recipe": drink.item.recipe} for drink in drinks_of(order)],
    }
