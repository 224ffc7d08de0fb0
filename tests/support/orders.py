"""Placed orders for tests, made the way the API makes them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection

from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced
from shakerqueue.order_ids import fingerprint, order_id
from shakerqueue.queries import recipes, users

SECRET = bytes(range(32))


def principal_id(conn: Connection[Any], email: str = "user@example.com") -> UUID:
    user = users.get_user_by_email(conn, email=email)
    assert user is not None
    return user.id


def drink(conn: Connection[Any], name: str = "Margarita", *, note: str | None = None) -> ItemPlaced:
    [recipe] = recipes.list_recipes_by_names(conn, names=[name])
    return ItemPlaced(recipe_id=recipe.id, recipe=recipe.name, note=note)


def order(principal: UUID, *items: ItemPlaced, key: str | None = None, body: Any = None, **fields: Any) -> OrderPlaced:
    """An order of these drinks; `body` stands for the client's JSON and decides, with the key, the id."""
    key = key or uuid4().hex
    client_fingerprint = fingerprint(body)
    return OrderPlaced(
        id=order_id(SECRET, principal, key, client_fingerprint),
        principal_id=principal,
        idempotency_key=key,
        fingerprint=client_fingerprint,
        placed_at=fields.pop("placed_at", None) or datetime.now(UTC),
        items=items,
        **fields,
    )
