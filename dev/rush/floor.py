"""The floor: a waiter brings what is ready and sees what was canceled; the manager takes a drink off the menu."""

from dev.rush.callers import NoAnswer, Person
from dev.rush.clock import EveningClock
from dev.rush.evening import Span
from dev.rush.tally import Tally

ROUND_SECONDS = 30.0  # of the evening, from one look at the bar to the next
SHORTEST_ROUND_SECONDS = 0.5  # ours


class Waiter:
    """Serves order by order."""

    def __init__(self, person: Person, clock: EveningClock) -> None:
        self._person = person
        self._clock = clock

    async def work(self) -> None:
        """Make rounds. Raises BarClosed."""
        while True:
            await self._clock.rest(max(SHORTEST_ROUND_SECONDS, ROUND_SECONDS / self._clock.speed))
            try:
                await self._round()
            except NoAnswer:
                continue

    async def _round(self) -> None:
        queue = await self._person.need("GET", "/queue", query={"limit": 1}, patient=False)
        for order_id in {drink["order_id"]: None for drink in queue["canceled"]}:
            await self._person.ask("POST", f"/orders/{order_id}/acknowledge")
        for order_id in {drink["order_id"]: None for drink in queue["ready"]}:
            # Refused where a drink was recalled before the waiter was there.
            await self._person.ask("POST", f"/orders/{order_id}/serve", expect=("200", "409 invalid_transition"))


async def run_out(manager: Person, recipe: str, span: Span, tally: Tally, clock: EveningClock) -> None:
    """86 a recipe for that time: off the menu, and what waits for it fails. Raises BarClosed; it is back then, too."""
    await clock.until(span.begins)
    recipes = await manager.every("/recipes", "recipes")
    [recipe_id] = [one["id"] for one in recipes if one["name"] == recipe]
    path = f"/recipes/{recipe_id}"
    await manager.ask("PATCH", path, body={"available": False})
    tally.say("trouble", f"86 {recipe}")
    try:
        await _fail_waiting(manager, recipe_id, clock)
        await clock.until(span.ends)
    finally:
        await manager.ask("PATCH", path, body={"available": True})
    tally.say("news", f"{recipe} is back")


async def _fail_waiting(manager: Person, recipe_id: str, clock: EveningClock) -> None:
    """Twice: an order that was under way when the drink was taken off the menu is there by the second time."""
    for _ in range(2):
        await manager.ask("POST", "/queue/fail", body={"recipe_id": recipe_id, "reason": "sold out"})
        await clock.rest(1.0)
