"""The menu as this process knows it: read ahead of the orders, so that an order costs no database round trip."""

from shakerqueue.database import Database, DeadlineConnection
from shakerqueue.deadlines import Deadline
from shakerqueue.listener import Listener
from shakerqueue.queries import recipes
from shakerqueue.queries.models import Recipe

MAX_AGE_SECONDS = 30.0  # read again after this long even if nobody said that anything changed


def can_be_ordered(recipe: Recipe) -> bool:
    return recipe.available and recipe.remaining != 0


class MenuCache(Listener):
    """The recipes by name.

    While PostgreSQL is away the last menu stays, however old: intake goes on, and what cannot be made after all
    is refused when the order is persisted.
    """

    def __init__(self, database_url: str, database: Database) -> None:
        super().__init__(database_url, name="menu", channel="menu_changed", max_age_seconds=MAX_AGE_SECONDS)
        self._database = database
        self._recipes: dict[str, Recipe] = {}

    def find(self, name: str, deadline: Deadline) -> Recipe | None:
        """The recipe of this name, whatever its case; a name that the cache lacks is looked up once.

        Raises:
            Unavailable: the cache lacks it, and the database is away: nobody can know.
        """
        known = self._recipes.get(name.lower())
        if known is not None:
            return known
        with self._database.connection(deadline) as conn:
            return recipes.get_recipe_by_name(conn, name=name)

    def _read(self, conn: DeadlineConnection) -> None:
        self._recipes = {recipe.name.lower(): recipe for recipe in recipes.list_recipes(conn)}
