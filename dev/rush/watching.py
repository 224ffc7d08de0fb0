"""What the product says of itself while the night goes on: its queue, its events, its parts. Asked for, and kept."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from dev.rush.callers import NoAnswer
from dev.rush.clock import EveningClock
from dev.rush.house import House
from dev.rush.tally import Tally

QUEUE_LOOK_SECONDS = 0.5  # ours, as the others
PARTS_LOOK_SECONDS = 1.0
EVENTS_WAIT_SECONDS = 2
EVENTS_PAUSE_SECONDS = 0.25  # so that a busy bar is read a few times a second and not at each event
SHOWN_PARTS = ("database", "broker", "consumer")
TOLD = {"completed": "made", "failed": "failed", "canceled": "canceled", "recalled": "recalled"}


@dataclass(slots=True)
class Seen:
    """The latest answers."""

    queue: dict[str, Any] = field(default_factory=lambda: {"now": None, "items": [], "all_day": [], "sold_out": []})
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def open_drinks(self) -> int:
        """How many drinks wait or are in hand."""
        return sum(one["pending"] + one["in_progress"] for one in self.queue["all_day"])

    @property
    def waiting(self) -> int:
        """How many drinks nobody has in hand."""
        return sum(int(one["pending"]) for one in self.queue["all_day"])

    def ages(self) -> list[tuple[float, float]]:
        """Of each open drink how long ago it was ordered, and how long it may take, in seconds."""
        if not self.queue["items"]:
            return []
        now = datetime.fromisoformat(self.queue["now"])
        return [(_seconds(now, drink["placed_at"]), _allowed(drink)) for drink in self.queue["items"]]


class Watch:
    """Looks, again and again. What cannot be had at the moment is shown as it was."""

    def __init__(self, house: House, tally: Tally, clock: EveningClock) -> None:
        self.seen = Seen()
        self._house = house
        self._tally = tally
        self._clock = clock

    async def follow_queue(self) -> None:
        """Keep the queue. Raises BarClosed, as the others."""
        while True:
            try:
                self.seen.queue = await self._house.waiter.need("GET", "/queue", patient=False)
            except NoAnswer:
                await self._clock.rest(PARTS_LOOK_SECONDS)
                continue
            self._tally.longest_queue = max(self._tally.longest_queue, self.seen.waiting)
            await self._clock.rest(QUEUE_LOOK_SECONDS)

    async def follow_parts(self) -> None:
        """Keep what each part says. 503 is an answer here: no orders are taken, and the parts say why."""
        while True:
            try:
                answer = await self._house.visitor.ask("GET", "/readyz", expect=("200", "503"), patient=False)
                parts = answer.json["parts"]
                self.seen.parts = {name: parts[name] for name in SHOWN_PARTS if name in parts}
            except NoAnswer:
                self.seen.parts = {"API": "no answer"}
            await self._clock.rest(PARTS_LOOK_SECONDS)

    async def follow_events(self) -> None:
        """Tell what happens, from now on."""
        query: dict[str, str | int] = {"wait": EVENTS_WAIT_SECONDS}
        while True:
            try:
                page = await self._house.waiter.need("GET", "/events", query=query, patient=False)
            except NoAnswer:
                await self._clock.rest(PARTS_LOOK_SECONDS)
                continue
            query["after"] = page["after"]
            for text, kind in _told(page["events"], self._house, self._tally):
                self._tally.say(kind, text)
            await self._clock.rest(EVENTS_PAUSE_SECONDS)


def _told(events: list[dict[str, Any]], house: House, tally: Tally) -> list[tuple[str, str]]:
    """Lines about tonight's orders, and the kind of each; what one did in one go to drinks of a recipe is one line."""
    known = [event for event in events if event["order_id"] in tally.orders]
    lines = []
    for (kind, order_id, actor_id), group in groupby(known, lambda e: (e["type"], e["order_id"], e["actor_id"])):
        order = tally.orders[order_id]
        if kind == "placed":
            lines.append((f"table {order.table}: {drinks_in_words(order.recipes)}", kind))
        elif kind in TOLD:
            recipes = tuple(order.recipes[event["number"] - 1] for event in group)
            who = house.name_of(actor_id)
            lines.append((f"{who} {TOLD[kind]} {drinks_in_words(recipes)} for {order.table}", kind))
    return lines


def drinks_in_words(recipes: tuple[str, ...]) -> str:
    """Drinks as one calls them out: `2 × Negroni, Mojito`."""
    counted = Counter(recipes).items()
    return ", ".join(recipe if drinks == 1 else f"{drinks} × {recipe}" for recipe, drinks in counted)


def _seconds(now: datetime, then: str) -> float:
    return (now - datetime.fromisoformat(then)).total_seconds()


def _allowed(drink: dict[str, Any]) -> float:
    return _seconds(datetime.fromisoformat(drink["due_at"]), drink["placed_at"])
