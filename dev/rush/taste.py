"""What guests like: favourites by a Zipf-like popularity, how many drinks, what they ask for besides."""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

from seed.past_orders import DRINK_WEIGHTS, DRINKS, FAVOURITES, MODIFIED, MODIFIERS, NOTED, NOTES

# Zipf-Mandelbrot: the first favourite is a sixth of what is ordered, the first fifteen seven in ten.
ZIPF_OFFSET = 3
ZIPF_EXPONENT = 1.4
SPECIAL_SHARE = 0.4  # of the orders, while something is two for one


class Line(NamedTuple):
    """A line of an order."""

    recipe: str
    quantity: int = 1
    note: str | None = None
    modifiers: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """The line as `POST /orders` takes it, with what was asked for only."""
        asked_for: dict[str, Any] = {"note": self.note, "modifiers": list(self.modifiers)}
        return {"recipe": self.recipe, "quantity": self.quantity} | {k: v for k, v in asked_for.items() if v}


class Taste:
    """Makes up what is ordered of a menu; the same `random` makes the same."""

    def __init__(self, menu: Sequence[str], random: Random) -> None:
        rank = {name: number for number, name in enumerate(FAVOURITES)}
        self.favourites = sorted(menu, key=lambda name: (rank.get(name, len(rank)), name))
        self._weights = list(accumulate((number + ZIPF_OFFSET) ** -ZIPF_EXPONENT for number in range(len(menu))))
        self._random = random

    def lines(self, special: str | None = None) -> tuple[Line, ...]:
        """One order, perhaps of what is two for one."""
        if special in self.favourites and self._random.random() < SPECIAL_SHARE:
            return (Line(special, quantity=2),)
        [drinks] = self._random.choices(DRINKS, DRINK_WEIGHTS)
        recipes = Counter(self._random.choices(self.favourites, cum_weights=self._weights, k=drinks))
        return tuple(self._line(recipe, quantity) for recipe, quantity in recipes.items())

    def _line(self, recipe: str, quantity: int) -> Line:
        random = self._random
        note = random.choice(NOTES) if random.random() < NOTED else None
        modifiers = (random.choice(MODIFIERS),) if random.random() < MODIFIED else ()
        return Line(recipe, quantity, note, modifiers)
