"""Which orders are there for whoever asks: own ones, for the staff all."""

from typing import Any
from uuid import UUID

from psycopg import Connection

from shakerqueue.api.guards import principal
from shakerqueue.api.problems import RETRY_AFTER_SECONDS, Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.order_ids import was_issued_to
from shakerqueue.queries import orders
from shakerqueue.queries.models import Order
from shakerqueue.roles import STAFF


def visible_order(conn: Connection[Any], order_id: UUID) -> Order | None:
    """The order; None for one that was accepted and is not persisted yet.

    Raises:
        Problem: 404, there is none, or none for whoever asks.
    """
    order = orders.get_order(conn, id=order_id)
    if order is None and was_issued_to(services().order_id_secret.read(request_deadline()), principal().id, order_id):
        return None
    if order is None or not (order.principal_id == principal().id or principal().role in STAFF):
        raise Problem(404, "There is no such order.")
    return order


def persisted_order(conn: Connection[Any], order_id: UUID) -> Order:
    """The order, as `visible_order`, but 409 while it is not persisted: there is nothing yet to act on."""
    order = visible_order(conn, order_id)
    if order is None:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        raise Problem(409, "The order is not stored yet.", code="not_persisted_yet", headers=headers)
    return order
