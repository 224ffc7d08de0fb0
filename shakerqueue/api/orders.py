"""Placing orders and looking at them."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from psycopg import Connection

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.idempotency import earlier_order, header_key, replayed, stored_order
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.order_access import visible_order
from shakerqueue.api.order_json import accepted, orders_json, queued_json
from shakerqueue.api.pages import END_OF_TIME, page
from shakerqueue.api.placing import placed_order, placement_of, terms_for
from shakerqueue.api.problems import Problem
from shakerqueue.api.request_context import note_orders
from shakerqueue.api.requests import extend_deadline, request_deadline
from shakerqueue.api.schemas import (
    QUEUED,
    BriefOrderSchema,
    OrderListQuerySchema,
    OrderListSchema,
    OrderSchema,
    PlaceOrderSchema,
    QueuedOrderSchema,
    UnstoredOrderSchema,
    WaitQuerySchema,
)
from shakerqueue.api.services import services
from shakerqueue.api.waiting import wait_for_change
from shakerqueue.queries import orders
from shakerqueue.queries.models import Order
from shakerqueue.roles import PEOPLE
from shakerqueue.scopes import Scope

blueprint = Blueprint("orders", __name__, url_prefix="/orders", description="Drink orders")


@blueprint.route("", methods=["POST"])
@allow(PEOPLE, Scope.ORDERS_WRITE)
@blueprint.arguments(PlaceOrderSchema)
@blueprint.response(202, QueuedOrderSchema, headers=["Location", "Idempotent-Replayed"])
@contract(
    takes=["Idempotency-Key"],
    fails=[
        *("forbidden", "bar_closed", "sold_out", "unknown_recipe"),
        *("idempotency_conflict", "not_your_table", "too_many_drinks"),
    ],
    or_answers=[OrderSchema, BriefOrderSchema],
)
def place_order(body: dict[str, Any]) -> Response:
    """Place an order. Answered once it is safely queued; the bar sees it a moment later."""
    placement = placement_of(principal(), header_key(), request.get_json())
    if stored := stored_order(placement):
        return replayed(placement, stored)
    try:
        order = placed_order(placement, body, terms_for(placement.role, [body], request_deadline()))
    except Problem:
        if stored := earlier_order(placement):
            return replayed(placement, stored)
        raise
    note_orders([order.id])
    services().acceptance.accept(order, request_deadline())
    return accepted(queued_json(order), order.id)


@blueprint.route("")
@allow(PEOPLE, Scope.ORDERS_READ)
@blueprint.arguments(OrderListQuerySchema, location="query")
@blueprint.response(200, OrderListSchema)
def list_orders(query: dict[str, Any]) -> Response:
    """Orders, the newest first: a guest's or a POS's own, the staff everybody's."""
    with services().database.connection(request_deadline()) as conn:
        rows = _page(conn, **query)
        answer = page("orders", rows, query["limit"], lambda order: (order.placed_at, order.id))
        return jsonify({**answer, "orders": orders_json(conn, answer["orders"])})


@blueprint.route("/<uuid:order_id>")
@allow(PEOPLE, Scope.ORDERS_READ)
@blueprint.arguments(WaitQuerySchema, location="query")
@blueprint.response(200, OrderSchema)
@contract(or_answers=[UnstoredOrderSchema])
def get_order(query: dict[str, Any], order_id: UUID) -> Response:
    """One order as it is now, or, with `wait`, as it is once it has changed. Not persisted yet, it reads as queued."""
    order = _look(order_id)
    if query["wait"]:
        extend_deadline(query["wait"])
        order = wait_for_change(lambda: _look(order_id), order, query["wait"])
    if order is None:
        return jsonify({"id": str(order_id), "status": QUEUED})
    with services().database.connection(request_deadline()) as conn:
        return jsonify(orders_json(conn, [order])[0])


def _look(order_id: UUID) -> Order | None:
    with services().database.connection(request_deadline()) as conn:
        return visible_order(conn, order_id)


def _page(
    conn: Connection[Any],
    *,
    limit: int,
    cursor: tuple[Any, ...] | None,
    external_id: str | None,
    mine: bool,
    **filters: Any,
) -> list[Order]:
    before_placed_at, before_id = cursor or END_OF_TIME
    filters |= {"before_placed_at": before_placed_at, "before_id": before_id, "at_most": limit + 1}
    own = principal().id if mine else principal().sees_only
    if external_id is not None:
        return orders.list_orders_by_external_id(conn, external_id=external_id, principal_id=own, **filters)
    if own is not None:
        return orders.list_orders_of_principal(conn, principal_id=own, **filters)
    return orders.list_orders(conn, **filters)
