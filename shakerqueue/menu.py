"""The menu as this process knows it: read ahead of the orders, so that an order costs no database round trip."""

import threading
from collections.abc import Mapping
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


class MenuCache:
    """The recipes by name, kept current by a follower.

    While PostgreSQL is away the last menu stays, however old: intake goes on, and what cannot be made after all
    is refused when the order is persisted.
    """

    channel = "menu_changed"
    max_age_seconds = 30.0

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

    def find(self, name: str, deadline: Deadline) -> Recipe | None:
        """The recipe of this name, whatever its case; a name that the cache lacks is looked up once.

        Raises:
            Unavailable: the cache lacks it, and the database is away: nobody can know.
        """
        known = self._menu.by_name.get(name.lower())
        if known is not None:
            return known
        with self._database.connection(deadline) as conn:
            return recipes.get_recipe_by_name(conn, name=name)

    def read(self, conn: Connection[Any]) -> None:
        """Take in the menu as it is now; for the follower."""
        by_name = {recipe.name.lower(): recipe for recipe in recipes.list_recipes(conn)}
        builds = {defaults.build: defaults for defaults in recipes.list_build_defaults(conn)}
        self._menu = Menu(by_name, builds)  # one assignment: a reader sees the old menu or the new one
        self._loaded.set()
