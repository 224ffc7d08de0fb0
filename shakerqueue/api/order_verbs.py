"""What can be done to an order and to its drinks."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from psycopg import Connection

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.order_access import persisted_order
from shakerqueue.api.order_json import orders_json
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.schemas import FailSchema, NoReasonSchema, OrderSchema, ReasonSchema
from shakerqueue.api.services import services
from shakerqueue.making import act_on_item, act_on_order
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.roles import PEOPLE, STAFF
from shakerqueue.scopes import Scope

blueprint = Blueprint("order_verbs", __name__, url_prefix="/orders", description="Making drinks")

VERBS = "start, complete, recall, acknowledge, serve, unserve"

# What can go wrong with any verb; what was made once and failed may be sold out when it is recalled.
CHANGES = ["invalid_transition", "not_persisted_yet"]


@blueprint.route(f"/<uuid:order_id>/<any({VERBS}):verb>", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(NoReasonSchema)
@blueprint.response(200, OrderSchema)
@contract(fails=[*CHANGES, "sold_out"])
def change_order(_: dict[str, Any], order_id: UUID, verb: str) -> Response:
    """Start, complete, recall, acknowledge, serve or unserve every drink of the order for which it is legal."""
    return _change(order_id, lambda conn: act_on_order(conn, order_id, *_deed(Verb(verb))))


@blueprint.route("/<uuid:order_id>/fail", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(FailSchema)
@blueprint.response(200, OrderSchema)
@contract(fails=CHANGES)
def fail_order(body: dict[str, Any], order_id: UUID) -> Response:
    """Say that no open drink of the order can be made, and why."""
    return _change(order_id, lambda conn: act_on_order(conn, order_id, *_deed(Verb.FAIL, body["reason"])))


@blueprint.route("/<uuid:order_id>/cancel", methods=["POST"])
@allow(PEOPLE, Scope.ORDERS_WRITE)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, OrderSchema)
@contract(fails=CHANGES)
def cancel_order(body: dict[str, Any], order_id: UUID) -> Response:
    """Cancel every drink of the order for which it is legal: a guest's own pending ones, the staff's open ones."""
    return _change(order_id, lambda conn: act_on_order(conn, order_id, *_deed(Verb.CANCEL, body["reason"])))


@blueprint.route(f"/<uuid:order_id>/items/<int:number>/<any({VERBS}, release):verb>", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(NoReasonSchema)
@blueprint.response(200, OrderSchema)
@contract(fails=[*CHANGES, "sold_out"])
def change_item(_: dict[str, Any], order_id: UUID, number: int, verb: str) -> Response:
    """Do one of the staff's verbs to one drink. A claim is released by its holder or an admin."""
    return _change(order_id, lambda conn: act_on_item(conn, order_id, number, *_deed(Verb(verb))))


@blueprint.route("/<uuid:order_id>/items/<int:number>/fail", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(FailSchema)
@blueprint.response(200, OrderSchema)
@contract(fails=CHANGES)
def fail_item(body: dict[str, Any], order_id: UUID, number: int) -> Response:
    """Say that a drink cannot be made, and why."""
    return _change(order_id, lambda conn: act_on_item(conn, order_id, number, *_deed(Verb.FAIL, body["reason"])))


@blueprint.route("/<uuid:order_id>/items/<int:number>/cancel", methods=["POST"])
@allow(PEOPLE, Scope.ORDERS_WRITE)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, OrderSchema)
@contract(fails=CHANGES)
def cancel_item(body: dict[str, Any], order_id: UUID, number: int) -> Response:
    """Cancel one drink: a guest an own pending one, the staff an open one."""
    return _change(order_id, lambda conn: act_on_item(conn, order_id, number, *_deed(Verb.CANCEL, body["reason"])))


def _deed(verb: Verb, reason: str | None = None) -> tuple[Verb, Actor, datetime, str | None]:
    return verb, Actor(principal().id, principal().role), datetime.now(UTC), reason


def _change(order_id: UUID, act: Callable[[Connection[Any]], None]) -> Response:
    """Act in a transaction of its own, and answer with the order as it is after the commit."""
    database = services().database
    with database.transaction(request_deadline()) as conn:
        persisted_order(conn, order_id)
        act(conn)
    with database.connection(request_deadline()) as conn:
        return jsonify(orders_json(conn, [persisted_order(conn, order_id)])[0])
