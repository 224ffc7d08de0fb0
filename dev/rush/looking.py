"""Puts together what the display shows from the clock, the tally and what was seen of the product."""

from collections import defaultdict
from datetime import datetime
from statistics import quantiles
from typing import Any

from dev.rush.clock import EveningClock, time_of_day
from dev.rush.evening import Evening
from dev.rush.house import House
from dev.rush.tally import Tally
from dev.rush.view import Line, Maker, Part, RecipeQueue, View
from dev.rush.watching import Seen
from dev.rush.waves import name_at

USUAL_SECONDS = 60.0  # to make a drink of which the menu does not say


def look(evening: Evening, clock: EveningClock, tally: Tally, seen: Seen, house: House, elapsed: float) -> View:
    """The present moment. `elapsed` is in our seconds, since the requests are counted."""
    now = clock.seconds
    ages = [(age * clock.speed, allowed) for age, allowed in seen.ages()]
    half, ninety = percentiles(tally.wait_seconds)
    return View(
        clock=time_of_day(now),
        progress=min(1.0, now / evening.seconds),
        speed=clock.speed,
        wave=name_at(now / evening.seconds),
        orders=len(tally.placed),
        orders_per_minute=tally.placed.per_minute(now),
        orders_course=tuple(tally.placed.course(now)),
        drinks=len(tally.made),
        drinks_per_minute=tally.made.per_minute(now),
        drinks_course=tuple(tally.made.course(now)),
        waiting=seen.waiting,
        in_hand=seen.open_drinks - seen.waiting,
        late=sum(age > allowed for age, allowed in ages),
        oldest_seconds=max((age for age, _ in ages), default=0.0),
        wait_p50_seconds=half,
        wait_p90_seconds=ninety,
        queue=_queue(seen),
        sold_out=tuple(seen.queue["sold_out"]),
        makers=_makers(seen, house, clock.speed),
        happenings=tuple(Line(time_of_day(at), kind, text) for at, kind, text in reversed(tally.happenings)),
        parts=tuple(Part(name, state) for name, state in seen.parts.items()),
        requests_per_second=tally.requests / elapsed if elapsed > 0 else 0.0,
        repeated=tally.repeated,
        unexpected=tally.unexpected.total(),
    )


def percentiles(seconds: list[float]) -> tuple[float | None, float | None]:
    """p50 and p90, or None twice where there is nothing to tell."""
    if len(seconds) < 2:
        return None, None
    tenths = quantiles(seconds, n=10, method="inclusive")
    return tenths[4], tenths[8]


def _queue(seen: Seen) -> tuple[RecipeQueue, ...]:
    counts = [RecipeQueue(one["recipe"], one["pending"], one["in_progress"]) for one in seen.queue["all_day"]]
    return tuple(sorted(counts, key=lambda one: (-one.waiting - one.in_hand, one.recipe)))


def _makers(seen: Seen, house: House, speed: float) -> tuple[Maker, ...]:
    """What each bartender has in hand; a claim is of one recipe."""
    hands: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for drink in seen.queue["items"]:
        if drink["claimed_by_username"] and drink["started_at"]:
            hands[drink["claimed_by_username"]].append(drink)
    prep_seconds = {drink.name: drink.prep_seconds for drink in house.menu}
    makers = []
    for person in house.bartenders:
        drinks = hands.get(person.username)
        makers.append(_maker(person.username, drinks, prep_seconds, seen.queue["now"], speed))
    return tuple(makers)


def _maker(
    name: str, drinks: list[dict[str, Any]] | None, prep_seconds: dict[str, float], now: str, speed: float
) -> Maker:
    if not drinks:
        return Maker(name)
    recipe = drinks[0]["recipe"]["name"]
    begun = datetime.fromisoformat(now) - datetime.fromisoformat(drinks[0]["started_at"])
    progress = begun.total_seconds() * speed / prep_seconds.get(recipe, USUAL_SECONDS)
    return Maker(name, recipe, len(drinks), min(1.0, max(0.0, progress)))
