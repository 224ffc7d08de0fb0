"""Past orders that a bar could have had: what was ordered, how long it took, how it ended. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from random import Random

from seed.evenings import crowding
from shakerqueue.queries.models import ItemStatus, Recipe

# What most people order, most of them first; every other recipe follows by name.
FAVOURITES = (
    "Margarita", "Mojito", "Negroni", "Old Fashioned", "Aperol Spritz", "Espresso Martini", "Daiquiri",
    "Whiskey Sour", "Moscow Mule", "Manhattan", "Piña Colada", "Martini", "Cosmopolitan", "Paloma", "Bloody Mary",
)  # fmt: skip
DRINKS = (1, 2, 3, 4, 5, 6, 8)
DRINK_WEIGHTS = (48, 28, 11, 8, 3, 1.5, 0.5)
NOTES = ("no salt", "extra lime", "not too sweet", "less ice", "orange, not lemon", "for the birthday girl 🎂", "to go")
MODIFIERS = ("double", "no ice", "frozen", "virgin")
FAILURES = ("out of mint", "out of lime", "glass broke", "guest left", "bottle empty")

CANCELED = 0.03  # shares of all orders
RUSHED = 0.01
AT_A_TABLE = 0.6
FAILED = 0.02  # shares of all drinks
NOTED = 0.08
MODIFIED = 0.06
FORGOTTEN = 0.04  # share of the drinks that were made: nobody marked them as served
TABLES = 40

PREP_SECONDS = 60
WAIT_SECONDS = 40  # on average, when nobody else is there
CROWD_SECONDS = 240  # more at the height of the night
HANDS_SECONDS = 20  # between two drinks of one order
FETCH_SECONDS = 45  # on average, from the bar to the guest


@dataclass(frozen=True, slots=True)
class PastDrink:
    """A drink and its end. Seconds count from the moment of the order; 0: it did not come to that."""

    recipe: Recipe
    status: ItemStatus
    note: str
    modifiers: tuple[str, ...]
    started_after: int
    completed_after: int
    served_after: int
    error: str


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order that is over, `seconds` after it was placed."""

    placed_at: datetime
    ticket: str
    rush: bool
    drinks: tuple[PastDrink, ...]
    seconds: int

    def count(self, status: ItemStatus) -> int:
        return sum(drink.status is status for drink in self.drinks)

    def body(self) -> dict[str, object]:
        """What a client would have sent."""
        lines = [
            {"recipe": drink.recipe.name, "note": drink.note or None, "modifiers": list(drink.modifiers)}
            for drink in self.drinks
        ]
        return {"items": lines, "ticket": self.ticket or None, "rush": self.rush}


class Imagination:
    """Makes past orders of a menu; the same `random` makes the same."""

    def __init__(self, menu: Sequence[Recipe], random: Random) -> None:
        rank = {name: number for number, name in enumerate(FAVOURITES)}
        self._menu = sorted(menu, key=lambda recipe: (rank.get(recipe.name, len(rank)), recipe.name))
        self._weights = list(accumulate(1 / (number + 3) for number in range(len(self._menu))))
        self._random = random

    def order(self, placed_at: datetime) -> PastOrder:
        """What a guest ordered at that time."""
        random = self._random
        [drinks] = random.choices(DRINKS, DRINK_WEIGHTS)
        recipes = random.choices(self._menu, cum_weights=self._weights, k=drinks)
        rush = random.random() < RUSHED
        ticket = f"T{random.randint(1, TABLES)}" if random.random() < AT_A_TABLE else ""
        wait_seconds = 0.0 if rush else random.expovariate(1 / (WAIT_SECONDS + CROWD_SECONDS * crowding(placed_at)))
        if random.random() < CANCELED:
            canceled = tuple(self._drink(recipe, ItemStatus.CANCELED, 0) for recipe in recipes)
            return PastOrder(placed_at, ticket, rush, canceled, seconds=1 + int(wait_seconds))
        made = tuple(
            self._drink(recipe, self._outcome(), 1 + int(wait_seconds) + number * HANDS_SECONDS)
            for number, recipe in enumerate(recipes)
        )
        return PastOrder(placed_at, ticket, rush, made, seconds=max(_ended_after(drink) for drink in made))

    def _outcome(self) -> ItemStatus:
        return ItemStatus.FAILED if self._random.random() < FAILED else ItemStatus.COMPLETE

    def _drink(self, recipe: Recipe, status: ItemStatus, started_after: int) -> PastDrink:
        random = self._random
        make_seconds = int((recipe.prep_seconds or PREP_SECONDS) * random.uniform(0.6, 1.7))
        completed_after = started_after + make_seconds if status is ItemStatus.COMPLETE else 0
        return PastDrink(
            recipe=recipe,
            status=status,
            note=random.choice(NOTES) if random.random() < NOTED else "",
            modifiers=(random.choice(MODIFIERS),) if random.random() < MODIFIED else (),
            started_after=started_after,
            completed_after=completed_after,
            served_after=self._served_after(completed_after),
            error=random.choice(FAILURES) if status is ItemStatus.FAILED else "",
        )

    def _served_after(self, completed_after: int) -> int:
        if not completed_after or self._random.random() < FORGOTTEN:
            return 0
        return completed_after + 1 + int(self._random.expovariate(1 / FETCH_SECONDS))


def _ended_after(drink: PastDrink) -> int:
    failed_after = drink.started_after + (drink.recipe.prep_seconds or PREP_SECONDS)
    return drink.served_after or drink.completed_after or failed_after
