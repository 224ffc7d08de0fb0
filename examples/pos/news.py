"""What the bar tells, in one form, whichever way it came: as a webhook, as an event, or as an order that was read."""

from collections.abc import Iterable
from typing import Any, NamedTuple

Json = dict[str, Any]
WHOLE_ORDER = 0  # where others name a drink


class News(NamedTuple):
    """What a drink, or an order as a whole, is as of a place in the bar's log. Later places win.

    A webhook names the place `event_id`, an event `id`: the same number. Within an order it rises with `sequence`.
    """

    order_id: str
    number: int
    status: str
    reason: str | None
    place: int


def from_webhook(message: Json) -> list[News]:
    """A message's news; none in a message that names no status, or that is of a type we do not know."""
    data = message["data"]
    if "order_id" not in data or "status" not in data:
        return []
    number = data.get("number", WHOLE_ORDER)
    return [News(data["order_id"], number, data["status"], data.get("error"), data["event_id"])]


def from_events(events: Iterable[Json]) -> list[News]:
    """An event says what became of a drink, and perhaps of its order by that."""
    return [news for event in events for news in _from_event(event)]


def _from_event(event: Json) -> list[News]:
    order_id, number, place = event["order_id"], event["number"], event["id"]
    drink, order = event["detail"].get("status"), event["order_became"]
    return [
        *([News(order_id, number, drink, event["detail"].get("error"), place)] if drink else []),
        *([News(order_id, WHOLE_ORDER, order, None, place)] if order else []),
    ]


def from_order(order: Json, place: int) -> list[News]:
    """An order that was read after the log had come to this place."""
    drinks = [News(order["id"], one["number"], one["status"], one["error"], place) for one in order["items"]]
    return [*drinks, News(order["id"], WHOLE_ORDER, order["status"], order["error"], place)]
