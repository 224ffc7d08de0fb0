"""Many orders in one request, each with its own key and its own outcome: above all for a POS that was offline."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import structlog
from flask import Response, g, jsonify, request
from marshmallow import ValidationError

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.idempotency import KEY_HEADER, earlier_orders, key_conflict, replays, stored_orders
from shakerqueue.api.json_bodies import body_limit
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.order_batch_schemas import BatchedOrderSchema, OrderBatchSchema, OrderOutcomesSchema
from shakerqueue.api.order_json import queued_json
from shakerqueue.api.placing import Body, Placement, Terms, placed_order, placement_of, terms_for
from shakerqueue.api.problems import FieldError, Problem, invalid_fields, problem_of
from shakerqueue.api.request_context import note_orders
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import ShakerQueueError, Unavailable
from shakerqueue.key_look_ups import Found
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.queries.models import Order
from shakerqueue.roles import STAFF
from shakerqueue.scopes import Scope

MAX_BATCH_BYTES = 1024 * 1024
JUDGE_SECONDS = 1.0  # what is asked about some of the orders must leave the others the time to be accepted
KEY_FIELD = "idempotency_key"

log = structlog.get_logger(__name__)

blueprint = Blueprint("order_batches", __name__, url_prefix="/orders", description="Many orders at once")

_order_schema = BatchedOrderSchema()


class Attempt(NamedTuple):
    """An order that was sent and can be read, and what identifies it."""

    placement: Placement
    body: Body


class Accepted(NamedTuple):
    """An order that is safe, as JSON, and whether it had been stored before."""

    order: dict[str, Any]
    replayed: bool


Outcome = Accepted | Problem | ShakerQueueError
Judgement = OrderPlaced | Problem | Unavailable
Wanted = dict[Placement, Body]  # placements that are equal are one order


@blueprint.route("/batch", methods=["POST"])
@allow(STAFF, Scope.ORDERS_WRITE)
@body_limit(MAX_BATCH_BYTES)
@blueprint.arguments(OrderBatchSchema)
@blueprint.response(200, OrderOutcomesSchema)
@contract(
    outcomes=["bar_closed", "sold_out", "unknown_recipe", "idempotency_conflict", "invalid", "unavailable"],
)
def place_orders(body: dict[str, Any]) -> Response:
    """Place up to 100 orders, each with a key and an outcome of its own. The whole may be repeated at any time."""
    _refuse_one_key_for_all()
    read = [_read(sent) for sent in body["orders"]]
    found = _outcomes({one.placement: one.body for one in read if isinstance(one, Attempt)})
    outcomes = [found[one.placement] if isinstance(one, Attempt) else one for one in read]
    _refuse_if_all_are_unavailable(outcomes)
    return jsonify({"orders": [_told(sent, outcome) for sent, outcome in zip(body["orders"], outcomes, strict=True)]})


def _refuse_one_key_for_all() -> None:
    if KEY_HEADER in request.headers:
        error = FieldError(KEY_HEADER, "invalid", f"Each order of a batch has its own {KEY_FIELD} instead.")
        raise Problem(422, error.detail, errors=[error])


def _read(sent: dict[str, Any]) -> Attempt | Problem:
    """The order, identified as `POST /orders` would identify it under the same key."""
    try:
        body = _order_schema.load(sent)
    except ValidationError as error:
        return invalid_fields(error.messages_dict)
    order = {name: value for name, value in sent.items() if name != KEY_FIELD}
    return Attempt(placement_of(principal(), body[KEY_FIELD], order), body)


def _outcomes(wanted: Wanted) -> dict[Placement, Outcome]:
    """What comes of each order: first of what is stored under its key, then by the terms of the bar."""
    if not wanted:
        return {}
    soon = request_deadline().sooner(JUDGE_SECONDS)
    known = _known(wanted, stored_orders(wanted), soon)
    judged = _judged({placement: body for placement, body in wanted.items() if placement not in known}, soon)
    settled = _one_order_a_key(_for_certain(judged, soon))
    placed = {placement: one for placement, one in settled.items() if isinstance(one, OrderPlaced)}
    told = {placement: one for placement, one in settled.items() if not isinstance(one, OrderPlaced)}
    return {**known, **told, **_accepted(placed)}


def _known(placements: Iterable[Placement], stored: Found, deadline: Deadline) -> dict[Placement, Outcome]:
    """Those whose key stands for a stored order: for the same one, or for another."""
    held = {one: stored[one.client_key] for one in placements if one.client_key in stored}
    repeated = {one: order for one, order in held.items() if one.fingerprint == order.fingerprint}
    return {**dict.fromkeys(held, key_conflict(KEY_FIELD)), **_replayed(repeated, deadline)}


def _replayed(repeated: dict[Placement, Order], deadline: Deadline) -> dict[Placement, Outcome]:
    if not repeated:
        return {}
    found = replays(list(repeated.values()), deadline)
    return {placement: Accepted(order, replayed=True) for placement, order in zip(repeated, found, strict=True)}


def _judged(wanted: Wanted, deadline: Deadline) -> dict[Placement, Judgement]:
    """Each order as it will travel, or why it will not."""
    if not wanted:
        return {}
    try:
        terms = terms_for(principal().role, wanted.values(), deadline)
    except (Problem, Unavailable) as error:
        return dict.fromkeys(wanted, error)
    return {placement: _placed_or_refused(placement, body, terms) for placement, body in wanted.items()}


def _placed_or_refused(placement: Placement, body: Body, terms: Terms) -> Judgement:
    try:
        return placed_order(placement, body, terms)
    except (Problem, Unavailable) as error:
        return error


def _for_certain(judged: dict[Placement, Judgement], deadline: Deadline) -> dict[Placement, OrderPlaced | Outcome]:
    """What was judged, but for keys of refused orders that stand for one which was accepted a moment ago."""
    refused = [placement for placement, one in judged.items() if isinstance(one, Problem)]
    if not refused:
        return {**judged}
    try:
        return {**judged, **_known(judged, earlier_orders(refused, deadline), deadline)}
    except Unavailable as error:
        return {**judged, **dict.fromkeys(refused, error)}


def _one_order_a_key(settled: dict[Placement, OrderPlaced | Outcome]) -> dict[Placement, OrderPlaced | Outcome]:
    """The same, but for those whose key a good order further ahead in this batch holds. A refused one holds none."""
    holders: dict[str, Placement] = {}
    found: dict[Placement, OrderPlaced | Outcome] = {}
    for placement, one in settled.items():
        if isinstance(one, OrderPlaced):
            holders.setdefault(placement.key, placement)
        is_held = isinstance(one, OrderPlaced | Problem) and holders.get(placement.key, placement) != placement
        found[placement] = key_conflict(KEY_FIELD) if is_held else one
    return found


def _accepted(placed: dict[Placement, OrderPlaced]) -> dict[Placement, Outcome]:
    if not placed:
        return {}
    note_orders([order.id for order in placed.values()])
    failures = services().acceptance.accept_all(list(placed.values()), request_deadline())
    return {
        placement: failure or Accepted(queued_json(order), replayed=False)
        for (placement, order), failure in zip(placed.items(), failures, strict=True)
    }


def _refuse_if_all_are_unavailable(outcomes: list[Outcome]) -> None:
    """Raises Unavailable if nothing is known of any order; else whoever asks hears of each what is known."""
    unavailable = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
    if len(unavailable) == len(outcomes):
        raise unavailable[0]
    _log(outcome for outcome in outcomes if isinstance(outcome, ShakerQueueError))


def _log(failures: Iterable[ShakerQueueError]) -> None:
    """A line for each reason, and not for each order."""
    for reason, orders in Counter(map(str, failures)).items():
        log.warning("batched_orders_not_taken", reason=reason, orders=orders)


def _told(sent: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON. The key is told as it was sent, where it is a text at all."""
    key = sent.get(KEY_FIELD)
    told = {KEY_FIELD: key if isinstance(key, str) else None}
    if isinstance(outcome, Accepted):
        return {**told, "status": 202, "order": outcome.order, "replayed": outcome.replayed}
    problem = problem_of(outcome)
    return {**told, "status": problem.status, "error": problem.body(g.request_id)}
