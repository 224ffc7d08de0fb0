"""What can be done to an order and to its drinks."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from psycopg import Connection

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.order_access import persisted_order
from shakerqueue.api.order_json import orders_json
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.schemas import OrderSchema, ReasonSchema
from shakerqueue.api.services import services
from shakerqueue.making import act_on_item, act_on_order
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.roles import PEOPLE, STAFF
from shakerqueue.scopes import Scope

blueprint = Blueprint("order_verbs", __name__, url_prefix="/orders", description="Making drinks")

STAFF_VERBS = "any(start, complete, fail, recall, acknowledge, serve, unserve)"


@blueprint.route(f"/<uuid:order_id>/<{STAFF_VERBS}:verb>", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, OrderSchema)
def change_order(body: dict[str, Any], order_id: UUID, verb: str) -> Response:
    """Start, complete, fail, recall, acknowledge, serve or unserve every drink of the order for which it is legal."""
    return _change(order_id, lambda conn: act_on_order(conn, order_id, *_deed(Verb(verb), body)))


@blueprint.route("/<uuid:order_id>/cancel", methods=["POST"])
@allow(PEOPLE, Scope.ORDERS_WRITE)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, OrderSchema)
def cancel_order(body: dict[str, Any], order_id: UUID) -> Response:
    """Cancel every drink of the order for which it is legal: a guest's own pending ones, the staff's open ones."""
    return _change(order_id, lambda conn: act_on_order(conn, order_id, *_deed(Verb.CANCEL, body)))


@blueprint.route(f"/<uuid:order_id>/items/<int:number>/<{STAFF_VERBS[:-1]}, release):verb>", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, OrderSchema)
def change_item(body: dict[str, Any], order_id: UUID, number: int, verb: str) -> Response:
    """Do one of the staff's verbs to one drink. A claim is released by its holder or an admin."""
    return _change(order_id, lambda conn: act_on_item(conn, order_id, number, *_deed(Verb(verb), body)))


@blueprint.route("/<uuid:order_id>/items/<int:number>/cancel", methods=["POST"])
@allow(PEOPLE, Scope.ORDERS_WRITE)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, OrderSchema)
def cancel_item(body: dict[str, Any], order_id: UUID, number: int) -> Response:
    """Cancel one drink: a guest an own pending one, the staff an open one."""
    return _change(order_id, lambda conn: act_on_item(conn, order_id, number, *_deed(Verb.CANCEL, body)))


def _deed(verb: Verb, body: dict[str, Any]) -> tuple[Verb, Actor, datetime, str | None]:
    reason = body["reason"]
    if verb is Verb.FAIL and reason is None:
        error = FieldError("reason", "required", "Say why the drink cannot be made.")
        raise Problem(422, error.detail, errors=[error])
    if verb not in (Verb.FAIL, Verb.CANCEL) and reason is not None:
        error = FieldError("reason", "unexpected", "A reason belongs to fail and cancel only.")
        raise Problem(422, error.detail, errors=[error])
    return verb, Actor(principal().id, principal().role), datetime.now(UTC), reason


def _change(order_id: UUID, act: Callable[[Connection[Any]], None]) -> Response:
    """Act in a transaction of its own, and answer with the order as it is after the commit."""
    database = services().database
    with database.transaction(request_deadline()) as conn:
        persisted_order(conn, order_id)
        act(conn)
    with database.connection(request_deadline()) as conn:
        return jsonify(orders_json(conn, [persisted_order(conn, order_id)])[0])
