"""The one insert of placed orders, which the consumer and the API's fallback share.

It may be repeated with the same orders any number of times, by any number of writers at once: an order that is
stored already is passed over. Nothing here raises because of what an order asks for; what cannot be made is
stored as failed, with the reason, because the guest was promised that it would be found again.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from psycopg import Connection, Error

from shakerqueue.event_log import lock_event_log
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced
from shakerqueue.queries import order_events, order_items, order_traces, orders, recipes
from shakerqueue.queries.models import ItemStatus, OrderEventType, OrderStatus
from shakerqueue.telemetry.metrics import Appended

DISCARDED = "discarded"
KEY_CONFLICT = "idempotency_conflict"
SOLD_OUT = "sold_out"

log = structlog.get_logger(__name__)


class Drink(NamedTuple):
    """One drink of an order with its number, from 1."""

    order: OrderPlaced
    number: int
    item: ItemPlaced

    @property
    def key(self) -> tuple[UUID, int]:
        return self.order.id, self.number


class StockAllocation(NamedTuple):
    """Which drinks got one of the counted bottles, and which came too late."""

    held: frozenset[tuple[UUID, int]]
    sold_out: frozenset[tuple[UUID, int]]
    taken: Counter[UUID]


def insert_orders(conn: Connection[Any], placed: Iterable[OrderPlaced]) -> int:
    """Store the orders that are not stored yet, with items and events, and return how many those were.

    Runs in the caller's transaction, which must commit right after: the event log stays locked until then.
    """
    return _insert(conn, placed)


def insert_discarded(conn: Connection[Any], placed: Iterable[OrderPlaced]) -> int:
    """Store orders that nobody will make, as failed; the rest as `insert_orders`."""
    return _insert(conn, placed, error=DISCARDED)


def _insert(conn: Connection[Any], placed: Iterable[OrderPlaced], *, error: str | None = None) -> int:
    batch = sorted({order.id: order for order in placed}.values(), key=lambda order: order.id.int)
    inserted = set(orders.insert_orders_once(conn, **_order_columns(batch), error=error))
    refusals = dict.fromkeys(inserted, error) if error else {}
    refusals |= dict.fromkeys(_insert_conflicting(conn, [one for one in batch if one.id not in inserted]), KEY_CONFLICT)
    fresh = [order for order in batch if order.id in inserted or order.id in refusals]
    if fresh:
        refused_drinks = _insert_drinks(conn, fresh, refusals)
        _insert_traces(conn, fresh)
        _append_events(conn, fresh, refused_drinks)
    return len(fresh)


def _insert_conflicting(conn: Connection[Any], passed_over: list[OrderPlaced]) -> set[UUID]:
    """Of the orders that the insert passed over, those that are not stored lost the race for their key."""
    if not passed_over:
        return set()
    stored = set(orders.list_existing_order_ids(conn, ids=[order.id for order in passed_over]))
    losers = [order for order in passed_over if order.id not in stored]
    if not losers:
        return set()
    return set(orders.insert_orders_once(conn, **_order_columns(losers), error=KEY_CONFLICT))


def _insert_drinks(
    conn: Connection[Any], fresh: list[OrderPlaced], refusals: Mapping[UUID, str]
) -> list[order_items.InsertItemsRow]:
    """Insert the drinks and return the refused ones; an order that is refused whole is counted already."""
    drinks = [drink for order in fresh for drink in drinks_of(order)]
    wanted = [drink for drink in drinks if drink.order.id not in refusals]
    stock = _take_stock(conn, wanted)
    refused = order_items.insert_items(conn, **_drink_columns(drinks, refusals, stock))
    late = Counter(row.order_id for row in refused if row.order_id not in refusals)
    if late:
        orders.move_refused_items_to_failed(conn, ids=sorted(late), drinks=[late[id] for id in sorted(late)])
    return sorted(refused, key=lambda row: (row.order_id, row.number))


def _insert_traces(conn: Connection[Any], fresh: list[OrderPlaced]) -> None:
    """Keep the orders' traces if that can be: no order depends on it."""
    traceparents = {order.id: order.traceparent for order in fresh if order.traceparent is not None}
    if not traceparents:
        return
    try:
        with conn.transaction():  # a savepoint
            order_traces.insert_order_traces(
                conn, order_ids=list(traceparents), traceparents=list(traceparents.values())
            )
    except Error as error:  # where the database is away as a whole, the next statement will say so
        log.warning("order_traces_not_kept", reason=error.diag.message_primary or str(error))


def drinks_of(order: OrderPlaced) -> Iterator[Drink]:
    """The order's drinks: a line with quantity 3 is three of them."""
    each = (item for item in order.items for _ in range(item.quantity))
    return (Drink(order, number, item) for number, item in enumerate(each, start=1))


def _take_stock(conn: Connection[Any], drinks: list[Drink]) -> StockAllocation:
    recipe_ids = sorted({drink.item.recipe_id for drink in drinks})
    counted = recipes.lock_counted_recipes(conn, ids=recipe_ids)
    stock = allocate_stock({row.id: row.remaining or 0 for row in counted}, drinks)
    if stock.taken:
        ids = sorted(stock.taken)
        recipes.take_stock(conn, ids=ids, drinks=[stock.taken[id] for id in ids])
    return stock


def allocate_stock(remaining: dict[UUID, int], drinks: list[Drink]) -> StockAllocation:
    """Share out what is left of the counted recipes: whoever ordered first is served first."""
    held: set[tuple[UUID, int]] = set()
    sold_out: set[tuple[UUID, int]] = set()
    taken: Counter[UUID] = Counter()
    counted = [drink for drink in drinks if drink.item.recipe_id in remaining]
    for drink in sorted(counted, key=lambda drink: (drink.order.placed_at, *drink.key)):
        recipe_id = drink.item.recipe_id
        if taken[recipe_id] < remaining[recipe_id]:
            taken[recipe_id] += 1
            held.add(drink.key)
        else:
            sold_out.add(drink.key)
    return StockAllocation(frozenset(held), frozenset(sold_out), +taken)


def _append_events(
    conn: Connection[Any], fresh: list[OrderPlaced], refused: Sequence[order_items.InsertItemsRow]
) -> None:
    lock_event_log(conn, Appended.ORDERS)
    order_events.append_placed_events(
        conn,
        order_ids=[order.id for order in fresh],
        principal_ids=[order.principal_id for order in fresh],
    )
    if refused:
        _append_failed_events(conn, fresh, refused)


def _append_failed_events(
    conn: Connection[Any], fresh: list[OrderPlaced], refused: Sequence[order_items.InsertItemsRow]
) -> None:
    principals = {order.id: order.principal_id for order in fresh}
    order_events.append_events(
        conn,
        order_ids=[row.order_id for row in refused],
        item_numbers=[row.number for row in refused],
        types=[OrderEventType.FAILED] * len(refused),
        principal_ids=[principals[row.order_id] for row in refused],
        details=[json.dumps({"status": ItemStatus.FAILED, "error": row.error}) for row in refused],
        order_becames=list(_became({order.id: order.drink_count for order in fresh}, refused)),
        actor_id=None,
    )


def _became(drinks: Mapping[UUID, int], refused: Iterable[order_items.InsertItemsRow]) -> Iterator[str]:
    """What an order became by the refusal of each of these drinks: failed, by that of its last one."""
    left = Counter(drinks)
    for row in refused:
        left[row.order_id] -= 1
        yield "" if left[row.order_id] else OrderStatus.FAILED.value


def _order_columns(batch: list[OrderPlaced]) -> dict[str, Any]:
    return {
        "ids": [order.id for order in batch],
        "principal_ids": [order.principal_id for order in batch],
        "idempotency_keys": [order.idempotency_key for order in batch],
        "fingerprints": [order.fingerprint for order in batch],
        "placed_ats": [order.placed_at for order in batch],
        "tickets": [order.ticket or "" for order in batch],
        "external_ids": [order.external_id or "" for order in batch],
        "notes": [order.note or "" for order in batch],
        "rushes": [order.rush for order in batch],
        "item_counts": [order.drink_count for order in batch],
    }


def _drink_columns(drinks: list[Drink], refusals: Mapping[UUID, str], stock: StockAllocation) -> dict[str, Any]:
    return {
        "order_ids": [drink.order.id for drink in drinks],
        "numbers": [drink.number for drink in drinks],
        "recipe_ids": [drink.item.recipe_id for drink in drinks],
        "recipes": [drink.item.recipe for drink in drinks],
        "notes": [drink.item.note or "" for drink in drinks],
        "modifiers": [json.dumps(drink.item.modifiers, ensure_ascii=False) for drink in drinks],
        "placed_ats": [drink.order.placed_at for drink in drinks],
        "rushes": [drink.order.rush for drink in drinks],
        "holds_stocks": [drink.key in stock.held for drink in drinks],
        "refusals": [_refusal(drink, refusals, stock) for drink in drinks],
    }


def _refusal(drink: Drink, refusals: Mapping[UUID, str], stock: StockAllocation) -> str:
    late = SOLD_OUT if drink.key in stock.sold_out else ""
    return refusals.get(drink.order.id, late)
