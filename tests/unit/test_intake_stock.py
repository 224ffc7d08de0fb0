"""Sharing out counted drinks: first come, first served, and not one too many."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from shakerqueue.intake import Drink, allocate_stock
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced

LAST_BOTTLE, NOT_COUNTED = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _drinks(number: int, minute: int, *recipes: UUID) -> list[Drink]:
    items = tuple(ItemPlaced(recipe_id=recipe, recipe="some drink") for recipe in recipes)
    order = OrderPlaced(
        id=UUID(int=number),
        principal_id=UUID(int=9),
        idempotency_key=str(number),
        fingerprint=bytes(32),
        placed_at=NOON + timedelta(minutes=minute),
        items=items,
    )
    return [Drink(order, position, item) for position, item in enumerate(items, start=1)]


def test_whoever_ordered_first_is_served_first() -> None:
    late = _drinks(1, 5, LAST_BOTTLE)
    early = _drinks(2, 1, LAST_BOTTLE, LAST_BOTTLE)

    stock = allocate_stock({LAST_BOTTLE: 2}, late + early)

    assert {drink.key for drink in early} == stock.held
    assert {late[0].key} == stock.sold_out
    assert {LAST_BOTTLE: 2} == stock.taken


def test_at_the_same_moment_the_lower_id_wins_on_every_process() -> None:
    first, second = _drinks(1, 0, LAST_BOTTLE), _drinks(2, 0, LAST_BOTTLE)

    assert {first[0].key} == allocate_stock({LAST_BOTTLE: 1}, second + first).held


def test_a_recipe_that_is_not_counted_is_neither_held_nor_sold_out() -> None:
    stock = allocate_stock({LAST_BOTTLE: 0}, _drinks(1, 0, NOT_COUNTED, LAST_BOTTLE))

    assert (set(), {(UUID(int=1), 2)}, {}) == (set(stock.held), set(stock.sold_out), dict(stock.taken))
