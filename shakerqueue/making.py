"""Making drinks: verbs on a drink, an order or a sold-out recipe, and claim-next. Each in the caller's transaction.

Locks are taken as everywhere: drinks by (order id, number), then orders by id, then recipes by id, then the event
log, after which the caller commits at once.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from shakerqueue import drink_times
from shakerqueue.errors import IllegalTransition, NotFound, SoldOut
from shakerqueue.event_log import lock_event_log
from shakerqueue.order_lifecycle import EVENTS, Actor, Verb, allowed_verbs, changed, is_done, may
from shakerqueue.queries import order_events, order_items, orders, recipes
from shakerqueue.queries.models import ItemStatus, OrderEventType, OrderItem
from shakerqueue.queries.orders import ChangeItemCountsRow
from shakerqueue.telemetry.metrics import Appended

MAX_FAILED_AT_ONCE = 200
NOT_MADE = (ItemStatus.FAILED, ItemStatus.CANCELED)


class Change(NamedTuple):
    """A drink before and after a verb."""

    before: OrderItem
    after: OrderItem

    @property
    def is_event(self) -> bool:
        """Whether anyone else would see a difference; a renewed claim is nobody's news."""
        return _visible(self.before) != _visible(self.after)


class FailedDrinks(NamedTuple):
    """What became of a recipe's waiting drinks: how many failed, and how many are still waiting."""

    failed: int
    left: int


def act_on_item(
    conn: Connection[Any],
    order_id: UUID,
    number: int,
    verb: Verb,
    actor: Actor,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Do the verb to one drink. The same actor's repeat changes nothing, nor does anybody's of what only marks it.

    Raises:
        NotFound: the order has no such drink.
        IllegalTransition: not legal now; names the verbs that are.
        SoldOut: a recall that would need a counted drink, and there is none left.
    """
    item = order_items.lock_item(conn, order_id=order_id, number=number)
    if item is None:
        raise NotFound("There is no such drink.")
    _act(conn, [item], verb, actor, now, reason)


def act_on_order(
    conn: Connection[Any], order_id: UUID, verb: Verb, actor: Actor, now: datetime, reason: str | None = None
) -> None:
    """Do the verb to every drink of the order for which it is legal. Errors as `act_on_item`."""
    _act(conn, order_items.lock_items(conn, order_id=order_id), verb, actor, now, reason)


def claim_next(
    conn: Connection[Any], actor: Actor, at_most: int, station: str | None, now: datetime
) -> list[OrderItem]:
    """Claim the drink that is due first and up to `at_most` - 1 more of its recipe: one shaker, one motion."""
    first = order_items.lock_next_claimable(conn, now=now, station=station)
    if first is None:
        return []
    batch = [first, *_same(conn, first, at_most, now)]
    changes = [Change(item, changed(Verb.START, item, actor, now)) for item in batch]
    _write(conn, changes, Verb.START, actor, now)
    return [change.after for change in changes]


def fail_waiting(conn: Connection[Any], recipe_id: UUID, actor: Actor, now: datetime, reason: str) -> FailedDrinks:
    """Fail up to MAX_FAILED_AT_ONCE waiting drinks of a recipe; what is in somebody's hands stays there.

    Raises:
        NotFound: there is no such recipe.
    """
    if recipes.get_recipe(conn, id=recipe_id) is None:
        raise NotFound("There is no such recipe.")
    waiting = order_items.lock_pending_of_recipe(conn, recipe_id=recipe_id, at_most=MAX_FAILED_AT_ONCE)
    # Counted before the write: after its last lock comes the commit.
    left = (order_items.count_pending_of_recipe(conn, recipe_id=recipe_id) or 0) - len(waiting)
    changes = [Change(item, changed(Verb.FAIL, item, actor, now, reason)) for item in waiting]
    if changes:
        _write(conn, changes, Verb.FAIL, actor, now)
    return FailedDrinks(len(changes), left)


def _same(conn: Connection[Any], first: OrderItem, at_most: int, now: datetime) -> list[OrderItem]:
    if first.recipe_id is None or at_most == 1:
        return []
    return order_items.lock_claimable_of_recipe(
        conn,
        now=now,
        recipe_id=first.recipe_id,
        station=first.station,
        order_id=first.order_id,
        number=first.number,
        at_most=at_most - 1,
    )


def _act(
    conn: Connection[Any], items: list[OrderItem], verb: Verb, actor: Actor, now: datetime, reason: str | None
) -> None:
    legal = [item for item in items if may(verb, item, actor, now)]
    if legal:
        _write(conn, [Change(item, changed(verb, item, actor, now, reason)) for item in legal], verb, actor, now)
    elif not is_done(verb, items, actor):
        allowed = {one for item in items for one in allowed_verbs(item, actor, now)}
        raise IllegalTransition(verb, [one for one in Verb if one in allowed])


def _write(conn: Connection[Any], changes: list[Change], verb: Verb, actor: Actor, now: datetime) -> None:
    orders_after = _change_counts(conn, changes, now)
    changes = _settle_stock(conn, changes)
    for change in changes:
        _update(conn, change.after)
    news = [change for change in changes if change.is_event]
    if news:
        _append_events(conn, news, EVENTS[verb], actor, orders_after)
    for change in changes:
        drink_times.observe(change.before, change.after, orders_after[change.after.order_id].placed_at)


def _change_counts(conn: Connection[Any], changes: Sequence[Change], now: datetime) -> dict[UUID, ChangeItemCountsRow]:
    """Bring the orders' counts along, by id, and return whose orders they are and what they were and became."""
    orders_after = {}
    for order_id in sorted({change.before.order_id for change in changes}):
        delta: Counter[ItemStatus] = Counter()
        for change in changes:
            if change.before.order_id == order_id:
                delta[change.before.status] -= 1
                delta[change.after.status] += 1
        orders_after[order_id] = _add_counts(conn, order_id, delta, now)
    return orders_after


def _add_counts(
    conn: Connection[Any], order_id: UUID, delta: Counter[ItemStatus], now: datetime
) -> ChangeItemCountsRow:
    order = orders.change_item_counts(
        conn,
        id=order_id,
        pending=delta[ItemStatus.PENDING],
        in_progress=delta[ItemStatus.IN_PROGRESS],
        complete=delta[ItemStatus.COMPLETE],
        failed=delta[ItemStatus.FAILED],
        canceled=delta[ItemStatus.CANCELED],
        now=now,
    )
    assert order is not None, "a drink has its order: a foreign key says so"  # noqa: S101
    return order


def _settle_stock(conn: Connection[Any], changes: list[Change]) -> list[Change]:
    """A drink that will not be made gives its place in the stock back; one that is recalled needs one again."""
    given_back = Counter(c.before.recipe_id for c in changes if c.before.holds_stock and c.after.status in NOT_MADE)
    needed = Counter(c.before.recipe_id for c in changes if c.before.status is ItemStatus.FAILED)
    if given_back:
        ids = _sorted_ids(given_back)
        recipes.return_stock(conn, ids=ids, drinks=[given_back[id] for id in ids])
    counted = _take_stock(conn, needed) if needed else frozenset()
    return [Change(c.before, replace(c.after, holds_stock=_holds_stock(c, counted))) for c in changes]


def _take_stock(conn: Connection[Any], needed: Counter[UUID | None]) -> frozenset[UUID]:
    """Take what recalled drinks need, and return which of the recipes are counted at all."""
    ids = _sorted_ids(needed)
    remaining = {row.id: row.remaining or 0 for row in recipes.lock_counted_recipes(conn, ids=ids)}
    if any(needed[id] > left for id, left in remaining.items()):
        raise SoldOut
    if remaining:
        recipes.take_stock(conn, ids=list(remaining), drinks=[needed[id] for id in remaining])
    return frozenset(remaining)


def _holds_stock(change: Change, counted: frozenset[UUID]) -> bool:
    if change.after.status in NOT_MADE:
        return False
    if change.before.status is ItemStatus.FAILED:
        return change.after.recipe_id in counted
    return change.before.holds_stock


def _sorted_ids(drinks: Counter[UUID | None]) -> list[UUID]:
    return sorted(id for id in drinks if id is not None)


def _update(conn: Connection[Any], item: OrderItem) -> None:
    order_items.update_item(
        conn,
        order_id=item.order_id,
        number=item.number,
        status=item.status,
        claimed_by=item.claimed_by,
        claim_expires_at=item.claim_expires_at,
        started_at=item.started_at,
        completed_at=item.completed_at,
        error=item.error,
        canceled_at=item.canceled_at,
        cancellation_unseen=item.cancellation_unseen,
        served_at=item.served_at,
        holds_stock=item.holds_stock,
        changed_by=item.changed_by,
    )


def _visible(item: OrderItem) -> tuple[object, ...]:
    return item.status, item.claimed_by, item.cancellation_unseen, item.served_at


def _append_events(
    conn: Connection[Any],
    changes: list[Change],
    event: OrderEventType,
    actor: Actor,
    orders_after: dict[UUID, ChangeItemCountsRow],
) -> None:
    last = {change.after.order_id: change for change in changes}  # what the order became stands on its last event
    became = [_became(orders_after[c.after.order_id]) if c is last[c.after.order_id] else "" for c in changes]
    lock_event_log(conn, Appended.DRINKS)
    order_events.append_events(
        conn,
        order_ids=[change.after.order_id for change in changes],
        item_numbers=[change.after.number for change in changes],
        types=[event] * len(changes),
        principal_ids=[orders_after[change.after.order_id].principal_id for change in changes],
        details=[_detail(change.after) for change in changes],
        order_becames=became,
        actor_id=actor.id,
    )


def _detail(item: OrderItem) -> str:
    """What a reader of the event wants to know of the drink: what it is from now on, and why."""
    return json.dumps({"status": item.status, **({"error": item.error} if item.error else {})})


def _became(order: ChangeItemCountsRow) -> str:
    return order.status.value if order.status is not order.status_before else ""
