"""A client's Idempotency-Key: what it stands for already, asked before anything else is said about the order."""

import time
from collections.abc import Iterable
from typing import Any

import structlog
from flask import Response, request

from shakerqueue.api.fields import KEY_RULE, is_idempotency_key
from shakerqueue.api.order_json import accepted, brief_json, orders_json
from shakerqueue.api.placing import Placement
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.request_context import note_orders
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.api.waiting import waiting_place
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.key_look_ups import Found, orders_under
from shakerqueue.queries.models import Order
from shakerqueue.telemetry.metrics import ORDERS_ACCEPTED, AcceptedBy

KEY_HEADER = "Idempotency-Key"
LOOK_UP_SECONDS = 0.1
SETTLE_SECONDS = 0.3  # a batch that a consumer has in its hands is committed by then
POLL_SECONDS = 0.02

log = structlog.get_logger(__name__)


def header_key() -> str | None:
    """The key that the request's header gives, if it is there.

    Raises:
        Problem: 422, it is empty, too long or holds what no key may.
    """
    key = request.headers.get(KEY_HEADER)
    if key is None or is_idempotency_key(key):
        return key
    error = FieldError(KEY_HEADER, "invalid", KEY_RULE)
    raise Problem(422, error.detail, errors=[error])


def key_conflict(field: str) -> Problem:
    """The answer to a key that stands for another order; `field` is where the client gave it."""
    error = FieldError(field, "idempotency_conflict", "This key stands for another order.")
    return Problem(422, error.detail, code=error.code, errors=[error])


def stored_order(placement: Placement) -> Order | None:
    """The order that a client's key stands for, as far as can be told at once: the database away is no refusal.

    An own key is new by construction, and costs no look-up.
    """
    if not placement.key_is_the_clients:
        return None
    try:
        return services().key_look_ups.order_under(placement.client_key, _at_once())
    except Unavailable:
        return None


def earlier_order(placement: Placement) -> Order | None:
    """The one that `earlier_orders` finds."""
    if not placement.key_is_the_clients:
        return None
    return earlier_orders([placement], request_deadline()).get(placement.client_key)


def stored_orders(placements: Iterable[Placement]) -> Found:
    """As `stored_order` for those of a batch. Theirs is a query of its own: single orders do not wait for it."""
    keys = {placement.client_key for placement in placements}
    try:
        return orders_under(services().database, keys, _at_once())
    except Unavailable:
        return {}


def _at_once() -> Deadline:
    return request_deadline().sooner(LOOK_UP_SECONDS)


def earlier_orders(placements: Iterable[Placement], deadline: Deadline) -> Found:
    """The orders that these clients' keys stand for, told for certain: to be asked before refusals.

    An order that was accepted a moment ago may still be queued, and the bar may have closed since.

    Raises:
        Unavailable: nobody can know at the moment, or too many ask.
    """
    keys = {placement.client_key for placement in placements}
    with waiting_place() as held:
        if not held:
            raise Unavailable("API", "too many requests wait")
        _await_empty_queues(deadline)
        settled = deadline.sooner(SETTLE_SECONDS)
        while len(found := orders_under(services().database, keys, deadline)) < len(keys) and not settled.passed:
            time.sleep(POLL_SECONDS)
        return found


def _await_empty_queues(deadline: Deadline) -> None:
    """Return once every order that was queued so far, or put off, is in a consumer's hands, stored, or a dead letter.

    Raises:
        Unavailable: they do not get there soon.
    """
    publisher = services().publisher
    if publisher is None:
        return
    soon = deadline.sooner(SETTLE_SECONDS)
    while (queue := publisher.queue_state(deadline)).ready or queue.put_off:
        if soon.passed:
            raise Unavailable("consumer", "accepted orders are not stored yet, and this key may stand for one of them")
        time.sleep(POLL_SECONDS)


def replayed(placement: Placement, stored: Order) -> Response:
    """The answer to a repeat: the order as it is now.

    Raises:
        Problem: 422, the key stands for another order.
    """
    note_orders([stored.id])
    if stored.fingerprint != placement.fingerprint:
        raise key_conflict(KEY_HEADER)
    [order] = replays([stored], request_deadline())
    response = accepted(order, stored.id)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def replays(stored: list[Order], deadline: Deadline) -> list[dict[str, Any]]:
    """The orders as they are now, for whoever repeats them; in brief where their drinks cannot be read in time."""
    try:
        with services().database.connection(deadline) as conn:
            found = orders_json(conn, stored)
    except Unavailable as error:
        log.warning("answered_in_brief", part=error.part, reason=error.reason, orders=len(stored))
        found = [brief_json(order) for order in stored]
    ORDERS_ACCEPTED.labels(AcceptedBy.EARLIER_REQUEST).inc(len(stored))
    return found
