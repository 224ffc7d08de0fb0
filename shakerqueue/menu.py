"""The menu as this process knows it: read ahead of the orders, so that an order costs no database round trip."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.queries import recipes
from shakerqueue.queries.models import BuildDefaults, Recipe, RecipeBuild


def can_be_ordered(recipe: Recipe) -> bool:
    return recipe.available and recipe.remaining != 0


@dataclass(frozen=True, slots=True, eq=False)
class Menu:
    """The menu at one moment. Each reading makes a new one, which is equal to no other."""

    by_name: Mapping[str, Recipe]  # by name in lower case, in the order of the names
    builds: Mapping[RecipeBuild, BuildDefaults]

    def offers(self) -> list[Recipe]:
        """What can be ordered now, by name."""
        return [recipe for recipe in self.by_name.values() if can_be_ordered(recipe)]

    def prep_seconds(self, recipe: Recipe) -> int:
        """What the drink takes: the recipe's own time, else its build's."""
        own = recipe.prep_seconds
        return self.builds[recipe.build].prep_seconds if own is None else own


@dataclass(frozen=True, slots=True)
class MenuReading:
    """The recipes that the orders of one request are judged by."""

    by_name: Mapping[str, Recipe]  # by name in lower case
    missed: Unavailable | None = None  # why names that the menu lacks could not be looked up, where they could not

    def find(self, name: str) -> Recipe | None:
        """The recipe of this name, whatever its case; None where there is none.

        Raises:
            Unavailable: the menu lacks it, and the database is away: nobody can know.
        """
        recipe = self.by_name.get(name.lower())
        if recipe is None and self.missed is not None:
            raise self.missed
        return recipe


class MenuCache:
    """The recipes by name, kept current by a follower.

    While PostgreSQL is away the last menu stays, however old: intake goes on, and what cannot be made after all
    is refused when the order is persisted.
    """

    channel = "menu_changed"
    max_age_seconds = 30.0
    pause_seconds = 0.1  # a recipe that is counted changes with every batch of orders

    def __init__(self, database: Database) -> None:
        self._database = database
        self._menu = Menu({}, {})
        self._loaded = threading.Event()

    @property
    def loaded(self) -> bool:
        """Whether a menu was read at all since the process started."""
        return self._loaded.is_set()

    @property
    def current(self) -> Menu:
        """The menu as it was read last.

        Raises:
            Unavailable: none was read yet.
        """
        if not self.loaded:
            raise Unavailable("menu", "not read yet")
        return self._menu

    def reading(self, names: Iterable[str], deadline: Deadline) -> MenuReading:
        """The menu at this moment, for orders of these names; those that it lacks are looked up, once and together."""
        by_name = self._menu.by_name
        lacking = {name for name in names if name.lower() not in by_name}
        if not lacking:
            return MenuReading(by_name)
        try:
            with self._database.connection(deadline) as conn:
                found = recipes.list_recipes_by_names(conn, names=sorted(lacking))
        except Unavailable as error:
            return MenuReading(by_name, error)
        return MenuReading({**by_name, **_by_name(found)})

    def read(self, conn: Connection[Any]) -> None:
        """Take in the menu as it is now; for the follower."""
        by_name = _by_name(recipes.list_recipes(conn))
        builds = {defaults.build: defaults for defaults in recipes.list_build_defaults(conn)}
        self._menu = Menu(by_name, builds)  # one assignment: a reader sees the old menu or the new one
        self._loaded.set()


def _by_name(listed: Iterable[Recipe]) -> dict[str, Recipe]:
    return {recipe.name.lower(): recipe for recipe in listed}
