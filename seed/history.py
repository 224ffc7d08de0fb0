"""Fills the database with past orders, in short transactions that a live bar hardly notices."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from seed.evenings import arrivals, nights
from seed.past_orders import Imagination, PastDrink, PastOrder
from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.order_ids import fingerprint, order_id
from shakerqueue.queries import order_events, past_orders, recipes, users
from shakerqueue.queries.models import ItemStatus, Recipe

BATCH_SIZE = 2000
BATCH_SECONDS = 30.0
KEY_PREFIX = "seed-"
MAX_PAST_ORDERS = 999_999_999  # what the keys have digits for


class People(NamedTuple):
    """Who ordered and who made the drinks."""

    customer_ids: Sequence[UUID]
    bartender_ids: Sequence[UUID]


class Numbered(NamedTuple):
    """A past order with its identity."""

    id: UUID
    customer_id: UUID
    bartender_id: UUID
    key: str
    fingerprint: bytes
    order: PastOrder


def add_past_orders(database: Database, people: People, total: int, progress: Callable[[int], None]) -> int:
    """Bring the past orders up to `total` and return how many were missing.

    They are numbered, and each batch commits by itself: what was interrupted is taken up where it ended, and a
    higher total adds to what is there. `progress` is told, after each batch, how many there are.
    """
    with database.connection() as conn:
        stored = max(_last_number(conn, customer_id) for customer_id in people.customer_ids)
        secret = users.get_order_id_secret(conn)
        menu = recipes.list_recipes(conn)
    assert secret is not None, "the first migration makes it"  # noqa: S101
    missing = max(0, total - stored)
    imagined = _imagined(menu, missing, Random(stored))  # noqa: S311 - chance, not secrecy
    numbered = (_identified(secret, people, number, order) for number, order in enumerate(imagined, stored + 1))
    for batch in _batches(numbered):
        _store(database, batch)
        stored += len(batch)
        progress(stored)
    return missing


def _last_number(conn: Connection[Any], customer_id: UUID) -> int:
    key = past_orders.get_last_past_order_key(conn, principal_id=customer_id)
    return 0 if key is None else int(key.removeprefix(KEY_PREFIX))


def _imagined(menu: Sequence[Recipe], orders: int, random: Random) -> Iterator[PastOrder]:
    """The orders of a year in order of time, a night at a time: a million take no more memory than one night."""
    imagination = Imagination(menu, random)
    for night, share in nights(orders, datetime.now(UTC).date()):
        yield from map(imagination.order, arrivals(night, share, random))


def _identified(secret: bytes, people: People, number: int, order: PastOrder) -> Numbered:
    customer_id = people.customer_ids[number % len(people.customer_ids)]
    bartender_id = people.bartender_ids[number % len(people.bartender_ids)]
    key = f"{KEY_PREFIX}{number:09}"
    content = fingerprint(order.body())
    return Numbered(order_id(secret, customer_id, key, content), customer_id, bartender_id, key, content, order)


def _batches(numbered: Iterator[Numbered]) -> Iterator[list[Numbered]]:
    while batch := list(islice(numbered, BATCH_SIZE)):
        yield batch


def _store(database: Database, batch: Sequence[Numbered]) -> None:
    """One transaction. The event log is locked last, as everywhere, and not while the drinks are inserted."""
    with database.transaction(Deadline.after(BATCH_SECONDS)) as conn:
        fresh_ids = set(past_orders.insert_past_orders_once(conn, **_order_columns(batch)))
        fresh = [one for one in batch if one.id in fresh_ids]  # another run may have been here
        drinks = [(one, number, drink) for one in fresh for number, drink in enumerate(one.order.drinks, start=1)]
        past_orders.insert_past_items(conn, **_drink_columns(drinks))
        order_events.lock_event_log(conn)
        past_orders.append_past_events(conn, ids=[one.id for one in fresh])


def _order_columns(batch: Sequence[Numbered]) -> dict[str, Any]:
    orders = [one.order for one in batch]
    return {
        "ids": [one.id for one in batch],
        "principal_ids": [one.customer_id for one in batch],
        "idempotency_keys": [one.key for one in batch],
        "fingerprints": [one.fingerprint for one in batch],
        "placed_ats": [order.placed_at for order in orders],
        "tickets": [order.ticket for order in orders],
        "rushes": [order.rush for order in orders],
        "complete_counts": [order.count(ItemStatus.COMPLETE) for order in orders],
        "failed_counts": [order.count(ItemStatus.FAILED) for order in orders],
        "canceled_counts": [order.count(ItemStatus.CANCELED) for order in orders],
        "seconds": [order.seconds for order in orders],
    }


def _drink_columns(drinks: Sequence[tuple[Numbered, int, PastDrink]]) -> dict[str, Any]:
    made = [drink for _, _, drink in drinks]
    return {
        "order_ids": [one.id for one, _, _ in drinks],
        "numbers": [number for _, number, _ in drinks],
        "bartender_ids": [one.bartender_id for one, _, _ in drinks],
        "recipe_ids": [drink.recipe.id for drink in made],
        "notes": [drink.note for drink in made],
        "modifiers": [json.dumps(drink.modifiers) for drink in made],
        "statuses": [drink.status for drink in made],
        "started_afters": [drink.started_after for drink in made],
        "completed_afters": [drink.completed_after for drink in made],
        "served_afters": [drink.served_after for drink in made],
        "errors": [drink.error for drink in made],
    }
