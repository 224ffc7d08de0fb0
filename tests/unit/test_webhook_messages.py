"""What an endpoint is told, without a database."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest

from shakerqueue.bar import BarNow, BarState
from shakerqueue.menu import Menu
from shakerqueue.queries.models import (
    BuildDefaults,
    OrderEventType,
    OrderStatus,
    Recipe,
    RecipeBuild,
    ToldEvent,
)
from shakerqueue.webhook_messages import bar_news, menu_news, order_messages
from shakerqueue.webhook_types import WebhookType

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORDER = UUID(int=7)
ALL = frozenset(WebhookType)


def event(kind: str, became: str | None = None, number: int | None = 1, **said: Any) -> ToldEvent:
    return ToldEvent(
        id=said.pop("id", 1),
        order_id=said.pop("order_id", ORDER),
        item_number=number,
        type=OrderEventType(kind),
        order_became=OrderStatus(became) if became else None,
        principal_id=UUID(int=1),
        detail=said.pop("detail", {}),
        created_at=NOON,
        ticket="T7",
        external_id="check-1",
        recipe="Negroni" if number else None,
    )


def told(*events: ToldEvent, wanted: frozenset[WebhookType] = ALL) -> list[tuple[str, dict[str, Any]]]:
    messages = order_messages(events, wanted, {})
    return [(message.type, json.loads(message.body)["data"]) for message in messages]


def test_whatever_can_happen_has_a_type() -> None:
    happened = {kind for what in OrderEventType for kind, _ in told(event(what.value))}
    became = {kind for status in OrderStatus for kind, _ in told(event("started", status.value))}
    named = happened | became
    assert ALL - {WebhookType.MENU_CHANGED, WebhookType.BAR_CHANGED} == named


def test_a_change_of_a_drink_that_changes_its_order_is_two_messages() -> None:
    order = {"order_id": str(ORDER), "external_id": "check-1", "ticket": "T7", "event_id": 1}
    assert [
        ("drink.completed", {**order, "sequence": 1, "number": 1, "recipe": "Negroni"}),
        ("order.complete", {**order, "sequence": 2, "status": "complete"}),
    ] == told(event("completed", "complete"))


def test_an_order_is_told_as_placed_and_a_refused_one_as_failed_as_well() -> None:
    refused = event("failed", "failed", detail={"status": "failed", "error": "sold_out"})
    assert ["order.placed", "drink.failed", "order.failed"] == [
        kind for kind, _ in told(event("placed", number=None), refused)
    ]
    assert "sold_out" == told(refused)[0][1]["error"]


def test_the_sequence_goes_on_per_order_and_counts_what_is_wanted_alone() -> None:
    other = uuid4()
    events = [event("placed"), event("placed", order_id=other), event("started"), event("completed", "complete")]
    wanted = frozenset({WebhookType.ORDER_PLACED, WebhookType.ORDER_COMPLETE})
    messages = list(order_messages(events, wanted, {ORDER: 4}))
    assert [(ORDER, 5), (other, 1), (ORDER, 6)] == [(message.order_id, message.sequence) for message in messages]


def test_a_message_says_when_it_happened_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    [message] = order_messages([event("placed")], ALL, {})
    assert "2026-11-23T12:00:00+00:00" == json.loads(message.body)["timestamp"]
    bar = BarNow(state=BarState.LAST_CALL, closes_at=NOON.astimezone(berlin))
    assert "2026-11-23T12:00:00+00:00" == bar_news(bar).data["closes_at"]


def recipe(**changed: Any) -> Recipe:
    said: dict[str, Any] = {
        "id": UUID(int=3),
        "name": "Negroni",
        "build": RecipeBuild.STIRRED,
        "ingredients": [{"name": "Gin", "amount": 30, "unit": "ml"}],
        "allergens": [],
        "station": "well",
        "prep_seconds": None,
        "priority": None,
        "available": True,
        "remaining": 5,
        "archived_at": None,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Recipe(**(said | changed))


def menu(**changed: Any) -> Menu:
    one = recipe(**changed)
    return Menu({one.name.lower(): one}, {RecipeBuild.STIRRED: BuildDefaults(RecipeBuild.STIRRED, 60, 5)})


@pytest.mark.parametrize(
    ("changed", "is_news"),
    [
        ({}, False),
        ({"remaining": 4}, False),
        ({"remaining": 0}, True),
        ({"available": False}, True),
        ({"name": "Negroni Sbagliato"}, True),
        ({"allergens": ["egg"]}, True),
        ({"priority": 1}, False),
    ],
)
def test_another_menu_is_news_but_not_how_much_is_left(changed: dict[str, Any], is_news: bool) -> None:
    assert is_news is (menu_news(menu()).digest != menu_news(menu(**changed)).digest)


def test_the_menu_names_what_cannot_be_ordered() -> None:
    assert {"sold_out": ["Negroni"]} == menu_news(menu(remaining=0)).data
