"""The end of the night: is every order that was answered 2xx there, once; and what became of the drinks."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dev.rush.callers import Person
from dev.rush.looking import percentiles
from dev.rush.tally import Tally

SETTLE_SECONDS = 30.0  # how long an order may still be on its way: a consumer was away
LOOK_SECONDS = 0.5
OPEN = ("pending", "in_progress")
CLOSING_TIME = "closing time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """`missing` and `doubled` are marks of orders that were answered 2xx; `unanswered` were stored all the same."""

    answered: int
    missing: tuple[str, ...]
    doubled: tuple[str, ...]
    unanswered: tuple[str, ...]
    drinks: dict[str, int]  # by status
    wait_seconds: tuple[float | None, float | None]  # p50, p90, from the order to the start
    total_seconds: tuple[float | None, float | None]  # from the order to the drink

    @property
    def adds_up(self) -> bool:
        """Whether each was found once."""
        return not self.missing and not self.doubled


async def cancel_open(manager: Person, tally: Tally, since: str) -> int:
    """Cancel what is left of the night's orders, so that no board shows drinks that nobody will make; how many."""
    canceled = 0
    for order in await _ours(manager, tally, since):
        if order["status"] in OPEN:
            body = {"reason": CLOSING_TIME}
            await manager.ask("POST", f"/orders/{order['id']}/cancel", body=body)
            canceled += 1
    return canceled


async def reckon(manager: Person, tally: Tally, since: str) -> Reckoning:
    """Compare the product's list with what was answered, until each order is there or its time is over.

    Raises:
        Refused: the list cannot be had.
    """
    give_up_at = time.monotonic() + SETTLE_SECONDS
    while (found := compare(tally, await _ours(manager, tally, since))).missing and time.monotonic() < give_up_at:
        await asyncio.sleep(LOOK_SECONDS)
    return found


def compare(tally: Tally, stored: list[dict[str, Any]]) -> Reckoning:
    """What was answered beside what is stored. Who was told of an order has to find just that one, and once."""
    ids = Counter(order["id"] for order in stored)
    marks = Counter(order["external_id"] for order in stored)
    answered = tally.orders.values()
    told = {order.mark for order in answered}
    items = [(order, item) for order in stored for item in order["items"]]
    return Reckoning(
        answered=len(answered),
        missing=tuple(order.mark for order in answered if not ids[order.id]),
        doubled=tuple(order.mark for order in answered if marks[order.mark] > 1 or ids[order.id] > 1),
        unanswered=tuple(sorted(marks.keys() - told)),
        drinks=dict(Counter(item["status"] for _, item in items)),
        wait_seconds=_percentiles(items, "started_at", tally.clock.speed),
        total_seconds=_percentiles(items, "completed_at", tally.clock.speed),
    )


def _percentiles(
    items: list[tuple[dict[str, Any], dict[str, Any]]], until: str, speed: float
) -> tuple[float | None, float | None]:
    """Of the drinks that were started or completed, since their orders were placed; the evening's seconds."""
    return percentiles([speed * _between(order["placed_at"], item[until]) for order, item in items if item[until]])


def _between(first: str, second: str) -> float:
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()


async def _ours(manager: Person, tally: Tally, since: str) -> list[dict[str, Any]]:
    """The night's orders as the staff finds them."""
    stored = await manager.every("/orders", "orders", {"placed_after": since})
    return [order for order in stored if (order["external_id"] or "").startswith(f"{tally.mark}-")]
