"""What an endpoint is told: messages made of the log of events, of the menu and of the bar."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from shakerqueue.bar import BarNow
from shakerqueue.menu import Menu, can_be_ordered
from shakerqueue.queries.models import OrderEventType, ToldEvent
from shakerqueue.webhook_types import WebhookType


class OrderMessage(NamedTuple):
    """A message of an order, which comes after those of a lower sequence."""

    type: str
    order_id: UUID
    sequence: int
    body: str


class News(NamedTuple):
    """Something that has no place in the log: what it is now, and a digest that differs when it differs."""

    type: WebhookType
    digest: bytes
    data: Mapping[str, Any]


def order_messages(
    events: Iterable[ToldEvent], wanted: Collection[str], last_sequences: Mapping[UUID, int]
) -> Iterator[OrderMessage]:
    """The messages that these events make for an endpoint that wants these types, numbered on per order."""
    sequences = Counter(last_sequences)
    for event in events:
        for kind, data in _told(event):
            if kind in wanted:
                sequences[event.order_id] += 1
                sequence = sequences[event.order_id]
                numbered = {"sequence": sequence, "event_id": event.id, **data}
                yield OrderMessage(kind, event.order_id, sequence, body_of(kind, event.created_at, numbered))


@lru_cache(maxsize=1)
def menu_news(menu: Menu) -> News:
    """What can be ordered, and what cannot at the moment. How much is left of a counted drink is no news."""
    recipes = [
        [r.name, r.build.value, r.ingredients, r.allergens, r.station, menu.prep_seconds(r), can_be_ordered(r)]
        for r in menu.by_name.values()
    ]
    sold_out = [recipe.name for recipe in menu.by_name.values() if not can_be_ordered(recipe)]
    return News(WebhookType.MENU_CHANGED, _digest(recipes), {"sold_out": sold_out})


def bar_news(bar: BarNow) -> News:
    """Whether orders are taken."""
    data = {
        "state": bar.state.value,
        "accepting": bar.accepting,
        "reason": bar.reason,
        "closes_at": _text(bar.closes_at),
        "reopens_at": _text(bar.reopens_at),
    }
    return News(WebhookType.BAR_CHANGED, _digest(data), data)


def message_id(delivery_id: UUID) -> str:
    """What a receiver knows a message by, however often it comes."""
    return f"msg_{delivery_id.hex}"


def body_of(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    """A message as it is signed and sent, however often: type, time, data, as the specification recommends."""
    return json.dumps({"type": kind, "timestamp": _text(at), "data": data}, ensure_ascii=False)


def _told(event: ToldEvent) -> Iterator[tuple[str, dict[str, Any]]]:
    """Up to two messages: what happened to the drink, and what the order became by it."""
    order = {"order_id": str(event.order_id), "external_id": event.external_id, "ticket": event.ticket}
    if event.type is OrderEventType.PLACED:
        yield WebhookType.ORDER_PLACED, order
    else:
        drink = {"number": event.item_number, "recipe": event.recipe, **event.detail}
        yield f"drink.{event.type.value}", {**order, **drink}
    if event.order_became is not None:
        status = event.order_became.value
        yield f"order.{status}", {**order, "status": status}


def _digest(data: Any) -> bytes:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).digest()


def _text(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
