"""A client's Idempotency-Key: what it stands for already, asked before anything else is said about the order."""

import time

from flask import Response

from shakerqueue.api.order_json import accepted, orders_json
from shakerqueue.api.placing import Placement
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.api.waiting import waiting_place
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.queries import orders
from shakerqueue.queries.models import Order
from shakerqueue.telemetry.metrics import ORDERS_ACCEPTED, AcceptedBy

LOOK_UP_SECONDS = 0.1
SETTLE_SECONDS = 0.3  # a batch that a consumer has in its hands is committed by then
POLL_SECONDS = 0.02


def stored_order(placement: Placement) -> Order | None:
    """The order that this key stands for, as far as can be told at once: the database away is no refusal.

    An own key is new by construction, and costs no look-up.
    """
    if not placement.key_is_the_clients:
        return None
    try:
        return _look_up(placement, request_deadline().sooner(LOOK_UP_SECONDS))
    except Unavailable:
        return None


def earlier_order(placement: Placement) -> Order | None:
    """The order that this key stands for, told for certain: to be asked before a refusal.

    An order that was accepted a moment ago may still be queued, and the bar may have closed since.

    Raises:
        Unavailable: nobody can know at the moment, or too many ask.
    """
    if not placement.key_is_the_clients:
        return None
    with waiting_place() as held:
        if not held:
            raise Unavailable("API", "too many requests wait")
        _await_empty_queues()
        settled = request_deadline().sooner(SETTLE_SECONDS)
        while (order := _look_up(placement, request_deadline())) is None and not settled.passed:
            time.sleep(POLL_SECONDS)
        return order


def _look_up(placement: Placement, deadline: Deadline) -> Order | None:
    with services().database.connection(deadline) as conn:
        return orders.get_order_by_idempotency_key(
            conn, principal_id=placement.principal_id, idempotency_key=placement.key
        )


def _await_empty_queues() -> None:
    """Return once every order that was queued so far, or put off, is in a consumer's hands, stored, or a dead letter.

    Raises:
        Unavailable: they do not get there soon.
    """
    publisher = services().publisher
    if publisher is None:
        return
    soon = request_deadline().sooner(SETTLE_SECONDS)
    while (queue := publisher.queue_state(request_deadline())).ready or queue.put_off:
        if soon.passed:
            raise Unavailable("consumer", "accepted orders are not stored yet, and this key may stand for one of them")
        time.sleep(POLL_SECONDS)


def replayed(placement: Placement, stored: Order) -> Response:
    """The answer to a repeat: the order as it is now.

    Raises:
        Problem: 422, the key stands for another order.
    """
    if stored.fingerprint != placement.fingerprint:
        error = FieldError("Idempotency-Key", "idempotency_conflict", "This key stands for another order.")
        raise Problem(422, error.detail, code=error.code, errors=[error])
    with services().database.connection(request_deadline()) as conn:
        response = accepted(orders_json(conn, [stored])[0], stored.id)
    response.headers["Idempotent-Replayed"] = "true"
    ORDERS_ACCEPTED.labels(AcceptedBy.EARLIER_REQUEST).inc()
    return response
