"""Orders as JSON: with their drinks, their place in line and an estimate."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, jsonify, url_for
from psycopg import Connection

from shakerqueue.api.schemas import QUEUED, OrderSchema
from shakerqueue.estimates import ready_at
from shakerqueue.intake import drinks_of
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.queries import open_drinks, order_items
from shakerqueue.queries.models import Order, OrderItem, OrderStatus

ORDER_COLUMNS = ("id", "status", "placed_at", "updated_at", "ticket", "external_id", "note", "rush", "error")
OPEN = (OrderStatus.PENDING, OrderStatus.IN_PROGRESS)

_schema = OrderSchema()


def orders_json(conn: Connection[Any], orders: list[Order]) -> list[dict[str, Any]]:
    """The orders in the given order, at the cost of two queries however many they are."""
    items: dict[UUID, list[OrderItem]] = defaultdict(list)
    for item in order_items.list_items_of_orders(conn, order_ids=[order.id for order in orders]):
        items[item.order_id].append(item)
    waiting = _waiting(conn, [order.id for order in orders if order.status in OPEN])
    columns = [{name: getattr(order, name) for name in ORDER_COLUMNS} for order in orders]
    return [
        dict(_schema.dump({**column, "items": items[column["id"]], **waiting.get(column["id"], {})}))
        for column in columns
    ]


def brief_json(order: Order) -> dict[str, Any]:
    """What a row alone says of an order, at the cost of nothing."""
    return {"id": str(order.id), "status": order.status.value}


def queued_json(order: OrderPlaced) -> dict[str, Any]:
    """An order that was just accepted, and that nobody has stored yet."""
    return {
        "id": str(order.id),
        "status": QUEUED,
        "placed_at": order.placed_at.isoformat(),
        "items": [{"number": drink.number, "recipe": drink.item.recipe} for drink in drinks_of(order)],
    }


def accepted(body: dict[str, Any], order_id: UUID) -> Response:
    """The answer to an order that is safe, and where it will be found."""
    response = jsonify(body)
    response.status_code = 202
    response.headers["Location"] = url_for("orders.get_order", order_id=order_id)
    return response


def _waiting(conn: Connection[Any], open_ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    if not open_ids:
        return {}
    now = datetime.now(UTC)
    return {
        row.order_id: {
            "place_in_line": row.place,
            "estimated_ready_at": ready_at(now, row.work_seconds, row.bartenders),
        }
        for row in open_drinks.list_places_in_line(conn, now=now, order_ids=open_ids)
    }
